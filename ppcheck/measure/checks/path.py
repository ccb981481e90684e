"""`path`: direct path patching, so that "this head writes what that head reads" is a claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.charts import arrow_map
from ppcheck.measure.core.check import Bench, CheckResult
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.reads_at import ReadsAt
from ppcheck.measure.core.selection import TopField, search
from ppcheck.measure.core.validation import paired_problems, patch_problems
from ppcheck.measure.interventions.effect import OF_GAP, Effect, Mode, effect_of, share_results
from ppcheck.measure.interventions.paths import Path, patch_paths, precedes
from ppcheck.spec.claim import PairsField
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import SHARE, Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.sites.position import Position, PositionField
from ppcheck.spec.sites.receiver import LOGITS, ReceiversField
from ppcheck.spec.sites.site import Kind, Site, Sites, SitesField
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.tokens.encoding import Encoded

WRITERS = (Kind.HEAD, Kind.ATTN_OUT, Kind.MLP_OUT)


class DirectPath(ReadsAt):
    """How much of the difference between clean and corrupted prompts passes along direct paths.

    recovery  mode denoise: (patched - corrupted) / (clean - corrupted), sums over pairs
    damage    mode noise: (clean - patched) / (clean - corrupted), sums over pairs
    gap       mean of clean - corrupted

    Only the direct path is patched: the receiver reads a stream in which nothing has changed but
    what the sender writes. Each sender with each later receiver is one path, and every path must
    meet the bound; with `together` all are patched at once, and with `top` only those with the
    largest effect are judged.
    """

    family: ClassVar[str] = "patching"
    check: Literal["path"]
    sender: SitesField
    receiver: ReceiversField
    position: PositionField = Field(
        Position("all"), description="The tokens at which the sender is patched; default: all."
    )
    mode: Mode = Field(description="denoise tests sufficiency, noise necessity.")
    metric: MetricsField
    pairs: PairsField = None
    together: bool = Field(False, description="Patch all the paths at once.")
    top: TopField = None

    def statistics(self) -> Mapping[str, Range]:
        return self.metric.statistics(
            **{OF_GAP[self.mode]: SHARE}, gap=lambda metric: metric.change
        )

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from self.needs_pairs(prompt_set, self.pairs)
        yield from paired_problems(prompt_set, self.metric, self.pairs)
        yield from patch_problems(self.position)
        for pattern in self.sender:
            if pattern.kind not in WRITERS:
                writers = "a head such as L1H1, attn_out or mlp_out"
                yield Problem("sender", f"{pattern} writes nothing to the stream: name {writers}")
        if self._backwards():
            yield Problem("receiver", f"{self.receiver} comes before {self.sender} in every model")
        if self.together and self.top is not None:
            yield Problem("top", "`top` chooses among paths patched alone: leave out `together`")

    def _backwards(self) -> bool:
        """Whether no sender stands before any receiver, as far as numbers of layers say."""
        if self.receiver.logits or self.receiver.sites is None:
            return False
        senders, receivers = _ends(self.sender), _ends(self.receiver.sites)
        if senders is None or receivers is None:
            return False
        return not any(precedes(one, other) for one in senders for other in receivers)

    def measure(self, bench: Bench) -> CheckResult:
        bench = bench.reading(self.at)
        paths = self._paths(bench)
        pairs = bench.pairs(self.on, self.pairs)
        run = partial(_run, bench, list(paths.values()), self.position)
        effects = {
            metric: effect_of(bench, pairs, metric, self.mode, run) for metric in self.metric
        }
        effect = effects[self.metric.first]
        sides = [side.prompts for side in pairs]
        found = search(tuple(paths), sides[0], self.top, bench.seed, effect.shares)
        judged = found.evaluation_mask(*sides)
        how = {"mode": self.mode, "position": str(self.position)}
        facts = found.facts | Facts(extras=how) | self._effects(paths, effects)
        results = share_results(effects, self.metric, found, judged)
        return self.result(bench, pairs, results, facts, found.notes)

    def _paths(self, bench: Bench) -> dict[str, Path]:
        """What is patched, by name. Raises MeasurementError where no sender comes first."""
        subject, named = bench.subject, self.receiver.sites
        senders = subject.sites(self.sender)
        receivers = () if named is None else subject.sites(named)
        links = [
            (one, other)
            for one in senders
            for other in receivers
            if precedes(one, other, parallel=subject.is_parallel)
        ]
        if not links and not self.receiver.logits:
            raise MeasurementError(
                f"no {self.receiver} comes after {self.sender}: there is no path"
            )
        if self.together:
            receiving = tuple(dict.fromkeys(other for _, other in links))
            whole = Path(senders, receiving, logits=self.receiver.logits)
            return {f"{self.sender} → {self.receiver}": whole}
        paths = {f"{one} → {other}": Path((one,), (other,), logits=False) for one, other in links}
        if self.receiver.logits:
            paths |= {f"{one} → {LOGITS}": Path((one,), (), logits=True) for one in senders}
        return paths

    def _effects(self, paths: dict[str, Path], effects: dict[Metric, Effect]) -> Facts:
        everything = {
            metric: effect.shares(np.ones(len(effect.gaps), dtype=bool)).tolist()
            for metric, effect in effects.items()
        }
        facts = Facts(effects=dict(zip(paths, everything[self.metric.first], strict=True)))
        if self.together:
            return facts
        return facts | Facts(
            maps={
                f"{OF_GAP[self.mode]} of {metric}": arrow_map(list(paths), shares)
                for metric, shares in everything.items()
            }
        )


def _run(
    bench: Bench,
    paths: Sequence[Path],
    position: Position,
    target: Encoded,
    source: Encoded,
    reader: Readout,
) -> Floats:
    return patch_paths(bench.subject, target, source, paths, position, reader)


def _ends(patterns: Sites) -> list[Site] | None:
    """One site for each layer that is named; None where a pattern stands for all layers."""
    if any(pattern.layers is None for pattern in patterns):
        return None
    return [Site(pattern.kind, layer) for pattern in patterns for layer in pattern.layers or ()]
