"""A subject whose sites include the features of dictionaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.errors import ModelError
from ppcheck.spec.dictionary import Dictionary
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site, SitePattern, Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Edits, Operation
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.model.coder import Coder, load_coder
from ppcheck.subject.model.rounding import Rounding
from ppcheck.subject.subject import Subject, Wrapper
from ppcheck.subject.tokens.alignment import align
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Ids

_BYTES = 2**27
"""How much the vectors of cells that are run together may take."""


def featured(subject: Subject, dictionaries: Mapping[str, Dictionary]) -> Subject:
    """The subject with the features of these dictionaries, by name; itself without any."""
    return Featured(subject, dictionaries) if dictionaries else subject


class Featured(Wrapper):
    """A feature's activation is what its dictionary makes of what it reads, one number at a token.

    Where it is changed from a to b, (b - a) times the feature's row of the decoder is added to what
    the dictionary writes, and nothing else: what the dictionary does not reconstruct stays. That
    is exact where nothing that comes before is changed, too, so that a cell's features are of one
    dictionary, at one position, and no other site is among them.
    """

    def __init__(self, inner: Subject, dictionaries: Mapping[str, Dictionary]) -> None:
        super().__init__(inner)
        self._dictionaries = dictionaries

    def sites(self, sites: Sites) -> tuple[Site, ...]:
        return tuple(dict.fromkeys(chain.from_iterable(map(self._expanded, sites))))

    def written(self, feature: Site) -> tuple[Site, Floats]:
        dictionary, coder = self._of([feature])
        return _site(dictionary.writes), coder.decoder[feature.index or 0]

    def reconstructed(self, encoded: Encoded, feature: Site, position: Position) -> Edit:
        dictionary, coder = self._of([feature])
        whole = coder.reconstruct(self._streams(encoded, dictionary, position))
        return Edit(_site(dictionary.writes), position, Operation.SET, np.nan_to_num(whole))

    def capture(self, encoded: Encoded, sites: Sequence[Site], at: Sequence[int]) -> list[Floats]:
        if not _has_features(sites):
            return self._subject.capture(encoded, sites, at)
        dictionary, coder = self._of(sites)
        (streams,) = self._subject.capture(encoded, [_site(dictionary.reads)], at)
        found = coder.encode(streams, [site.index or 0 for site in sites])
        return list(found.T[:, :, None])

    def activations(
        self,
        encoded: Encoded,
        sites: Sequence[Site],
        position: Position,
        cells: Sequence[Edits] = ((),),
    ) -> list[Floats]:
        """Of features in untouched runs alone, which ValueError says."""
        if not _has_features(sites):
            return self._subject.activations(encoded, sites, position, cells)
        if any(cells):
            raise ValueError("features are read of untouched runs")
        found = self._by_site(encoded, sites, position)
        return [np.stack([found[site]] * len(cells)) for site in sites]

    def means(
        self, encoded: Encoded, sites: Sequence[Site], position: Position, *, pooled: bool
    ) -> list[Floats]:
        if not _has_features(sites):
            return self._subject.means(encoded, sites, position, pooled=pooled)
        encoded.check_mean(position, pooled=pooled)
        found = self._by_site(encoded, sites, position)
        return [np.nanmean(found[site], axis=(0, 1) if pooled else 0) for site in sites]

    def patch(
        self, target: Encoded, source: Encoded, cells: Sequence[Cell], readout: Readout
    ) -> Floats:
        sites = [site for cell in cells for site in cell.sites]
        if not _has_features(sites):
            return self._subject.patch(target, source, cells, readout)
        align(target, source, cells)
        taken = {
            position: self._by_site(source, sites, position)
            for position in dict.fromkeys(cell.position for cell in cells)
        }
        edits = [
            tuple(
                Edit(site, cell.position, Operation.SET, taken[cell.position][site])
                for site in cell.sites
            )
            for cell in cells
        ]
        return self.intervene(target, edits, readout)

    def intervene(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        if not _has_features([edit.site for cell in cells for edit in cell]):
            return self._subject.intervene(encoded, cells, readout)
        tokens = len(encoded) * max(map(len, encoded.ids))
        size = max(1, _BYTES // (8 * tokens * self.shape.d_model))
        parts = (cells[start : start + size] for start in range(0, len(cells), size))
        found = [
            self._subject.intervene(encoded, self._added(encoded, part), readout) for part in parts
        ]
        return np.concatenate(found)

    def _added(self, encoded: Encoded, cells: Sequence[Edits]) -> list[Edits]:
        """What edits of features add to the stream; those that change nothing are left out."""
        edits = [edit for cell in cells for edit in cell]
        dictionary, coder = self._of([edit.site for edit in edits])
        now = {
            position: self._by_site(encoded, [e.site for e in edits], position)
            for position in dict.fromkeys(edit.position for edit in edits)
        }
        writes = _site(dictionary.writes)

        def added(cell: Edits) -> Edits:
            position = cell[0].position
            if any(edit.position != position for edit in cell):
                raise ValueError("features are changed together at one position")
            changes = np.stack([_change(edit, now[position][edit.site]) for edit in cell], -1)
            vectors = changes @ coder.decoder[[edit.site.index or 0 for edit in cell]]
            return (Edit(writes, position, Operation.ADD, vectors),) if vectors.any() else ()

        return [added(cell) for cell in cells]

    def _expanded(self, pattern: SitePattern) -> Iterator[Site]:
        """The sites of one pattern. Raises as `Subject.sites` does."""
        if pattern.kind is not Kind.FEATURE:
            yield from self._subject.sites(Sites((pattern,)))
            return
        dictionary = self._dictionaries[pattern.dictionary]
        ends = Sites.parse([dictionary.reads, dictionary.writes])
        if self._subject.sites(ends) and dictionary.width != self.shape.d_model:
            raise ModelError(
                f"{dictionary.name} reads {dictionary.width} numbers, and {dictionary.reads} of "
                f"{self.info.name} has {self.shape.d_model}: it is of another model"
            )
        indices = range(dictionary.size) if pattern.indices is None else pattern.indices
        yield from (Site(Kind.FEATURE, None, index, dictionary.name) for index in indices)

    def _of(self, features: Sequence[Site]) -> tuple[Dictionary, Coder]:
        """The dictionary of these features. Raises ValueError where they are not all of one."""
        names = {site.dictionary for site in features}
        if len(names) > 1 or not names <= self._dictionaries.keys():
            raise ValueError(f"features of one dictionary are changed together, not {names}")
        dictionary = self._dictionaries[names.pop()]
        return dictionary, load_coder(dictionary)

    def _streams(self, encoded: Encoded, dictionary: Dictionary, position: Position) -> Floats:
        """What the dictionary reads at a position, [prompt, token, width]; see `activations`."""
        (found,) = self._subject.activations(encoded, [_site(dictionary.reads)], position)
        return np.asarray(found[0])

    def _by_site(
        self, encoded: Encoded, sites: Sequence[Site], position: Position
    ) -> dict[Site, Floats]:
        """Activations of features at a position, for each [prompt, token, 1]; see `activations`."""
        distinct = list(dict.fromkeys(sites))
        dictionary, coder = self._of(distinct)
        indices = [site.index or 0 for site in distinct]
        found = coder.encode(self._streams(encoded, dictionary, position), indices)
        return {site: found[..., [place]] for place, site in enumerate(distinct)}

    @property
    def rounding(self) -> Rounding:
        return self._subject.rounding

    def endings(self, prompts: Sequence[Ids]) -> Floats:
        return self._subject.endings(prompts)

    def unembedded(self, endings: Floats, readout: Readout) -> Floats:
        return self._subject.unembedded(endings, readout)

    def read_after(self, prompts: Sequence[Ids], readout: Readout) -> Floats:
        return self._subject.read_after(prompts, readout)

    def attention(
        self,
        encoded: Encoded,
        heads: Sequence[Site],
        links: Sequence[Sequence[tuple[int, int]]],
    ) -> Floats:
        return self._subject.attention(encoded, heads, links)

    def rewire(
        self,
        clean: Encoded,
        corrupted: Encoded,
        wirings: Sequence[Wiring],
        readout: Readout,
    ) -> Floats:
        return self._subject.rewire(clean, corrupted, wirings, readout)

    def estimate_patch(
        self,
        target: Encoded,
        source: Encoded,
        cells: Sequence[Cell],
        readout: Readout,
        steps: int = 0,
    ) -> Floats:
        return self._subject.estimate_patch(target, source, cells, readout, steps)

    def estimate_edits(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        return self._subject.estimate_edits(encoded, cells, readout)

    def direct(self, encoded: Encoded, sites: Sequence[Site], readout: Readout) -> Floats:
        return self._subject.direct(encoded, sites, readout)


def _change(edit: Edit, now: Floats) -> Floats:
    """By how much an edit changes activations ``now`` [prompt, token, 1], [prompt, token].

    It is 0 where a prompt has fewer tokens.
    """
    if edit.operation is Operation.REMOVE:
        raise ValueError(f"{edit.site} is one number, and has no direction to remove")
    change = np.zeros(now.shape[:2])
    for prompt, row in enumerate(now[..., 0]):
        tokens = int(np.count_nonzero(~np.isnan(row)))
        new = edit.at(prompt, tokens)[:, 0]
        change[prompt, :tokens] = new - row[:tokens] if edit.operation is Operation.SET else new
    return change


def _has_features(sites: Sequence[Site]) -> bool:
    return any(site.kind is Kind.FEATURE for site in sites)


def _site(text: str) -> Site:
    """The site of a dictionary, which names one."""
    site = SitePattern.parse(text).site
    if site is None:
        raise ValueError(f"{text} is several sites")
    return site
