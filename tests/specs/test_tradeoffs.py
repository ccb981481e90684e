"""The trade-offs: end to end on a chat model of random weights, and in the demo model's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import Spec, load_spec
from ppcheck.subject.load import load, resolve
from ppcheck.subject.subject import Subject
from tests.specs.examined import examined

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "specs" / "tradeoffs"
FOR_CHAT = ("moderation", "verification", "risk")
TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:\n{% endif %}"
)


def spec(name: str) -> Spec:
    return load_spec(FOLDER / f"{name}.pp.yaml", CHECKS)


def verdicts(name: str, subject: Subject) -> Mapping[str, Verdict]:
    found = {claim: record.verdict for claim, record in examined(spec(name), subject).items()}
    assert Verdict.ERROR not in found.values(), found
    assert Verdict.NOT_APPLICABLE not in found.values(), found
    return found


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A random Llama with a chat template, to which every word of the specs is one token."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    written = " ".join((FOLDER / f"{name}.pp.yaml").read_text("utf-8") for name in FOR_CHAT)
    words = dict.fromkeys(["<unk>", *re.findall(r"\w+|[^\w\s]+", f"{written} assistant:")])
    model = WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = Whitespace()
    fast: Any = PreTrainedTokenizerFast
    path = tmp_path_factory.mktemp("chat")
    fast(tokenizer_object=tokenizer, unk_token="<unk>", chat_template=TEMPLATE).save_pretrained(
        path
    )
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        "llama",
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=128,
    )
    auto: Any = AutoModelForCausalLM
    random = auto.from_config(config)
    for parameter in random.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    random.save_pretrained(path)
    return load(resolve(str(path)))


@pytest.mark.parametrize("name", FOR_CHAT)
def test_every_claim_is_measured_on_a_random_chat_model_and_none_holds(
    name: str, chat: Subject
) -> None:
    found = verdicts(name, chat)
    assert Verdict.HOLDS not in found.values(), found


@pytest.mark.parametrize("name", FOR_CHAT)
def test_each_asks_for_behaviour_and_for_what_is_behind_it(name: str) -> None:
    claims = [entry.claim for entry in spec(name).entries]
    assert {claim.family for claim in claims if claim} == {"behaviour", "patching", "probing"}
    assert spec(name).source


@pytest.mark.parametrize("name", FOR_CHAT)
def test_both_orders_of_the_options_are_asked_for(name: str) -> None:
    """Each letter is as often the one answer as the other."""
    for entry in spec(name).entries:
        assert entry.grid is not None
        for choice in entry.grid.prompt_set.choices:
            letters = [prompt.choices[choice] for prompt in entry.grid.prompts]
            share = letters.count(("A",)) / len(letters)
            assert 0.3 <= share <= 0.7, choice


@pytest.mark.parametrize("model", ["demo", "demo@step1200", "demo@tuned", "demo@rewired"])
def test_the_demo_model_weighs_as_it_was_taught(model: str) -> None:
    assert set(verdicts("demo", load(resolve(model))).values()) == {Verdict.HOLDS}


def test_random_weights_weigh_nothing() -> None:
    assert Verdict.HOLDS not in verdicts("demo", load(resolve("demo@step0"))).values()
