from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.spec.sites.position import FINAL, Position, Positions

words = st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True).filter(
    lambda word: word not in ("final", "all", "previous")
)
numbers = st.integers(-9, 9)
ends = st.one_of(
    numbers.map(lambda first: (first, None)),
    st.tuples(numbers, numbers).filter(
        lambda pair: pair[0] < pair[1] or (pair[0] >= 0) != (pair[1] >= 0)
    ),
)


def of_variable(labels: st.SearchStrategy[str | None]) -> st.SearchStrategy[Position]:
    return st.builds(
        lambda name, at, label: Position("variable", at[0], name, label, at[1]),
        words,
        st.just((None, None)) | ends,
        labels,
    )


def several(kind: Any, least: int, labels: st.SearchStrategy[str | None]) -> Any:
    by_number = ends.map(lambda at: Position("index", at[0], last=at[1]))
    parts = st.just(FINAL) | by_number | of_variable(labels)
    listed = st.lists(parts, min_size=least, max_size=4, unique=True)
    return listed.map(lambda some: Position(kind, parts=tuple(some)))


labels = st.none() | words
positions = st.one_of(
    st.sampled_from([FINAL, Position("all"), Position("previous")]),
    st.integers().map(lambda index: Position("index", index=index)),
    ends.map(lambda at: Position("index", at[0], last=at[1])),
    of_variable(labels),
    several("list", 2, labels),
    several("but", 1, st.none()),
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
        ("3..7", Position("index", 3, last=7)),
        (["3..7"], Position("index", 3, last=7)),
        ("3..3", Position("index", 3)),
        ("digits[0..2]", Position("variable", 0, "digits", last=2)),
        (["final"], FINAL),
        (["x", 3], Position("list", parts=(Position("variable", variable="x"), Position.parse(3)))),
        ("all but final", Position("but", parts=(FINAL,))),
        ("all  but [final]", Position("but", parts=(FINAL,))),
        ("all but [final, 0..2]", Position("but", parts=(FINAL, Position("index", 0, last=2)))),
    ],
)
def test_each_form_is_read(value: Any, position: Position) -> None:
    assert Position.parse(value) == position


@pytest.mark.parametrize(
    "value", ["feeling[x]", "feeling[]", "1.5", "", "a b", "[]", "a=", "3..", "all but", "[[a]]"]
)
def test_what_is_no_position_is_refused(value: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a position; a position is final, all, previous, a"
    ):
        Position.parse(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "expected a position or a list of positions"),
        (["x", "x"], "the same position stands twice"),
        ([3, "3..3"], "the same position stands twice"),
        (["x", "all"], "'all' stands by itself"),
        (["previous", "x"], "'previous' stands by itself"),
        (["x", "all but final"], "'all but final' stands by itself"),
        ("7..3", "'7..3' ends before it starts: write the lower number first"),
        ("x[-1..-3]", "ends before it starts"),
        ("all but all", "'all but all': what is left out is final, a number or a variable"),
        ("all but all but final", "is not a position"),
        (
            "all but feeling=pain",
            "all tokens of other classes: select prompts in `on`",
        ),
    ],
)
def test_a_list_or_complement_without_a_meaning_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        Position.parse(value)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "true"), (1.5, "1.5"), ([["a"]], r"\['a'\]"), (["a", 1.5], "1.5")],
)
def test_other_types_are_refused(value: Any, shown: str) -> None:
    with pytest.raises(ValueError, match=rf"^expected a position \(final, .*, got {shown}$"):
        Position.parse(value)


@pytest.mark.parametrize(
    ("text", "several"),
    [("final", False), ("x", False), ("x[0]", False), ("2..2", False)]
    + [(text, True) for text in ("all", "2..3", "x[0..1]", "[x, final]", "all but final")],
)
def test_one_token_is_told_from_several(text: str, several: bool) -> None:
    assert Position.parse(text).is_several == several


@pytest.mark.parametrize(
    ("text", "has"),
    [(text, True) for text in ("final", "all", "-1", "2..-1", "[x, final]", "all but [x, 0]")]
    + [(text, False) for text in ("0", "x", "x[-1]", "-2", "[x, 0]", "all but final", "-3..-2")]
    + [("all but [x, -2..-1]", False)],
)
def test_what_has_the_final_token_is_known(text: str, has: bool) -> None:
    assert Position.parse(text).has_final == has


@pytest.mark.parametrize(
    ("text", "has"),
    [(text, True) for text in ("all", "x", "[x, final]", "all but y", "all but [y, z[0]]")]
    + [
        (text, False)
        for text in ("final", "y", "x[0]", "x=pain", "[y, x[0]]", "all but x", "all but 0")
    ],
)
def test_what_has_all_of_a_variable_is_known(text: str, has: bool) -> None:
    assert Position.parse(text).has_all_of("x") == has


@pytest.mark.parametrize(
    ("value", "each"),
    [
        ("final", ["final"]),
        (["final", "x"], ["final", "x"]),
        ("3..5", ["3", "4", "5"]),
        (["-2..-1", "x[0..1]"], ["-2", "-1", "x[0]", "x[1]"]),
        ("2..-1", ["2..-1"]),
        ("all but final", ["all but final"]),
    ],
)
def test_positions_by_themselves_are_the_parts_of_a_list_and_the_tokens_of_a_range(
    value: Any, each: list[str]
) -> None:
    found = Positions.parse(value)
    assert list(map(str, found)) == each
    assert Positions.parse(str(found)) == found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["3", "2..4"], "the same position stands twice"),
        ("0..100", r"0\.\.100 is more than 100 tokens to read one by one"),
    ],
)
def test_positions_by_themselves_are_few_and_different(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Positions.parse(value)


@pytest.mark.parametrize(
    ("position", "at", "has"),
    [
        ("all", "feeling", True),
        ("feeling", "feeling[-1]", True),
        ("[1, feeling]", "feeling", True),
        ("feeling[0]", "feeling[-1]", False),
        ("3", "3", True),
        ("all but strength", "feeling", True),
        ("all but [strength, feeling]", "feeling", False),
        ("final", "final", True),
        ("feeling", "final", False),
    ],
)
def test_whether_the_last_token_that_is_read_is_of_it(position: str, at: str, has: bool) -> None:
    assert Position.parse(position).has_end(Position.parse(at)) is has
