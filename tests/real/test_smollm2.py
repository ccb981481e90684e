"""ppcheck on a real instruction model, held to transformers alone and to plain hooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import ModelError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.load import load_spec
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.spec.sites.position import FINAL
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.writing import NOTHING, Writing
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.settings import Settings
from tests.specs.examined import examined
from tests.subject.model.adapters import lora, write_adapter

pytestmark = pytest.mark.slow

QUESTIONS = ("What is the capital of France?", "What is the capital of Italy?")


@dataclass(frozen=True)
class LogitDiff:
    """Logit of the first named token minus logit of the second."""

    tokens: Integers | None

    def values(self, logits: Floats, rows: Integers) -> Floats:  # noqa: ARG002
        return np.asarray(logits[:, 0] - logits[:, 1])


def asked(question: str) -> Prompt:
    return Prompt("chat", (Turn((Piece(question),), "user"),), {}, question, {}, "")


@pytest.fixture(scope="module")
def subject(model_file: Path) -> LoadedSubject:
    """In double precision: kernels round differently in single, by up to 5e-5 of a logit."""
    return load(resolve(str(model_file)), Settings(dtype="float64"))


@pytest.fixture(scope="module")
def plain(model_file: Path) -> Any:
    """The model as transformers alone loads it."""
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    path = {"pretrained_model_name_or_path": model_file.parent, "gguf_file": model_file.name}
    return auto.from_pretrained(**path, dtype=torch.float64, attn_implementation="eager").eval()


@pytest.fixture(scope="module")
def ids(subject: LoadedSubject) -> list[Tensor]:
    return [torch.tensor([row]) for row in subject.encode(list(map(asked, QUESTIONS))).ids]


def test_the_record_says_which_quantisation_was_decoded(subject: LoadedSubject) -> None:
    assert subject.info.quantisation == "Q4_1 (tensors in Q4_1, Q8_0, F32)"


def test_tokens_are_those_of_the_file_s_chat_template(model_file: Path, ids: list[Tensor]) -> None:
    from transformers import AutoTokenizer

    auto: Any = AutoTokenizer
    tokenizer = auto.from_pretrained(model_file.parent, gguf_file=model_file.name)
    for question, row in zip(QUESTIONS, ids, strict=True):
        turns = [{"role": "user", "content": question}]
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        assert row[0].tolist() == tokenizer(text, add_special_tokens=False).input_ids
        assert text.endswith("<|im_start|>assistant\n")


def test_its_logits_are_transformers_own(
    subject: LoadedSubject, plain: Any, ids: list[Tensor]
) -> None:
    found = subject.log_distribution(subject.encode(list(map(asked, QUESTIONS))))
    with torch.inference_mode():
        logits = torch.stack([plain(row).logits[0, -1] for row in ids])
    np.testing.assert_allclose(found, logits.log_softmax(-1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("site", [Site(Kind.HEAD, 12, 4), Site(Kind.MLP_OUT, 7)])
def test_a_patch_is_what_plain_hooks_do(
    subject: LoadedSubject, plain: Any, ids: list[Tensor], site: Site
) -> None:
    target, source = (subject.encode([asked(question)]) for question in QUESTIONS)
    tokens = np.array([[7042, 9123]])
    found = subject.patch(target, source, [Cell((site,), FINAL)], LogitDiff(tokens))
    block = plain.model.layers[site.layer]
    module = block.self_attn.o_proj if site.kind is Kind.HEAD else block.mlp.down_proj
    width = slice(64 * 4, 64 * 5) if site.kind is Kind.HEAD else slice(None)
    kept: list[Tensor] = []

    def keep(_: Any, args: tuple[Tensor]) -> None:
        kept.append(args[0][0, -1, width].clone())

    def put(_: Any, args: tuple[Tensor]) -> tuple[Tensor]:
        changed = args[0].clone()
        changed[0, -1, width] = kept[0]
        return (changed,)

    with torch.inference_mode():
        for row, hook in zip(reversed(ids), (keep, put), strict=True):
            handle = module.register_forward_pre_hook(hook)
            logits = plain(row).logits[0, -1]
            handle.remove()
    expected = logits[tokens[0, 0]] - logits[tokens[0, 1]]
    np.testing.assert_allclose(found, [[float(expected)]], atol=1e-5, rtol=0)


def test_an_adapter_is_merged_into_it(
    subject: LoadedSubject, model_file: Path, tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "run", lora({"q_proj": (576, 576)}), target_modules=["q_proj"])
    with pytest.raises(ModelError, match=r"lacks \d+ of the tensors"):
        load(resolve(f"{model_file}+{path}"))  # two layers of the thirty
    whole = write_adapter(
        tmp_path / "whole", lora({"q_proj": (576, 576)}, layers=30), target_modules=["q_proj"]
    )
    info = load(resolve(f"{model_file}+{whole}")).info
    assert (info.base, info.adapter) == (str(model_file), str(whole))
    assert info.weights_sha256 != subject.info.weights_sha256


def test_it_knows_capitals_when_it_is_asked_in_a_chat(subject: LoadedSubject) -> None:
    spec = load_spec(Path(__file__).with_name("capitals.pp.yaml"), CHECKS)
    assert {claim: record.verdict for claim, record in examined(spec, subject).items()} == {
        "knows-capitals": Verdict.HOLDS
    }


def test_its_greedy_replies_are_transformers_own(
    subject: LoadedSubject, plain: Any, ids: list[Tensor]
) -> None:
    prompts = [tuple(row[0].tolist()) for row in ids]
    found = subject.replies(prompts, [0, 0], Writing(24))
    for row, tokens in zip(ids, found.tolist(), strict=True):
        mask = torch.ones_like(row)
        whole = plain.generate(row, attention_mask=mask, do_sample=False, max_new_tokens=24)
        kept = whole[0, row.shape[1] :].tolist()
        assert tokens == kept + [NOTHING] * (24 - len(kept))
