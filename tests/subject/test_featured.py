"""Features as sites, held to plain torch on the same model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError, ModelError
from ppcheck.measure.recorder import Recorder
from ppcheck.spec.dictionaries import read_dictionary
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject import featured as module
from ppcheck.subject.featured import featured
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Edits, Operation
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded
from tests.spec.dictionaries import SIZE, WIDTH, random_weights, write_dictionary

IDS = [[3, 9, 4, 17, 20], [30, 2, 11, 6, 6], [5, 5, 8]]
TWINS = [[3, 7, 4, 17, 20], [30, 4, 11, 6, 6], [5, 9, 8]]
ALL, LAST_TWO = Position("all"), Position.parse("-2..-1")
SET, ADD = Operation.SET, Operation.ADD


def feature(index: int) -> Site:
    return Site(Kind.FEATURE, None, index, "sae.it")


@pytest.fixture
def subject(tiny: Callable[[str], Subject], tmp_path: Path) -> Subject:
    """A tiny GPT-2 with a relu dictionary of the stream between its two blocks."""
    write_dictionary(tmp_path / "it")
    return featured(tiny("gpt2"), {"sae.it": read_dictionary("sae.it", "it", tmp_path)})


@pytest.fixture
def encoded(subject: Subject, ids_prompts: Any) -> Encoded:
    return subject.encode(ids_prompts(IDS))


@pytest.fixture
def twins(subject: Subject, ids_prompts: Any) -> Encoded:
    return subject.encode(ids_prompts(TWINS))


@pytest.fixture
def plain(saved: Callable[[str], Path]) -> Any:
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    return auto.from_pretrained(saved("gpt2"), attn_implementation="eager").eval().double()


W = {name: weight.double() for name, weight in random_weights().items()}


def active(stream: Tensor) -> Tensor:
    return torch.relu((stream - W["b_dec"]) @ W["W_enc"] + W["b_enc"])


def stream_of(plain: Any, ids: list[int]) -> Tensor:
    with torch.inference_mode():
        found: Tensor = plain(torch.tensor([ids]), output_hidden_states=True).hidden_states[1][0]
    return found


def changed(plain: Any, ids: list[int], change: Callable[[Tensor], Tensor]) -> float:
    """Logit 7 less logit 11 at the last token, with the stream [token, width] changed."""

    def put(_: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (change(args[0][0])[None], *args[1:])

    handle = plain.transformer.h[1].register_forward_pre_hook(put)
    with torch.inference_mode():
        logits = plain(torch.tensor([ids])).logits[0, -1]
    handle.remove()
    return float(logits[7] - logits[11])


def test_a_star_names_every_feature_and_numbers_name_theirs(subject: Subject) -> None:
    found = subject.sites(Sites.parse(["sae.it[3]", "sae.it[*]"]))
    assert found[:2] == (feature(3), feature(0))
    assert len(found) == SIZE
    assert [str(site) for site in subject.sites(Sites.parse("sae.it[1,4-5]"))] == [
        *("sae.it[1]", "sae.it[4]", "sae.it[5]"),
    ]
    assert subject.sites(Sites.parse("L1H0")) == (Site(Kind.HEAD, 1, 0),)


def test_activations_are_what_plain_torch_makes_of_the_stream(
    subject: Subject, encoded: Encoded, plain: Any
) -> None:
    sites = [feature(4), feature(1)]
    wanted = [active(stream_of(plain, ids))[:, [4, 1]].numpy() for ids in IDS]
    captured = subject.capture(encoded, sites, [-1, 2, 0])
    at = np.stack([wanted[0][-1], wanted[1][2], wanted[2][0]])
    np.testing.assert_allclose(np.hstack(captured), at, atol=1e-4)
    (first, _) = subject.activations(encoded, sites, LAST_TWO)
    assert first.shape == (1, 3, 2, 1)
    ends = np.stack([each[-2:, 0] for each in wanted])
    np.testing.assert_allclose(first[0, :, :, 0], ends, atol=1e-4)
    pooled = subject.means(encoded, sites, ALL, pooled=True)
    np.testing.assert_allclose(np.hstack(pooled), np.concatenate(wanted).mean(0), atol=1e-4)
    by_token = subject.means(encoded, sites, LAST_TWO, pooled=False)
    np.testing.assert_allclose(by_token[0][:, 0], ends.mean(0), atol=1e-4)
    with pytest.raises(MeasurementError, match="3 to 5 tokens"):
        subject.means(encoded, sites, ALL, pooled=False)


def test_a_feature_that_is_set_changes_the_stream_by_the_difference_and_nothing_else(
    subject: Subject, encoded: Encoded, plain: Any, logit_diff: Any
) -> None:
    def zero(index: int) -> Callable[[Tensor], Tensor]:
        return lambda h: h - active(h)[:, [index]] * W["W_dec"][index]

    cells = [(Edit(feature(index), ALL, SET, np.zeros(1)),) for index in range(SIZE)]
    found = subject.intervene(encoded, cells, logit_diff(3))
    wanted = [[changed(plain, ids, zero(index)) for ids in IDS] for index in range(SIZE)]
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert np.ptp(found, axis=0).min() > 0.1


def test_features_set_together_and_added_to_at_some_tokens(
    subject: Subject, encoded: Encoded, plain: Any, logit_diff: Any
) -> None:
    def change(h: Tensor) -> Tensor:
        h, now = h.clone(), active(h)
        h[-2:] += (torch.tensor([[1.5], [-2.0]]) - now[-2:, [2]]) * W["W_dec"][2]
        h[-2:] += 3 * W["W_dec"][5]
        return h

    by_token = np.array([[1.5], [-2.0]])
    cell: Edits = (
        Edit(feature(2), LAST_TWO, SET, by_token),
        Edit(feature(5), LAST_TWO, ADD, np.array([3.0])),
    )
    (found,) = subject.intervene(encoded, [cell], logit_diff(3))
    np.testing.assert_allclose(found, [changed(plain, ids, change) for ids in IDS], atol=1e-4)


@pytest.mark.parametrize("position", [ALL, LAST_TWO])
def test_a_patched_feature_takes_the_activation_of_the_source(
    subject: Subject,
    encoded: Encoded,
    twins: Encoded,
    plain: Any,
    logit_diff: Any,
    position: Position,
) -> None:
    found = subject.patch(encoded, twins, [Cell((feature(6),), position)], logit_diff(3))
    wanted = []
    for ids, twin in zip(IDS, TWINS, strict=True):
        theirs = active(stream_of(plain, twin))[:, [6]]
        first = 0 if position == ALL else len(ids) - 2

        def change(h: Tensor, theirs: Tensor = theirs, first: int = first) -> Tensor:
            moved = (theirs - active(h)[:, [6]]) * W["W_dec"][6]
            return torch.cat([h[:first], (h + moved)[first:]])

        wanted.append(changed(plain, ids, change))
    np.testing.assert_allclose(found[0], wanted, atol=1e-4)


def test_the_reconstruction_takes_the_place_of_the_stream(
    subject: Subject, encoded: Encoded, plain: Any, logit_diff: Any
) -> None:
    edit = subject.reconstructed(encoded, feature(0), ALL)
    (found,) = subject.intervene(encoded, [(edit,)], logit_diff(3))
    wanted = [changed(plain, ids, lambda h: active(h) @ W["W_dec"] + W["b_dec"]) for ids in IDS]
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_a_transcoder_is_read_before_the_mlp_and_changes_what_the_mlp_puts_out(
    tiny: Callable[[str], Subject],
    tmp_path: Path,
    ids_prompts: Any,
    plain: Any,
    logit_diff: Any,
) -> None:
    ends: dict[str, Any] = {
        "hook_name": "blocks.1.hook_resid_mid",
        "hook_name_out": "blocks.1.hook_mlp_out",
    }
    write_dictionary(tmp_path / "it", apply_b_dec_to_input=False, **ends)
    subject = featured(tiny("gpt2"), {"sae.it": read_dictionary("sae.it", "it", tmp_path)})
    encoded = subject.encode(ids_prompts(IDS))
    cell = (Edit(feature(3), ALL, SET, np.zeros(1)),)
    (found,) = subject.intervene(encoded, [cell], logit_diff(3))
    wanted = []
    for ids in IDS:
        middle: list[Tensor] = []
        block = plain.transformer.h[1]

        def keep(_: Any, args: tuple[Tensor, ...], middle: list[Tensor] = middle) -> None:
            middle.append(args[0])

        def put(_: Any, _args: Any, out: Tensor, middle: list[Tensor] = middle) -> Tensor:
            now = torch.relu(middle[0] @ W["W_enc"] + W["b_enc"])[..., [3]]
            return out - now * W["W_dec"][3]

        handles = [block.ln_2.register_forward_pre_hook(keep), block.mlp.register_forward_hook(put)]
        with torch.inference_mode():
            logits = plain(torch.tensor([ids])).logits[0, -1]
        for handle in handles:
            handle.remove()
        wanted.append(float(logits[7] - logits[11]))
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_parts_of_the_cells_and_a_cache_change_nothing(
    subject: Subject,
    encoded: Encoded,
    logit_diff: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cells = [(Edit(feature(index), ALL, SET, np.zeros(1)),) for index in range(SIZE)]
    whole = subject.intervene(encoded, cells, logit_diff(3))
    monkeypatch.setattr(module, "_BYTES", 1)
    assert subject.intervene(encoded, cells, logit_diff(3)) == pytest.approx(whole, abs=1e-5)


@pytest.mark.trust
def test_what_is_kept_of_one_dictionary_is_not_taken_for_another(
    tiny: Callable[[str], Subject], tmp_path: Path, ids_prompts: Any, logit_diff: Any
) -> None:
    memo = Memo(tiny("gpt2"), Memory())
    found: list[Floats] = []
    for seed in (0, 1, 0):
        write_dictionary(tmp_path / "it", random_weights(seed=seed))
        subject = featured(memo, {"sae.it": read_dictionary("sae.it", "it", tmp_path)})
        encoded = subject.encode(ids_prompts(IDS))
        cell = (Edit(feature(0), ALL, SET, np.zeros(1)),)
        found.append(subject.intervene(encoded, [cell], logit_diff(3)))
    assert np.abs(found[0] - found[1]).max() > 0.1
    assert (found[0] == found[2]).all()


def test_features_of_one_dictionary_are_changed_by_themselves(
    subject: Subject, encoded: Encoded, logit_diff: Any
) -> None:
    head = Edit(Site(Kind.HEAD, 0, 0), ALL, SET, np.zeros(8))
    with pytest.raises(ValueError, match="features of one dictionary are changed together"):
        subject.intervene(encoded, [(head, Edit(feature(0), ALL, SET, np.zeros(1)))], logit_diff(3))
    elsewhere = Edit(feature(1), FINAL, SET, np.zeros(1))
    cell = (Edit(feature(0), ALL, SET, np.zeros(1)), elsewhere)
    with pytest.raises(ValueError, match="together at one position"):
        subject.intervene(encoded, [cell], logit_diff(3))
    removed = Edit(feature(0), ALL, Operation.REMOVE, np.ones(1))
    with pytest.raises(ValueError, match="has no direction to remove"):
        subject.intervene(encoded, [(removed,)], logit_diff(3))


def test_a_dictionary_of_another_width_or_layer_is_of_another_model(
    tiny: Callable[[str], Subject], tmp_path: Path
) -> None:
    everything = Sites.parse("sae.it[*]")
    write_dictionary(tmp_path / "it", random_weights(width=8))
    subject = featured(tiny("gpt2"), {"sae.it": read_dictionary("sae.it", "it", tmp_path)})
    with pytest.raises(ModelError, match=f"sae.it reads 8 numbers, and .* has {WIDTH}: it is of"):
        subject.sites(everything)
    write_dictionary(tmp_path / "it", hook_name="blocks.7.hook_resid_post")
    subject = featured(tiny("gpt2"), {"sae.it": read_dictionary("sae.it", "it", tmp_path)})
    with pytest.raises(ModelError, match=r"resid_post\.L7 is outside"):
        subject.sites(everything)
    with pytest.raises(ModelError, match="is asked without its dictionary"):
        tiny("gpt2").sites(everything)


def test_a_plan_counts_what_features_ask_of_the_model(
    tiny: Callable[[str], Subject], tmp_path: Path, ids_prompts: Any, logit_diff: Any
) -> None:
    write_dictionary(tmp_path / "it")
    recorder = Recorder(tiny("gpt2"))
    subject = featured(recorder, {"sae.it": read_dictionary("sae.it", "it", tmp_path)})
    encoded = subject.encode(ids_prompts(IDS))
    cells = [(Edit(feature(index), ALL, SET, np.zeros(1)),) for index in range(SIZE)]
    subject.intervene(encoded, cells, logit_diff(3))
    assert [(each.what, each.members) for each in recorder.requests] == [
        *(("activations", 1), ("edit", SIZE)),
    ]
