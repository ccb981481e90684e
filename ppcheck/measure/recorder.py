"""A model that only takes notes of what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.measure.core.metrics import log_softmax
from ppcheck.measure.cost import Request, replayed, rerun, rewired
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edits
from ppcheck.subject.interventions.readout import Answers, LastStream, Readout
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.model.fingerprint import digest
from ppcheck.subject.model.rounding import EXACT, Rounding
from ppcheck.subject.subject import Subject, Wrapper
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Ids

SAMPLE = 16
"""How many prompts are read to find out how fast the model is."""
BACKWARD = 3
"""A pass forward and backward takes about so many times the arithmetic of one forward."""
_ROWS = 16


class Recorder(Wrapper):
    """Notes what is asked of ``subject``, and answers with numbers that mean nothing.

    They are the same in every run, and such as the real ones might be.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self.requests: list[Request] = []
        self.sample: tuple[Ids, ...] = ()

    @property
    def rounding(self) -> Rounding:
        return EXACT

    def endings(self, prompts: Sequence[Ids]) -> Floats:
        self._note("run", prompts, 0, len(prompts) * self.shape.n_vocabulary)
        return np.array([_made_up(self.shape.d_model, ids) for ids in prompts])

    def unembedded(self, endings: Floats, readout: Readout) -> Floats:
        of_cells = endings.ndim == 3  # which are counted where they are run
        self._note("read", (), int(not of_cells), endings[..., 0].size * _logits(self, readout))
        if np.isfinite(endings).all():  # they were measured before
            return self._subject.unembedded(endings, readout)
        if of_cells:
            drawn = endings[:, 0, 0]
            values = self._values(_random(drawn), endings.shape[1], readout)
            return np.multiply.outer(drawn, values)
        return self._values(_random(endings), len(endings), readout)

    def read_after(self, prompts: Sequence[Ids], readout: Readout) -> Floats:
        self._note("read", prompts, 1, len(prompts) * _logits(self, readout))
        return self._values(_random(prompts), len(prompts), readout)

    def capture(self, encoded: Encoded, sites: Sequence[Site], at: Sequence[int]) -> list[Floats]:
        del at
        self._note("capture", encoded.ids, len(sites), 0)
        random = _random(encoded.ids)
        width = self.shape.width
        return [random.normal(size=(len(encoded), width(site.kind))) for site in sites]

    def attention(
        self,
        encoded: Encoded,
        heads: Sequence[Site],
        links: Sequence[Sequence[tuple[int, int]]],
    ) -> Floats:
        self._note("attention", encoded.ids, len(heads), 0)
        paid = _random(encoded.ids).uniform(0, 1, (len(encoded), len(heads)))
        paid[[not each for each in links]] = np.nan
        return paid

    def patch(
        self, target: Encoded, source: Encoded, cells: Sequence[Cell], readout: Readout
    ) -> Floats:
        runs = len(cells) * len(target)
        self.requests.append(
            Request(
                "patch",
                (*target.ids, *source.ids),
                len(cells),
                replayed(self.shape, target, source, cells),
                _logits(self, readout) * runs,
                runs,
            )
        )
        return self._cells(len(cells), target.ids, source.ids, readout)

    def intervene(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        logits = _logits(self, readout) * len(cells) * len(encoded)
        self._rerun("edit", encoded, cells, logits)
        return self._cells(len(cells), encoded.ids, encoded.ids, readout)

    def rewire(
        self,
        clean: Encoded,
        corrupted: Encoded,
        wirings: Sequence[Wiring],
        readout: Readout,
    ) -> Floats:
        runs = len(wirings) * len(clean)
        ids, tokens = (*clean.ids, *corrupted.ids), sum(map(len, clean.ids))
        logits = _logits(self, readout) * runs
        computed = tokens * rewired(self.shape, wirings)
        self.requests.append(Request("rewire", ids, len(wirings), computed, logits, runs))
        return self._cells(len(wirings), clean.ids, corrupted.ids, readout)

    def estimate_patch(
        self,
        target: Encoded,
        source: Encoded,
        cells: Sequence[Cell],
        readout: Readout,
        steps: int = 0,
    ) -> Floats:
        self._gradient((*target.ids, *source.ids), target, len(cells), max(1, steps))
        return self._cells(len(cells), target.ids, source.ids, readout)

    def estimate_edits(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        self._gradient(encoded.ids, encoded, len(cells), 1)
        return self._cells(len(cells), encoded.ids, encoded.ids, readout)

    def activations(
        self,
        encoded: Encoded,
        sites: Sequence[Site],
        position: Position,
        cells: Sequence[Edits] = ((),),
    ) -> list[Floats]:
        self._rerun("activations", encoded, cells, 0)
        random, most = _random(encoded.ids), max(map(len, encoded.positions(position)))
        shape = (len(cells), len(encoded), most)
        return [random.normal(size=(*shape, self.shape.width(site.kind))) for site in sites]

    def means(
        self, encoded: Encoded, sites: Sequence[Site], position: Position, *, pooled: bool
    ) -> list[Floats]:
        self._note("means", encoded.ids, len(sites), 0)
        random, tokens = _random(encoded.ids), max(map(len, encoded.positions(position)))
        shape = () if pooled else (tokens,)
        return [random.normal(size=(*shape, self.shape.width(site.kind))) for site in sites]

    def constant_parts(self, sites: Sequence[Site]) -> list[Floats]:
        self._note("constant_parts", (), len(sites), 0)
        random, width = _random(list(map(str, sites))), self.shape.width
        return [random.normal(size=width(site.kind)) for site in sites]

    def direct(self, encoded: Encoded, sites: Sequence[Site], readout: Readout) -> Floats:
        self._note("direct", encoded.ids, len(sites) + 1, 0)
        return self._cells(len(sites) + 1, encoded.ids, encoded.ids, readout)

    def _cells(
        self, count: int, prompts: Sequence[Ids], others: Sequence[Ids], readout: Readout
    ) -> Floats:
        """What is read of each prompt under so many cells, [cell, prompt]."""
        drawn = _random(others).uniform(0, 1, count)
        if isinstance(readout, LastStream):  # that no run has: its logits cannot be normalised
            streams = np.full((count, len(prompts), readout.width), np.inf)
            streams[..., 0] = drawn[:, None]
            return streams
        return np.multiply.outer(drawn, self._values(_random(prompts), len(prompts), readout))

    def _gradient(self, ids: tuple[Ids, ...], encoded: Encoded, members: int, passes: int) -> None:
        tokens = sum(map(len, encoded.ids))
        computed = np.full(self.shape.n_layers, BACKWARD * passes * tokens, dtype=np.int64)
        self.requests.append(Request("gradient", ids, members, computed, 0, passes * len(encoded)))

    def _rerun(self, what: str, encoded: Encoded, cells: Sequence[Edits], logits: int) -> None:
        tokens, runs = rerun(self.shape, encoded, cells), len(cells) * len(encoded)
        self.requests.append(Request(what, encoded.ids, len(cells), tokens, logits, runs))
        self._note_sample(encoded.ids)

    def _note(self, what: str, prompts: Sequence[Ids], members: int, logits: int) -> None:
        nothing = np.zeros(self.shape.n_layers, dtype=np.int64)
        self.requests.append(Request(what, tuple(prompts), members, nothing, logits))
        self._note_sample(prompts)

    def _note_sample(self, prompts: Sequence[Ids]) -> None:
        """Prompts from all over the first set: its neighbours differ in little."""
        step = max(1, len(prompts) // SAMPLE)
        self.sample = self.sample or tuple(prompts[::step][:SAMPLE])

    def _values(self, random: np.random.Generator, count: int, readout: Readout) -> Floats:
        if isinstance(readout, Answers):  # half of all answers are among these
            logits = random.normal(size=(count, readout.tokens.shape[1]))
            return np.hstack([logits, log_softmax(logits) - np.log(2)])
        width = _logits(self, readout)
        blocks = np.array_split(np.arange(count), -(-count // _ROWS))
        values = [readout.values(random.normal(size=(len(b), width)), b) for b in blocks]
        return np.concatenate(values)


def _logits(subject: Subject, readout: Readout) -> int:
    """How many logits of each prompt are read."""
    if isinstance(readout, LastStream):
        return 0
    whole = subject.shape.n_vocabulary
    if readout.tokens is None:
        return whole
    few: int = readout.tokens.shape[1]
    return few + whole if isinstance(readout, Answers) else few


def _made_up(width: int, ids: Ids) -> Floats:
    """An ending that no run has: its logits cannot be normalised."""
    return np.append(_random(ids).normal(size=width), np.inf)


def _random(named: object) -> np.random.Generator:
    return np.random.default_rng(int(digest(named)[:16], 16))
