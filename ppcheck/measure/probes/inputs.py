"""What probes read: the activations of sites, each at one token of every prompt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ppcheck.arrays import Floats
from ppcheck.measure.core.check import Bench
from ppcheck.spec.sites.position import Position, Positions
from ppcheck.spec.sites.site import STREAMS, Site
from ppcheck.subject.tokens.encoding import Encoded

Streams = Mapping[str, list[int]]
"""By stream, and position where there are several, the numbers of its inputs, layer by layer."""


@dataclass(frozen=True)
class ProbeInputs:
    """Every site at every position, in the order of ``all``."""

    all: tuple[tuple[Site, Position], ...]
    positions: tuple[Position, ...]

    @classmethod
    def of(cls, sites: Sequence[Site], positions: Positions) -> ProbeInputs:
        return cls(
            tuple((site, position) for position in positions for site in sites), tuple(positions)
        )

    @property
    def names(self) -> list[str]:
        return [f"{site}{self._where(position)}" for site, position in self.all]

    def _where(self, position: Position) -> str:
        """Nothing where there is only one position."""
        return f" at {position}" if len(self.positions) > 1 else ""

    def features(self, bench: Bench, encoded: Encoded) -> list[Floats]:
        """The activations of each input, [prompt, width]."""
        sites = list(dict.fromkeys(site for site, _ in self.all))
        captured: dict[tuple[Site, Position], Floats] = {}
        for position in self.positions:
            columns = bench.activations(encoded, sites, encoded.single(position))
            captured |= {(site, position): c for site, c in zip(sites, columns, strict=True)}
        return [captured[each] for each in self.all]

    def by_stream(self, n_layers: int) -> Streams:
        """The inputs of each stream that is read in every layer."""
        found: dict[str, dict[int, int]] = defaultdict(dict)
        for number, (site, position) in enumerate(self.all):
            if site.kind in STREAMS and site.layer is not None:
                found[f"{site.kind}{self._where(position)}"][site.layer] = number
        return {
            title: [numbers[layer] for layer in range(n_layers)]
            for title, numbers in found.items()
            if len(numbers) == n_layers
        }
