"""Measurements in memory: no more than the limit, the latest used stay, and nothing is made up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.arrays import Floats
from ppcheck.subject.store import Memory


class Below:
    """A store below, which keeps all, and what it was asked."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Floats] = {}
        self.asked: list[str] = []

    def load(self, family: str, members: Iterable[str]) -> dict[str, Floats]:
        wanted = list(members)
        self.asked += wanted
        return {name: self.kept[family, name] for name in wanted if (family, name) in self.kept}

    def save(self, family: str, found: Mapping[str, Floats]) -> None:
        self.kept |= {(family, name): array for name, array in found.items()}


def test_memory_asks_below_only_for_what_it_has_not() -> None:
    below = Below()
    below.save("f", {"b": np.ones(1), "c": np.ones(2)})
    memory = Memory(below)
    memory.save("f", {"a": np.zeros(1)})
    assert memory.load("f", ["a", "b", "d"]).keys() == {"a", "b"}
    assert memory.load("f", ["a", "b"]).keys() == {"a", "b"}
    assert below.asked == ["b", "d"]
    assert ("f", "a") in below.kept


steps = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz")), max_size=30)


@given(steps, st.integers(0, 10))
@settings(max_examples=50)
def test_memory_stays_within_its_limit_and_never_makes_anything_up(
    saved: Sequence[tuple[str, str]], limit: int
) -> None:
    memory = Memory(limit=limit * 8)
    for family, name in saved:
        memory.save(family, {name: np.full(2, ord(family) + ord(name))})
        held = [memory.load(f, "xyz") for f in "abcde"]
        assert sum(array.nbytes for each in held for array in each.values()) <= limit * 8
    for family in "abcde":
        for name, array in memory.load(family, "xyz").items():
            assert (family, name) in saved
            assert (array == ord(family) + ord(name)).all()


def test_memory_forgets_first_what_was_used_longest_ago() -> None:
    memory = Memory(limit=16)
    memory.save("a", {"x": np.zeros(1)})
    memory.save("b", {"x": np.zeros(1)})
    memory.load("a", ["x"])
    memory.save("c", {"x": np.zeros(1)})
    assert [bool(memory.load(family, ["x"])) for family in "abc"] == [True, False, True]
