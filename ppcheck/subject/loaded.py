"""The model under test as it is: a loaded model, run by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ppcheck.arrays import Floats
from ppcheck.errors import UnsupportedError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edits
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.model.info import ModelInfo, Shape
from ppcheck.subject.model.rounding import Rounding
from ppcheck.subject.model.sites import expand
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Ids, Tokens

if TYPE_CHECKING:
    from ppcheck.subject.engine.engine import Engine


from ppcheck.subject.subject import Subject


class LoadedSubject(Subject):
    """One loaded model."""

    def __init__(self, info: ModelInfo, shape: Shape, tokens: Tokens, engine: Engine) -> None:
        self._info = info
        self._shape = shape
        self.progress = lambda *_: None
        self._tokens = tokens
        self._engine = engine

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def shape(self) -> Shape:
        return self._shape

    @property
    def replays(self) -> bool:
        return self._engine.no_replay is None

    @property
    def no_replay(self) -> str | None:
        return self._engine.no_replay

    @property
    def ran_whole(self) -> str | None:
        found: str | None = vars(self._engine).get("no_replay")
        return found

    @property
    def work(self) -> tuple[int, int]:
        return self._engine.work.whole, self._engine.work.replayed

    @property
    def is_parallel(self) -> bool:
        return self._engine.hooks.is_parallel

    @property
    def rounding(self) -> Rounding:
        return self._engine.rounding

    def sites(self, sites: Sites) -> tuple[Site, ...]:
        expanded = expand(sites, self.shape, self._tokens.model)
        for site in expanded:
            self._engine.hooks.check(site)
        return expanded

    def encode(self, prompts: Sequence[Prompt]) -> Encoded:
        ids, spans = self._tokens.encode(prompts)
        return Encoded(tuple(prompts), ids, spans, self._tokens)

    @property
    def unembeds(self) -> bool:
        return self._engine.replay is not None

    def endings(self, prompts: Sequence[Ids]) -> Floats:
        from ppcheck.subject.operations.reading import endings

        return endings(self._engine, prompts, self.progress)

    def unembedded(self, endings: Floats, readout: Readout) -> Floats:
        from ppcheck.subject.operations.reading import unembedded

        return unembedded(self._engine, endings, readout)

    def read_after(self, prompts: Sequence[Ids], readout: Readout) -> Floats:
        from ppcheck.subject.operations.reading import read

        return read(self._engine, prompts, readout, self.progress)

    def capture(self, encoded: Encoded, sites: Sequence[Site], at: Sequence[int]) -> list[Floats]:
        from ppcheck.subject.operations.recording import capture

        return capture(self._engine, encoded.ids, sites, at, self.progress)

    def attention(
        self,
        encoded: Encoded,
        heads: Sequence[Site],
        links: Sequence[Sequence[tuple[int, int]]],
    ) -> Floats:
        from ppcheck.subject.operations.attention import attention

        return attention(self._engine, encoded.ids, heads, links, progress=self.progress)

    def patch(
        self, target: Encoded, source: Encoded, cells: Sequence[Cell], readout: Readout
    ) -> Floats:
        from ppcheck.subject.operations.patching import patch

        return patch(self._engine, target, source, cells, readout, progress=self.progress)

    def intervene(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        from ppcheck.subject.operations.editing import intervene

        return intervene(self._engine, encoded, cells, readout, progress=self.progress)

    def rewire(
        self,
        clean: Encoded,
        corrupted: Encoded,
        wirings: Sequence[Wiring],
        readout: Readout,
    ) -> Floats:
        from ppcheck.subject.operations.rewiring import rewire

        return rewire(self._engine, clean, corrupted, wirings, readout, progress=self.progress)

    def estimate_patch(
        self,
        target: Encoded,
        source: Encoded,
        cells: Sequence[Cell],
        readout: Readout,
        steps: int = 0,
    ) -> Floats:
        from ppcheck.subject.operations.gradient import estimate_patch

        progress = self.progress
        return estimate_patch(
            self._engine, target, source, cells, readout, steps, progress=progress
        )

    def estimate_edits(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        from ppcheck.subject.operations.gradient import estimate_edits

        return estimate_edits(self._engine, encoded, cells, readout, progress=self.progress)

    def activations(
        self,
        encoded: Encoded,
        sites: Sequence[Site],
        position: Position,
        cells: Sequence[Edits] = ((),),
    ) -> list[Floats]:
        from ppcheck.subject.operations.editing import activations

        if any(site.kind is Kind.PATTERN for site in sites):
            raise UnsupportedError("a pattern is not a vector at a token: measure `attention`")
        progress = self.progress
        return activations(self._engine, encoded, sites, position, cells, progress=progress)

    def means(
        self, encoded: Encoded, sites: Sequence[Site], position: Position, *, pooled: bool
    ) -> list[Floats]:
        from ppcheck.subject.operations.recording import means

        return means(self._engine, encoded, sites, position, pooled=pooled, progress=self.progress)

    def constant_parts(self, sites: Sequence[Site]) -> list[Floats]:
        from ppcheck.subject.operations.constant import constant_parts

        return constant_parts(self._engine, sites)

    def direct(self, encoded: Encoded, sites: Sequence[Site], readout: Readout) -> Floats:
        from ppcheck.subject.operations.direct import direct

        return direct(self._engine, encoded, sites, readout, progress=self.progress)
