"""What whole passes take, beside what replays would have taken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Work:
    """Tokens times blocks that patches and edits took as whole passes, and would have replayed.

    The second is an upper limit: a replay also leaves out what turns out to be as before.
    """

    n_layers: int
    whole: int = 0
    replayed: int = 0

    def add_whole(self, length: int, layer: int, first: int) -> None:
        """A whole pass of ``length`` tokens for a change from ``layer`` and token ``first`` on."""
        self.whole += self.n_layers * length
        self.replayed += (self.n_layers - layer) * (length - first)

    def add_untouched(self, *, for_both: int = 0, for_replay: int = 0) -> None:
        """Untouched tokens that both ways need, and those that only replays do."""
        self.whole += self.n_layers * for_both
        self.replayed += self.n_layers * (for_both + for_replay)
