"""Which phases a search is asked for, and what these need of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ppcheck.errors import SearchError
from ppcheck.spec.grammar import suggest

NEEDS: dict[str, tuple[str, ...]] = {
    "answers": (),
    "contrast": (),
    "dose": (),
    "flow": (),
    "blocks": ("flow",),
    "heads": ("flow",),
    "roles": ("flow", "heads"),
    "induction": ("flow", "heads", "roles"),
    "neurons": ("flow", "blocks"),
    "paths": ("flow", "heads"),
    "probe": ("flow",),
    "steering": ("flow",),
    "circuit": (),
}
"""Of each phase, those before it that say where it looks."""
_OF_CLASSES = {"contrast", "probe", "steering", "circuit"}
"""Phases that look at no dose."""


@dataclass(frozen=True)
class Only:
    """The phases whose findings are wanted; None are all."""

    phases: frozenset[str] | None = None

    @classmethod
    def parse(cls, texts: Sequence[str], known: Collection[str]) -> Only:
        """From names, or lists of them with commas. Raises SearchError for one not ``known``."""
        names = [name.strip() for text in texts for name in text.split(",")]
        for name in names:
            if name not in known:
                raise SearchError(f"there is no phase {name!r}: {suggest(name, known)}")
        return cls(frozenset(names) or None)

    def asks(self, phase: str) -> bool:
        return self.phases is None or phase in self.phases

    def runs(self, phase: str) -> bool:
        """Whether it is looked at, be it for what another phase needs of it."""
        return self.asks(phase) or any(phase in NEEDS[each] for each in self.phases or ())

    @property
    def compares_classes(self) -> bool:
        return self._is_beyond({"answers", "dose"})

    @property
    def follows_doses(self) -> bool:
        """Whether it is asked if the answer follows a dose."""
        return self._is_beyond({"answers", *_OF_CLASSES})

    @property
    def traces_doses(self) -> bool:
        """Whether doses are looked for inside the model."""
        return self._is_beyond({"answers", "dose", *_OF_CLASSES})

    def __str__(self) -> str:
        return "everything" if self.phases is None else ", ".join(sorted(self.phases))

    def _is_beyond(self, phases: set[str]) -> bool:
        return self.phases is None or not self.phases <= phases


EVERYTHING = Only()
