from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, model_validator

from ppcheck.errors import SpecError
from ppcheck.spec.base import Model
from ppcheck.spec.grammar import FieldError
from ppcheck.spec.source import Location, Source
from ppcheck.spec.wording import joined, validated

LINES: dict[Location, int] = {
    ("a",): 2,
    ("a", "both"): 3,
    ("a", "inner"): 4,
    ("a", "inner", "word"): 5,
}


class Inner(Model):
    word: str


class Outer(Model):
    both: tuple[str, str] = ("x", "y")
    inner: Inner | list[Inner] | None = None
    share: float = Field(0.5, lt=1)
    named: str | None = Field(None, alias="from")

    @model_validator(mode="after")
    def _no_twins(self) -> Outer:
        if self.both[0] == self.both[1]:
            raise FieldError("twins", "both")
        return self


def said(raw: Any) -> str:
    source = Source(Path("f"), {"a": raw}, LINES, "")
    with pytest.raises(SpecError) as raised:
        validated(Outer, raw, source, ("a",))
    return str(raised.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("text", "f:2: a: expected keys with values, such as {a: b}, got 'text'"),
        ({"both": ["x"]}, "f:3: both: the list is too short"),
        ({"both": ["x", "x"]}, "f:3: both: twins"),
        ({"both": ["x", "y", "z"]}, "f:3: both: expected at most 2 of these, got ['x', 'y', 'z']"),
        ({"both": [["x"], "y"]}, "f:3: both: expected text, got ['x']"),
        ({"form": "x"}, "f:2: unknown key 'form': did you mean 'from'?"),
        ({"inner": {"wrd": "x"}}, "f:4: unknown key 'wrd': did you mean 'word'?"),
        ({"share": 2}, "f:2: share: Input should be less than 1"),
        ({"both": [None, "y"]}, "f:3: both: expected text, got nothing"),
    ],
)
def test_what_pydantic_found_is_said_in_words(raw: Any, message: str) -> None:
    assert message in said(raw).splitlines()


def test_errors_are_joined_each_once_and_keep_the_first_place() -> None:
    path = Path("f")
    errors = [SpecError("one", path, 2), SpecError("two", path, 3), SpecError("one", path, 2)]
    error = joined(errors)
    assert str(error) == "f:2: one\nf:3: two"
    assert (error.path, error.line) == (path, 2)
