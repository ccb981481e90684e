"""A file of any earlier version is brought up to date step by step; others are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcheck.errors import BaselineError
from ppcheck.record.versions import Format, Held


def renamed(held: Held) -> Held:
    return {"schema": "a.kind/2", "b": held["a"]}


def doubled(held: Held) -> Held:
    return {"schema": "a.kind/3", "b": 2 * held["b"]}


KIND = Format("a.kind", "kind of file", "Write one", (renamed, doubled))


@pytest.mark.parametrize(
    "held",
    [
        {"schema": "a.kind/1", "a": 2},
        {"schema": "a.kind/2", "b": 2},
        {"schema": "a.kind/3", "b": 4},
    ],
)
def test_every_version_becomes_the_current_one(held: Held) -> None:
    assert KIND.schema == "a.kind/3"
    assert KIND.current(dict(held), Path("x.json")) == {"schema": "a.kind/3", "b": 4}


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ([], "x.json is not a kind of file: its schema is None, not 'a.kind/3'. Write one"),
        ({"schema": 3}, "x.json is not a kind of file: its schema is 3"),
        ({"schema": "a-kind/1"}, "x.json is not a kind of file: its schema is 'a-kind/1'"),
        ({"schema": "a.kind/-1"}, "x.json is not a kind of file"),
        ({"schema": "a.kind/1\n"}, "x.json is not a kind of file"),
        ({"schema": "a.kind/4"}, "x.json is of version 4, .* reads kind of files up to version 3"),
    ],
)
def test_what_is_none_or_later_is_refused(held: object, message: str) -> None:
    with pytest.raises(BaselineError, match=message):
        KIND.current(held, Path("x.json"))
