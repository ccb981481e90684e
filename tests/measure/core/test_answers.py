from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

from ppcheck.arrays import Floats
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.answers import LOW
from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.metrics import mass
from ppcheck.spec.prompts.selection import Selection
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    DEMO,
    Model,
    Plant,
    answering,
    bench,
    by_name,
    claim,
    estimates,
    game,
    last,
    save,
    sides_of,
    token,
    verdict,
)

pytestmark = pytest.mark.trust

OF_CHOICES: dict[str, dict[str, Any]] = {
    "choice": {"choice": "a"},
    "contrast": {"metric": "p(a)"},
    "dose_response": {"metric": "logit_diff(a, b)", "dose": "strength"},
    "invariance": {"metric": "prob(a)", "over": "start"},
    "property": {"always": "p(a) > 0", "forall": {"start": {"sampled": ["here", "now"]}}},
    "patch": {"metric": "logit_diff(a, b)", "site": "L0H0", "mode": "noise"},
    "ablate": {"metric": "p(a)", "site": "L0H0", "ablation": "zero"},
    "attribution": {"metric": "logit_diff(a, b)", "site": "L0H0"},
    "logit_lens": {"metric": "logit_diff(a, b)"},
    "role": {"effect": {"metric": "p(a)", "mode": "noise", "at_least": 0.1}},
}


def chances(model: Model, texts: list[str]) -> Floats:
    """The next token's probabilities as transformers has them, [text, vocabulary]."""
    logits = last(model, texts)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("check", OF_CHOICES)
def test_every_claim_about_choices_records_their_mass_and_says_where_it_is_low(
    tiny: Model, check: str
) -> None:
    found = claim(check, **OF_CHOICES[check]).measure(bench(tiny))
    assert 0 < (found.facts.mass or 0) < LOW
    assert any("the model says something else" in note for note in found.notes)


def test_the_mass_is_what_transformers_gives_all_choices_together(tiny: Model) -> None:
    on = bench(tiny)
    found = claim("choice", choice="a").measure(on)
    texts = [prompt.text for prompt in on.grid.prompts]
    expected = chances(tiny, texts)[:, [token("A"), token("B")]].sum(axis=1)
    assert found.facts.mass == pytest.approx(expected.mean(), abs=1e-6)
    assert estimates(found)["mass"] == pytest.approx(expected.mean(), abs=1e-6)


def test_of_a_pair_it_is_that_of_the_prompt_that_has_less(tiny: Model) -> None:
    asked = claim("contrast", metric="p(a)", expect={"mass": "<= 0.1"})
    behind = by_name(asked.measure(bench(tiny)))["mass"]
    both = [sides_of(pair) for pair in behind.examples]
    masses = [
        chances(tiny, list(side))[:, [token("A"), token("B")]].sum(axis=1)
        for side in zip(*both, strict=True)
    ]
    assert behind.statistic.values() == pytest.approx(np.min(masses, axis=0), abs=1e-6)


def test_synonyms_count_once_each_however_they_are_pooled(tiny: Model) -> None:
    pooled = [
        bench(tiny, game(choices={"a": ["A", "go"], "b": ["B", "B "]}, pool=pool))
        for pool in ("sum", "max", "mean")
    ]
    texts = [prompt.text for prompt in pooled[0].grid.prompts]
    expected = chances(tiny, texts)[:, [token(word) for word in ("A", "go", "B")]].sum(axis=1)
    for on in pooled:
        encoded = on.prompts(Selection("game"))
        assert mass(on.subject, encoded, ("a", "b")) == pytest.approx(expected, abs=1e-6)


def test_an_answer_that_begins_with_another_is_part_of_it(tiny: Model) -> None:
    on = bench(tiny, game(choices={"a": "A", "b": "A so"}))
    encoded = on.prompts(Selection("game"))
    alone = mass(on.subject, encoded, ("a",))
    assert mass(on.subject, encoded, ("a", "b")) == pytest.approx(alone)
    assert mass(on.subject, encoded, ("b", "a")) == pytest.approx(alone)


def test_nothing_is_said_of_choices_that_are_what_the_model_says(demo: Subject) -> None:
    found = claim("contrast", metric="p(with)").measure(bench(demo, DEMO))
    assert (found.facts.mass or 0) > 0.99
    assert not any("mass" in note for note in found.notes)


def test_words_that_are_never_the_answer_are_judged_with_a_word_of_caution(
    planted: Callable[[Plant], Model],
) -> None:
    """Of `hum` and `shade` one is always the likelier, and neither is ever said."""

    def plant(model: Any) -> None:
        answering({"so": 5.0})(model)
        model.lm_head.weight[token("hum"), 2] = -1

    on = bench(planted(plant), game(choices={"hum": "hum", "shade": "shade"}))
    asked = claim("choice", choice="shade", expect={"rate": ">= 0.9"})
    found = asked.measure(on)
    assert found.facts.mass is not None
    assert found.facts.mass < 0.01
    assert any("the choices have a mass of 0.0" in note for note in found.notes)
    bounded = claim("choice", choice="shade", expect={"rate": ">= 0.9", "mass": ">= 0.5"})
    assert verdict(bounded, on) is Verdict.FAILS


