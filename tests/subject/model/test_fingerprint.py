from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.subject.model.fingerprint import (
    MEASURING,
    code_version,
    digest,
    model_key,
    source_hash,
)
from ppcheck.subject.model.info import ModelInfo

INFO = ModelInfo("a", None, "A", "w", "c", "t", "float32", "cuda:0", 7, "none", {"torch": "2"})
leaves = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text()
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=8)


@dataclass(frozen=True)
class One:
    number: object


@dataclass(frozen=True)
class Other:
    number: object


def shape_of(value: object) -> object:
    """What tells values apart: 1, 1.0 and True are equal to Python."""
    if isinstance(value, tuple):
        return tuple(map(shape_of, value))
    return type(value).__name__, repr(value)


@given(values, values)
def test_values_have_one_name_if_and_only_if_they_are_the_same(a: object, b: object) -> None:
    assert (digest(a) == digest(b)) == (shape_of(a) == shape_of(b))


def test_what_looks_alike_is_told_apart() -> None:
    array = np.arange(6)
    alike = [
        *("ab", ("a", "b"), ("ab",), ("a", ("b",)), 1, 1.0, "1", True, None, "None", (1,), ((1,),)),
        *(array, array.reshape(2, 3), array.astype(float), array.astype(np.int32), array[::-1]),
        *(One(1), Other(1), One(2), One(array), (), ((),)),
    ]
    assert len({digest(value) for value in alike}) == len(alike)
    assert digest("a", "b") != digest("ab")


def test_a_name_goes_by_values_not_by_memory_layout() -> None:
    array = np.arange(6.0).reshape(2, 3)
    assert digest(array) == digest(np.asfortranarray(array)) == digest(array[:, :])
    assert digest([1, 2]) == digest((1, 2))


def test_what_has_no_stable_form_is_refused() -> None:
    for value in (object(), {1}, np.array([object()])):
        with pytest.raises(TypeError, match="no name in the cache"):
            digest(value)


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": "x"},
        {"config_sha256": "x"},
        {"tokenizer_sha256": None},
        {"dtype": "bfloat16"},
        {"device": "cpu"},
        {"weight_processing": "folded"},
        {"versions": {"torch": "3"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_models_name_changes_with_all_that_its_numbers_depend_on(change: dict[str, str]) -> None:
    assert model_key(replace(INFO, **change)) != model_key(INFO)  # type: ignore[arg-type]


def test_a_models_name_is_not_its_label_nor_which_of_equal_devices_it_is_on() -> None:
    assert model_key(replace(INFO, name="b", revision="c", device="cuda:1")) == model_key(INFO)


def test_any_edit_to_the_source_that_measures_changes_the_code_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pathlib import Path

    before, read = code_version(), Path.read_text
    for name in ("engine.py", "metrics.py", "site.py"):
        monkeypatch.setattr(
            Path,
            "read_text",
            lambda path, *, encoding, name=name: (
                read(path, encoding=encoding) + ("#" if path.name == name else "")
            ),
        )
        assert source_hash.__wrapped__(MEASURING) != before, name
    monkeypatch.undo()
    assert source_hash.__wrapped__(MEASURING) == before
