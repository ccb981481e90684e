"""A subject that measures nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edits
from ppcheck.subject.interventions.readout import Answers, LastStream, Readout, applied, raw
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.model.fingerprint import digest, model_key
from ppcheck.subject.model.rounding import Rounding
from ppcheck.subject.store import Store
from ppcheck.subject.subject import Subject, Wrapper
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.naming import edited_names, patched_names
from ppcheck.subject.tokens.tokenizer import Ids

T = TypeVar("T")
ENDINGS_LIMIT = 2**26
"""Bytes of endings up to which those of all cells that are asked for together are kept."""


class Memo(Wrapper):
    """``subject``, asked only for what ``store`` does not hold.

    What is kept of a metric of some tokens is their logits, of untouched runs also their
    log-probabilities, so that other metrics of the same tokens cost nothing more. Of an untouched
    run its `endings` are kept too, prompt by prompt, so that no other metric and no other selection
    of a set runs it again; of patched, edited and rewired runs the `LastStream`, set by set and
    cell by cell, so that no other metric does.

    ``asked`` counts what was asked for, each readout, site, head or cell over a set of prompts
    being one, however often it was; ``known`` counts what of it the store held at first.
    """

    def __init__(self, subject: Subject, store: Store) -> None:
        super().__init__(subject)
        self.asked = 0
        self.known = 0
        self._counted: set[tuple[str, str]] = set()
        self._store = store
        self._model = model_key(subject.info)

    @cached_property
    def rounding(self) -> Rounding:
        family = digest(self._model, "rounding")
        known = self._store.load(family, [""])
        if not known:
            found = self._subject.rounding
            known = {"": np.array([found.logit, found.relative])}
            self._store.save(family, known)
        return Rounding(*known[""].tolist())

    def endings(self, prompts: Sequence[Ids]) -> Floats:
        names = [digest(list(prompt)) for prompt in prompts]
        return np.stack(self._each(("endings",), names, prompts, self._run, counts=False))

    def _run(self, missing: list[Ids]) -> list[Floats]:
        return list(self._subject.endings(missing))

    def unembedded(self, endings: Floats, readout: Readout) -> Floats:
        return self._subject.unembedded(endings, readout)

    def read_after(self, prompts: Sequence[Ids], readout: Readout) -> Floats:
        asked = readout if readout.tokens is None else Answers(readout.tokens)
        found = self._one(("read", list(prompts), asked), lambda: self._read(prompts, asked))
        if readout.tokens is None or isinstance(readout, Answers):
            return found
        return applied(readout, found[:, : readout.tokens.shape[1]])

    def _read(self, prompts: Sequence[Ids], readout: Readout) -> Floats:
        if self.unembeds:
            return self.unembedded(self.endings(prompts), readout)
        return self._subject.read_after(prompts, readout)

    def capture(self, encoded: Encoded, sites: Sequence[Site], at: Sequence[int]) -> list[Floats]:
        def measure(missing: list[Site]) -> list[Floats]:
            return self._subject.capture(encoded, missing, at)

        return self._each(("capture", encoded.ids, list(at)), list(map(str, sites)), sites, measure)

    def attention(
        self,
        encoded: Encoded,
        heads: Sequence[Site],
        links: Sequence[Sequence[tuple[int, int]]],
    ) -> Floats:
        def measure(missing: list[Site]) -> list[Floats]:
            return list(self._subject.attention(encoded, missing, links).T)

        names = [str(Site(Kind.PATTERN, head.layer, head.index)) for head in heads]
        what = ("attention", encoded.ids, list(map(list, links)))
        return np.stack(self._each(what, names, heads, measure), axis=1)

    def patch(
        self, target: Encoded, source: Encoded, cells: Sequence[Cell], readout: Readout
    ) -> Floats:
        def run(missing: list[Cell], asked: Readout) -> Floats:
            return self._subject.patch(target, source, missing, asked)

        names, what = patched_names(target, source, cells), ("patch", source.ids)
        return self._cells(what, target.ids, names, cells, readout, run)

    def intervene(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        def run(missing: list[Edits], asked: Readout) -> Floats:
            return self._subject.intervene(encoded, missing, asked)

        names = edited_names(encoded, cells)
        return self._cells(("intervene",), encoded.ids, names, cells, readout, run)

    def rewire(
        self,
        clean: Encoded,
        corrupted: Encoded,
        wirings: Sequence[Wiring],
        readout: Readout,
    ) -> Floats:
        def run(missing: list[Wiring], asked: Readout) -> Floats:
            return self._subject.rewire(clean, corrupted, missing, asked)

        names = [f"{digest(sorted(map(str, each.edges)))} {each.keeps}" for each in wirings]
        what = ("rewire", corrupted.ids)
        return self._cells(what, clean.ids, names, wirings, readout, run)

    def estimate_patch(
        self,
        target: Encoded,
        source: Encoded,
        cells: Sequence[Cell],
        readout: Readout,
        steps: int = 0,
    ) -> Floats:
        def measure(missing: list[Cell]) -> list[Floats]:
            return list(self._subject.estimate_patch(target, source, missing, readout, steps))

        names = patched_names(target, source, cells)
        what = ("estimate_patch", target.ids, source.ids, readout, steps)
        return np.stack(self._each(what, names, cells, measure))

    def estimate_edits(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        def measure(missing: list[Edits]) -> list[Floats]:
            return list(self._subject.estimate_edits(encoded, missing, readout))

        what = ("estimate_edits", encoded.ids, readout)
        return np.stack(self._each(what, edited_names(encoded, cells), cells, measure))

    def activations(
        self,
        encoded: Encoded,
        sites: Sequence[Site],
        position: Position,
        cells: Sequence[Edits] = ((),),
    ) -> list[Floats]:
        def measure(missing: list[Edits]) -> list[Floats]:
            found = self._subject.activations(encoded, sites, position, missing)
            return [np.concatenate(each, axis=-1) for each in zip(*found, strict=True)]

        names = edited_names(encoded, cells)
        tokens = list(map(list, encoded.positions(position)))
        what = ("activations", encoded.ids, list(map(str, sites)), tokens)
        found = np.stack(self._each(what, names, cells, measure))
        stops = np.cumsum([self.shape.width(site.kind) for site in sites])
        return np.split(found, stops[:-1], axis=-1)

    def means(
        self, encoded: Encoded, sites: Sequence[Site], position: Position, *, pooled: bool
    ) -> list[Floats]:
        def measure(missing: list[Site]) -> list[Floats]:
            return self._subject.means(encoded, missing, position, pooled=pooled)

        tokens = list(map(list, encoded.positions(position)))
        what = ("means", encoded.ids, tokens, pooled)
        return self._each(what, list(map(str, sites)), sites, measure)

    def constant_parts(self, sites: Sequence[Site]) -> list[Floats]:
        def measure(missing: list[Site]) -> list[Floats]:
            return self._subject.constant_parts(missing)

        return self._each(("constant_parts",), list(map(str, sites)), sites, measure)

    def direct(self, encoded: Encoded, sites: Sequence[Site], readout: Readout) -> Floats:
        def measure(missing: list[Site | None]) -> list[Floats]:
            some = [site for site in missing if site is not None]
            found = self._subject.direct(encoded, some, asked)
            rows = dict(zip([*some, None], found, strict=True))
            return [rows[site] for site in missing]

        asked, members = raw(readout), [*sites, None]
        names = ["biases" if site is None else str(site) for site in members]
        found = self._each(("direct", encoded.ids, asked), names, members, measure)
        return applied(readout, np.stack(found))

    def _cells(
        self,
        what: tuple[object, ...],
        prompts: Sequence[Ids],
        names: Sequence[str],
        cells: Sequence[T],
        readout: Readout,
        run: Callable[[list[T], Readout], Floats],
    ) -> Floats:
        """What ``readout`` reads from each prompt under each cell, [cell, prompt].

        It is read from their endings, where these are known or few enough to be kept.
        """
        asked, runs = raw(readout), digest(*what, list(prompts))
        stream = LastStream(self.shape.d_model)
        endings = (runs, stream)
        fit = 8 * len(cells) * len(prompts) * stream.width <= ENDINGS_LIMIT

        def measure(missing: list[tuple[str, T]]) -> list[Floats]:
            some, members = [name for name, _ in missing], [cell for _, cell in missing]
            if not (fit and self.unembeds):
                return list(run(members, asked))

            def end(missing: list[T]) -> list[Floats]:
                return list(run(missing, stream))

            found = self._each(endings, some, members, end, counts=False)
            return list(self.unembedded(np.stack(found), asked))

        named, below = list(zip(names, cells, strict=True)), endings if fit else None
        found = self._each((runs, asked), names, named, measure, below=below)
        return applied(readout, np.stack(found))

    def _one(self, what: tuple[object, ...], measure: Callable[[], Floats]) -> Floats:
        return self._each(what, [""], [""], lambda _: [measure()])[0]

    def _each(
        self,
        what: tuple[object, ...],
        names: Sequence[str],
        members: Sequence[T],
        measure: Callable[[list[T]], list[Floats]],
        *,
        counts: bool = True,
        below: tuple[object, ...] | None = None,
    ) -> list[Floats]:
        """The numbers of each member; ``measure`` is asked for the missing ones, each once.

        Those that follow from what is known of ``below`` count as known.
        """
        family = digest(self._model, *what)
        wanted = dict(zip(names, members, strict=True))
        known = self._store.load(family, wanted)
        missing = {name: member for name, member in wanted.items() if name not in known}
        if counts:
            follow = {} if below is None else self._store.load(digest(self._model, *below), missing)
            self._count(family, wanted, {*known, *follow})
        if missing:
            self._subject.progress = self.progress
            found = zip(missing, measure(list(missing.values())), strict=True)
            fresh = {name: np.array(value, dtype=np.float64, order="C") for name, value in found}
            self._store.save(family, fresh)
            known = known | fresh
        return [known[name].copy() for name in names]

    def _count(self, family: str, wanted: Iterable[str], known: Container[str]) -> None:
        new = {(family, name) for name in wanted} - self._counted
        self._counted |= new
        self.asked += len(new)
        self.known += sum(name in known for _, name in new)