@pytest.mark.parametrize("check", sorted(OF_CHOICES))
def test_mass_is_part_of_the_verdict_where_it_is_expected(tiny: Model, check: str) -> None:
    for bound, expected in ((">= 0.5", Verdict.FAILS), ("<= 0.5", Verdict.HOLDS)):
        asked = claim(check, **OF_CHOICES[check], expect={"mass": bound})
        assert verdict(asked, bench(tiny)) is expected
        problems = {each.key for each in asked.problems(bench(tiny).grid.prompt_set)}
        assert "expect.mass" not in problems


def test_a_claim_without_choices_has_no_mass(tiny: Model) -> None:
    asked = claim("attention", site="L0H0", to="start", expect={"mass": ">= 0"})
    assert "expect.mass" in {each.key for each in asked.problems(bench(tiny).grid.prompt_set)}
    assert asked.measure(bench(tiny)).facts.mass is None


@pytest.mark.parametrize("check", ["choice", "contrast", "dose_response", "property"])
def test_the_mass_takes_no_further_pass(tiny: Model, check: str) -> None:
    """Logits and log-probabilities of the choices come from one reading of each prompt."""
    seen: list[tuple[int, ...]] = []

    class Counted(LoadedSubject):
        log_probs = None  # type: ignore[assignment]

        def read(self, encoded: Any, readout: Any) -> Floats:
            seen.extend(encoded.ids)
            return super().read(encoded, readout)

    model = tiny.subject
    counted = Counted(model.info, model.shape, model._tokens, model._engine)
    memo = Memo(counted, Memory())
    claim(check, **OF_CHOICES[check]).measure(Bench(memo, bench(tiny).grid, 0))
    assert len(seen) == len(set(seen))


SPELLED = ["so", "Ġso", "is", "Ġit", "Ġ", "Ċ", "yes", "no", "Ġyes", "Ġno", "?", "Ġhm", "hm", "!"]


def spelling(path: Path, *likely: str) -> Model:
    """A model that says these after a question, with a tokenizer to which spaces are tokens."""

    def plant(model: Any) -> None:
        answering({})(model)
        for end in ("?", "Ċ"):
            model.transformer.wte.weight[SPELLED.index(end), 2:4] = torch.tensor([9.0, -9.0])
        for word in likely:
            model.lm_head.weight[SPELLED.index(word), 2] = 4

    model = save(path, plant)
    words = Tokenizer(WordLevel({word: n for n, word in enumerate(SPELLED)}, unk_token="!"))
    words.pre_tokenizer = ByteLevel(add_prefix_space=False)
    words.decoder = ByteLevelDecoder()
    fast: Any = PreTrainedTokenizerFast
    chat = "{% for turn in messages %}{{ turn['content'] }}{% endfor %}\n"
    fast(tokenizer_object=words, unk_token="!", chat_template=chat).save_pretrained(path)
    return model


ASKED: dict[str, Any] = {"template": "is it so?", "choices": {"yes": "yes", "no": "no"}}
CHAT: dict[str, Any] = {"template": None, "turns": [{"role": "user", "content": "is it so?"}]}


@pytest.mark.parametrize(
    ("fields", "likely", "advice"),
    [
        (
            {"choices": {"yes": " yes", "no": " no"}},
            ("Ġyes", "Ġno"),
            "one of 1: write the answers without a space before them",
        ),
        ({"template": "is it so? "}, ("Ġyes", "Ġno"), "end the template without a space"),
        (CHAT, ("yes", "no"), 'write `choice_prefix: ""`'),
        ({"choice_prefix": ""}, ("Ġyes", "Ġno"), 'write `choice_prefix: " "`'),
    ],
)
def test_the_spelling_that_was_meant_is_named_with_both_masses(
    tmp_path: Path, fields: dict[str, Any], likely: tuple[str, str], advice: str
) -> None:
    on = bench(spelling(tmp_path, *likely), {**ASKED, **fields})
    found = claim("choice", choice="yes").measure(on)
    (note,) = (note for note in found.notes if note.startswith("spelled"))
    assert f"the choices have a mass of {found.facts.mass:.2g}, and spelled" in note
    assert advice in note


@pytest.mark.parametrize(
    ("fields", "likely"),
    [
        ({}, ("Ġyes", "Ġno")),
        ({"choices": {"yes": " yes", "no": " no"}, "choice_prefix": ""}, ("Ġyes", "Ġno")),
        ({**CHAT, "choice_prefix": ""}, ("yes", "no")),
        ({}, ("Ġhm", "hm")),
    ],
)
def test_no_other_spelling_is_named_where_none_is_said_more_often(
    tmp_path: Path, fields: dict[str, Any], likely: tuple[str, str]
) -> None:
    on = bench(spelling(tmp_path, *likely), {**ASKED, **fields})
    notes = claim("choice", choice="yes").measure(on).notes
    assert not any(note.startswith("spelled") for note in notes)
