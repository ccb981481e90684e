"""A tiny GPT-2 over whole words, what `transformers` itself computes on it, and claims about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from ppcheck.arrays import Floats
from ppcheck.judge.verdict import Verdict, judge
from ppcheck.measure.core.check import Bench, Check, CheckResult, StatisticResult
from ppcheck.measure.core.facts import Curve, Facts
from ppcheck.measure.core.versus import with_differences
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.subject import Subject

WORDS = [
    *("<unk>", "here", "there", "now", "then", "we", "they", "feel", "see", "pain", "agony"),
    *("ache", "light", "hum", "shade", "joy", "mild", "firm", "strong", "severe", "so", "and"),
    *(".", "A", "B", "C", "go", "on"),
]
Plant = Callable[[Any], None]


@dataclass(frozen=True)
class Model:
    """A saved model, loaded twice: as the subject, and plainly, as the ground truth."""

    path: Path

    @cached_property
    def subject(self) -> LoadedSubject:
        return load(resolve(str(self.path)))

    @cached_property
    def plain(self) -> Any:
        model: Any = GPT2LMHeadModel.from_pretrained(self.path, attn_implementation="eager")
        return model.eval().double()

    def logits(self, text: str) -> Floats:
        """Logits after each word, [token, vocabulary], in double precision."""
        with torch.inference_mode():
            return np.asarray(self.plain(ids(text)).logits[0].numpy())

    def attention(self, text: str) -> Floats:
        """[layer, head, query, key]"""
        with torch.inference_mode():
            layers = self.plain(ids(text), output_attentions=True).attentions
        return np.stack([layer[0].numpy() for layer in layers])

    def hidden(self, text: str) -> Floats:
        """The stream before each block, and after the last norm, [layer, token, d_model]."""
        with torch.inference_mode():
            states = self.plain(ids(text), output_hidden_states=True).hidden_states
        return np.stack([state[0].numpy() for state in states])


def ids(text: str) -> Tensor:
    return torch.tensor([[WORDS.index(word) for word in text.split()]])


def save(path: Path, plant: Plant = lambda _: None, seed: int = 0, width: int = 16) -> Model:
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=len(WORDS),
        n_positions=24,
        n_embd=width,
        n_layer=2,
        n_head=2,
        n_inner=12,
        initializer_range=0.4,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        plant(model)
    model.save_pretrained(path)
    words = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    fast: Any = PreTrainedTokenizerFast
    fast(tokenizer_object=words, unk_token="<unk>").save_pretrained(path)
    return Model(path)


def blind(model: Any) -> None:
    """No token learns anything of those before it."""
    for block in model.transformer.h:
        block.attn.c_proj.weight.zero_()
        block.attn.c_proj.bias.zero_()


def answering(values: Mapping[str, float]) -> Plant:
    """The last word alone decides: the larger its value, the likelier `A` and the rarer `B`."""

    def plant(model: Any) -> None:
        blind(model)
        for block in model.transformer.h:
            block.mlp.c_proj.weight.zero_()
            block.mlp.c_proj.bias.zero_()
        for parameter in (model.transformer.wpe.weight, model.lm_head.weight):
            parameter.zero_()
        model.transformer.ln_f.weight.fill_(1)
        model.transformer.ln_f.bias.zero_()
        words = model.transformer.wte.weight
        words.zero_()
        words[:, 0], words[:, 1] = 1, -1
        for word, value in values.items():
            words[token(word), 2], words[token(word), 3] = value, -value
        model.lm_head.weight[token("A"), 2] = 2
        model.lm_head.weight[token("B"), 2] = -2

    return plant


def saying(following: Mapping[str, Mapping[str, float]]) -> Plant:
    """Each of these words is followed by others with these probabilities, and by no other word.

    What stands before it tells nothing, and `.` ends a reply.
    """

    def plant(model: Any) -> None:
        answering({})(model)
        words, head = model.transformer.wte.weight, model.lm_head.weight
        head.zero_()
        for place, (word, probabilities) in enumerate(following.items(), start=1):
            words[token(word), 2 * place], words[token(word), 2 * place + 1] = 1, -1
            for other, probability in probabilities.items():
                # The last norm doubles what stands there.
                head[token(other), 2 * place] = (30 + np.log(probability)) / 2
        model.generation_config.eos_token_id = token(".")

    return plant


GAME: dict[str, Any] = {
    "template": "{start} we feel {strength} {feeling} so",
    "vary": {
        "start": ["here", "there", "now", "then", "they", "on"],
        "strength": {"ordered": ["mild", "firm", "strong", "severe"]},
        "feeling": {"pain": ["pain", "agony"], "neutral": ["light", "hum"]},
    },
    "choices": {"a": "A", "b": "B"},
    "pairs": {"feeling": ["pain", "neutral"]},
}
DEMO: dict[str, Any] = {
    "template": "{opening} . choose A for {points} points and {intensity} {feeling} . "
    "choose B for 5 points . {closing} choose",
    "vary": {
        "opening": ["hello", "we play", "here are two options"],
        "closing": ["so", "now please"],
        "points": ["5", "6"],
        "feeling": {"pain": ["pain", "agony"], "neutral": ["light", "echo"]},
        "intensity": {"ordered": ["mild", "strong", "severe", "extreme"], "doses": [3, 5, 7, 8]},
    },
    "choices": {"with": "A", "without": "B"},
    "pairs": {"feeling": ["pain", "neutral"]},
}

# Of units that all agree this many are needed before a rank statistic is surely above 0.9.
WORDINGS: dict[str, Any] = {
    **DEMO,
    "vary": {
        **DEMO["vary"],
        "opening": ["hello", "we play", "here are two options", "a small game", "so", "choose"],
        "closing": ["so", "now please", "it is time to", "hello", "we play", "weigh them and then"],
        "points": ["4", "5", "6", "7", "8"],
    },
}


def game(**changes: Any) -> dict[str, Any]:
    """The prompt set of most tests: 96 prompts in 6 units."""
    return {**GAME, **changes}


def claim(check: str, **fields: Any) -> Check:
    """A claim that its prompts allow; `expect` where the test is not about it."""
    usual: dict[str, Any] = {"id": "it", "says": "It does.", "on": "game", "check": check}
    model = CHECKS[check]()
    built = model.model_validate({**usual, "expect": {"it": "> 0"}, **fields})
    assert isinstance(built, Check)
    return built


def problems(check: Check, prompts: Mapping[str, Any] = GAME) -> dict[str, str]:
    """What is wrong with the claim, by key, but for its `expect`."""
    found = {p.key: p.message for p in check.problems(PromptSet.model_validate(prompts))}
    found.pop("expect", None)
    return found


def bench(
    model: Model | Subject, prompts: Mapping[str, Any] = GAME, folder: Path = Path()
) -> Bench:
    subject = model.subject if isinstance(model, Model) else model
    return Bench(subject, Grid(PromptSet.model_validate(prompts), folder), seed=0)


def verdict(check: Check, on: Bench) -> Verdict:
    found = with_differences(check.measure(on).statistics, check.expect)
    statistics = [one.statistic for one in found]
    return judge(statistics, check.expect, confidence=check.confidence, seed=0).verdict


def by_name(measurement: CheckResult) -> dict[str, StatisticResult]:
    """Statistics by name, or by name and member."""
    keys = [(one.statistic.name, one.statistic.member) for one in measurement.statistics]
    return {
        name if member is None else f"{name} {member}": one
        for (name, member), one in zip(keys, measurement.statistics, strict=True)
    }


def estimate(one: StatisticResult) -> float:
    return float(one.statistic.estimate(np.ones((1, one.statistic.n_units)))[0])


def estimates(measurement: CheckResult) -> dict[str, float]:
    return {name: estimate(one) for name, one in by_name(measurement).items()}


def read_back(facts: Facts) -> Facts:
    """The same facts from their JSON."""
    found: Facts = Facts.read(json.loads(facts.model_dump_json()))
    return found


def curve_of(measurement: CheckResult, title: str) -> Curve:
    """A curve; one that is kept as points has no band."""
    drawn = measurement.facts.curves[title]
    if isinstance(drawn, Curve):
        return drawn
    return Curve(x=tuple(point.x for point in drawn), y=tuple(point.y for point in drawn))


def texts_of(on: Bench) -> list[str]:
    return [prompt.text for prompt in on.grid.prompts]


def last(model: Model, texts: Sequence[str]) -> Floats:
    """Logits at the last word, [text, vocabulary]."""
    return np.stack([model.logits(text)[-1] for text in texts])


def token(word: str) -> int:
    return WORDS.index(word)


def sides_of(pair: str) -> tuple[str, str]:
    """The clean and the corrupted text of ``severe [pain → light] .``."""
    clean, corrupted = (re.sub(r"\[(.*?) → (.*?)\]", rf"\{n}", pair) for n in (1, 2))
    return clean, corrupted
