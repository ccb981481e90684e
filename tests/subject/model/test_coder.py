from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.spec.dictionaries import read_dictionary
from ppcheck.subject.model import coder as module
from ppcheck.subject.model.coder import Coder, load_coder
from tests.spec.dictionaries import SIZE, WIDTH, random_weights, write_dictionary

STREAMS = np.random.default_rng(0).normal(size=(3, 4, WIDTH))


def coder(folder: Path, weights: dict[str, Tensor] | None = None, **said: Any) -> Coder:
    write_dictionary(folder / "it", weights, **said)
    return load_coder(read_dictionary("sae.it", "it", folder))


BY_HAND = {
    "W_enc": torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]]),
    "b_enc": torch.tensor([0.0, -1.0, 0.5]),
    "W_dec": torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]),
    "b_dec": torch.tensor([1.0, 1.0]),
}


@pytest.mark.parametrize(
    ("said", "more", "active"),
    [
        # Pre-activations of (1, 3) are (1, 2, -0.5), and of (1, 3) - b_dec they are (0, 1, -1.5).
        ({"apply_b_dec_to_input": False}, {}, [1, 2, 0]),
        ({"apply_b_dec_to_input": True}, {}, [0, 1, 0]),
        ({"architecture": "jumprelu"}, {"threshold": [0.0, 1.0, -9.0]}, [0, 0, 0]),
        (
            {"architecture": "jumprelu", "apply_b_dec_to_input": False},
            {"threshold": [1.5, 1.5, -9.0]},
            [0, 2, 0],
        ),
        ({"architecture": "topk", "k": 1, "apply_b_dec_to_input": False}, {}, [0, 2, 0]),
        ({"architecture": "topk", "k": 3, "apply_b_dec_to_input": False}, {}, [1, 2, 0]),
    ],
)
def test_features_are_as_worked_by_hand(
    tmp_path: Path, said: dict[str, Any], more: dict[str, list[float]], active: list[float]
) -> None:
    weights = BY_HAND | {name: torch.tensor(value) for name, value in more.items()}
    found, stream = coder(tmp_path, weights, **said), np.array([1.0, 3.0])
    assert found.encode(stream, [0, 1, 2]).tolist() == active
    assert found.encode(stream, [2, 1]).tolist() == [active[2], active[1]]
    back = [1 + active[0] + active[2], 1 + 2 * active[1] + active[2]]
    assert found.reconstruct(stream).tolist() == back


def plain(weights: dict[str, Tensor], stream: Tensor, said: dict[str, Any]) -> Tensor:
    """Activations in plain torch, in double precision."""
    w = {name: weight.double() for name, weight in weights.items()}
    before = (stream - w["b_dec"]) @ w["W_enc"] + w["b_enc"]
    if said["architecture"] == "topk":
        most = torch.topk(before, said["k"], dim=-1)
        return torch.zeros_like(before).scatter(-1, most.indices, torch.relu(most.values))
    if said["architecture"] == "jumprelu":
        return torch.relu(before) * (before > w["threshold"])
    return torch.relu(before)


@pytest.mark.parametrize("architecture", ["relu", "jumprelu", "topk"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("numbers", [2**24, 7])
def test_features_and_reconstructions_are_those_of_plain_torch_in_parts_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    dtype: torch.dtype,
    numbers: int,
) -> None:
    monkeypatch.setattr(module, "_NUMBERS", numbers)
    weights = {name: weight.to(dtype) for name, weight in random_weights().items()}
    if architecture == "jumprelu":
        weights["threshold"] = torch.full((SIZE,), 2.0, dtype=dtype)
    said = {"architecture": architecture, **({"k": 3} if architecture == "topk" else {})}
    found = coder(tmp_path, weights, **said)
    wanted = plain(weights, torch.from_numpy(STREAMS), said)
    assert 0 < (wanted > 0).double().mean() < 0.7
    np.testing.assert_allclose(found.encode(STREAMS, range(SIZE)), wanted, atol=1e-12)
    back = wanted @ weights["W_dec"].double() + weights["b_dec"].double()
    np.testing.assert_allclose(found.reconstruct(STREAMS), back, atol=1e-12)


def with_nan() -> Floats:
    streams = STREAMS.copy()
    streams[1, 2:] = np.nan
    return streams


@pytest.mark.parametrize("said", [{}, {"architecture": "topk", "k": 2}])
def test_tokens_that_there_are_not_have_no_activations(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    found = coder(tmp_path, **said).encode(with_nan(), [0, 1])
    assert np.isnan(found[1, 2:]).all()
    assert np.isnan(found).sum() == 2 * 2


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    weights = random_weights() | {"b_enc": torch.full((SIZE,), torch.nan)}
    with pytest.raises(MeasurementError, match=r"b_enc of it/sae_weights\.safetensors is not fin"):
        coder(tmp_path, weights)


@pytest.mark.trust
def test_files_that_change_after_the_spec_was_read_are_not_taken_for_it(tmp_path: Path) -> None:
    write_dictionary(tmp_path / "it")
    dictionary = read_dictionary("sae.it", "it", tmp_path)
    load_coder(dictionary)
    write_dictionary(tmp_path / "it", random_weights(seed=1))
    with pytest.raises(MeasurementError, match="a file of it changed after the spec was read"):
        load_coder(dictionary)
    (tmp_path / "it" / "cfg.json").unlink()
    with pytest.raises(MeasurementError, match="a file of it changed after the spec was read"):
        load_coder(dictionary)
