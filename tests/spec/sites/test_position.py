from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.spec.sites.position import FINAL, Position

words = st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True).filter(
    lambda word: word not in ("final", "all", "previous")
)
positions = st.one_of(
    st.sampled_from([FINAL, Position("all"), Position("previous")]),
    st.builds(lambda index: Position("index", index=index), st.integers()),
    st.builds(
        lambda name, index, label: Position("variable", index, name, label),
        words,
        st.none() | st.integers(-9, 9),
        st.none() | words,
    ),
)


@given(positions)
def test_a_position_is_read_as_it_is_shown(position: Position) -> None:
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    ("value", "position"),
    [
        ("final", FINAL),
        (3, Position("index", index=3)),
        ("-1", Position("index", index=-1)),
        ("feeling", Position("variable", variable="feeling")),
        ("feeling[-1]", Position("variable", index=-1, variable="feeling")),
        (" feeling = pain ", Position("variable", variable="feeling", label="pain")),
    ],
)
def test_each_form_is_read(value: Any, position: Position) -> None:
    assert Position.parse(value) == position


@pytest.mark.parametrize("value", ["feeling[x]", "feeling[]", "1.5", "", "a b", "[final]", "a="])
def test_what_is_no_position_is_refused(value: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a position; a position is final, all, previous, a"
    ):
        Position.parse(value)


@pytest.mark.parametrize(("value", "shown"), [(True, "true"), (1.5, "1.5"), (["a"], r"\['a'\]")])
def test_other_types_are_refused(value: Any, shown: str) -> None:
    with pytest.raises(ValueError, match=rf"^expected a position \(final, .*, got {shown}$"):
        Position.parse(value)
