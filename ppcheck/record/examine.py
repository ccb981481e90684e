"""One claim on one model, from measurement to the record of its verdict."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ppcheck.errors import SpecError, UnsupportedError
from ppcheck.judge.compare import pseudo_values
from ppcheck.judge.notes import finding_notes
from ppcheck.judge.opposite import opposite
from ppcheck.judge.verdict import Finding, Judgement, Verdict, judge
from ppcheck.measure.core.check import Bench, Check, CheckResult, StatisticResult
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.versus import with_differences
from ppcheck.record.fingerprint import fingerprint, measures
from ppcheck.record.naming import spec_name
from ppcheck.record.pack import packed, unpacked
from ppcheck.record.run import ClaimRecord, Example, StatisticRecord
from ppcheck.spec.expectations.bound import ANYTHING, Bound
from ppcheck.spec.expectations.range import Range
from ppcheck.spec.load import Entry, Spec
from ppcheck.subject.featured import featured
from ppcheck.subject.memo import Memo
from ppcheck.subject.model.locate import ModelRef
from ppcheck.subject.subject import Subject

UNREADABLE = "spec"
"""The id in the record of a spec that could not be read."""
WORST = 5
"""How many of a statistic's worst examples a record shows as text."""


@dataclass(frozen=True)
class Measured:
    """What a claim measured on a model, whatever its bounds are.

    ``cautions`` are those that no bound is part of. ``lacks`` says what the claim needs and the
    model does not have, and ``result`` is None then. ``asked``, ``known`` and ``seconds`` are as in
    the claim's record, ``model`` as in the run's.
    """

    model: dict[str, Any]
    result: CheckResult | None = None
    cautions: tuple[str, ...] = ()
    lacks: str = ""
    asked: int = 0
    known: int = 0
    seconds: float = 0.0

    def again(self) -> Measured:
        """The same, as of a run that measures nothing."""
        return replace(self, known=self.asked, seconds=0.0)


@dataclass(frozen=True)
class Examination:
    """One claim, about to be tried on the model labelled ``model``.

    ``examples`` is the folder of counterexamples that are kept from run to run.
    """

    spec: Spec
    entry: Entry
    model: str
    seed: int
    examples: Path | None = None

    @property
    def name(self) -> str:
        """What the spec is called in every run."""
        return spec_name(self.spec.path)

    @property
    def ids(self) -> tuple[str, ...]:
        """Those of all claims of the spec."""
        return tuple(entry.id for entry in self.spec.entries)

    def measured(self, subject: Memo) -> Measured:
        """All that the verdict follows from, beside the bounds: measuring sees none of them.

        Raises a PpcheckError where it cannot be measured.
        """
        started = time.perf_counter()
        before = subject.work
        claim, grid = self.entry.expand()
        expected = dict.fromkeys(claim.expect, ANYTHING)
        check = cast(Check, claim).model_copy(update={"expect": expected})
        bench = Bench(featured(subject, grid.features), grid, self.seed, self.examples)
        found = Measured(model=asdict(subject.info))
        try:
            result = check.measure(bench)
            doubts = tuple(check.doubts(bench, result))
            found = replace(found, result=_with_work(result, subject, before), cautions=doubts)
        except UnsupportedError as error:
            found = replace(found, lacks=str(error))
        seconds = time.perf_counter() - started
        found = replace(found, asked=subject.asked, known=subject.known, seconds=seconds)
        # What is judged is what is read back, to the last bit, when it is judged again.
        kept: Measured = unpacked(packed(found))
        return kept

    def judged(self, measured: Measured) -> ClaimRecord:
        """The verdict on what was measured. Raises a PpcheckError where bounds decide nothing."""
        started = time.perf_counter()
        claim, grid = self.entry.expand()
        counted = {"asked": measured.asked, "known": measured.known}
        if (result := measured.result) is None:
            record = self._unmeasured(Verdict.NOT_APPLICABLE, measured.lacks)
            return record.model_copy(update=counted)
        result = replace(result, statistics=with_differences(result.statistics, claim.expect))
        judgement = judge(
            [one.statistic for one in result.statistics],
            claim.expect,
            confidence=claim.confidence,
            correction=claim.correction,
            seed=self.seed,
            identity=result.identity,
            is_fixed=grid.prompt_set.is_fixed,
        )
        seconds = measured.seconds + time.perf_counter() - started
        record = self._record(judgement, result, seconds)
        doubts = (*measured.cautions, *cast(Check, claim).doubts_of_bounds(result))
        cautions = tuple(dict.fromkeys(doubts)) if record.passes else ()
        return record.model_copy(update={**counted, "cautions": cautions})

    def check_about(self, ref: ModelRef) -> None:
        """Raise UnsupportedError where the spec is about other models."""
        if not self.spec.is_about(*ref.names):
            raise UnsupportedError(f"the spec is about {self.spec.about}, not {ref.label}")

    def on(self, model: str) -> Examination:
        """The same claim, about to be tried on another model."""
        return replace(self, model=model)

    @property
    def tolerance(self) -> Mapping[str, float]:
        """By how much each statistic may become worse than its baseline, where the claim says."""
        return {} if self.entry.claim is None else self.entry.claim.tolerance

    def as_known(self, record: ClaimRecord) -> ClaimRecord:
        """The record of an earlier run of this claim, as of this one, which measures nothing."""
        known = {"known": record.asked, "seconds": 0.0}
        return record.model_copy(update=self._identity() | known)

    def refused(self, error: Exception) -> ClaimRecord:
        """The record of a claim whose measurement ended in ``error``."""
        if isinstance(error, UnsupportedError):
            return self._unmeasured(Verdict.NOT_APPLICABLE, str(error))
        reason = str(error).replace(str(self.spec.path), self.name)
        return self._unmeasured(Verdict.ERROR, reason or type(error).__name__)

    def left_out(self, reason: str) -> ClaimRecord:
        """The record of a claim that was not to be measured, for a reason of the run's own."""
        return self._unmeasured(Verdict.NOT_APPLICABLE, reason)

    def _unmeasured(self, verdict: Verdict, reason: str) -> ClaimRecord:
        return ClaimRecord(**self._identity(), verdict=verdict, reason=reason)

    def _record(self, judgement: Judgement, result: CheckResult, seconds: float) -> ClaimRecord:
        pairs = zip(judgement.findings, result.statistics, strict=True)
        statistics = {
            title_in_record(finding.name, finding.member): _statistic(finding, behind)
            for finding, behind in pairs
        }
        return ClaimRecord(
            **self._identity(),
            verdict=judgement.verdict,
            statistics=statistics,
            facts=result.facts | self._facts(),
            notes=(*result.notes, *finding_notes(judgement.findings, self._ranges)),
            reason=judgement.moved,
            seconds=seconds,
        )

    def _identity(self) -> dict[str, Any]:
        claim = self.entry.claim
        identity: dict[str, Any] = {
            "id": self.entry.id,
            "spec": self.name,
            "line": self.entry.line,
            "check": self.entry.check,
            "model": self.model,
            "spec_sha256": self.spec.sha256,
            "seed": self.seed,
            "family": "",
        }
        if claim is None or self.entry.grid is None:
            return identity
        return identity | {
            "family": claim.family,
            "says": claim.says,
            "on": str(claim.on),
            "source": claim.source or self.spec.source,
            "expect": {name: str(bound) for name, bound in claim.expect.items()},
            "tolerance": dict(claim.tolerance),
            "fingerprint": fingerprint(claim, self.entry.grid, self.seed),
            "measures": measures(claim, self.entry.grid),
        }

    @property
    def _ranges(self) -> Mapping[str, Range]:
        return {} if self.entry.claim is None else self.entry.claim.all_statistics

    def _facts(self) -> Facts:
        """What the record keeps of the spec itself: units, and where its features act."""
        claim, grid = self.entry.claim, self.entry.grid
        if claim is None or grid is None:
            return Facts(unit=())
        facts = Facts(unit=tuple(grid.unit_names))
        acting = {name: grid.features[name].writes for name in claim.dictionaries}
        return facts | Facts(features=acting) if acting else facts


def _with_work(result: CheckResult, subject: Subject, before: tuple[int, int]) -> CheckResult:
    """With the passes since ``before``, where patches could not be replayed."""
    if subject.ran_whole is None:
        return result
    whole, replayed = (now - then for now, then in zip(subject.work, before, strict=True))
    facts = result.facts | Facts(no_replay=subject.ran_whole, work=(whole, replayed))
    note = f"measured with whole forward passes: {subject.ran_whole}"
    return replace(result, notes=(*result.notes, note), facts=facts)


def unreadable(path: Path, model: str, error: SpecError) -> ClaimRecord:
    """The record of the spec in ``path``, which could not be read."""
    return ClaimRecord(
        id=UNREADABLE,
        spec=spec_name(path),
        line=error.line or 1,
        check="",
        family="",
        model=model,
        verdict=Verdict.ERROR,
        reason=error.message,
    )


def no_longer_there(old: ClaimRecord, path: Path, model: str, reason: str) -> ClaimRecord:
    """The record of a claim that ``path`` had once and has no longer."""
    return ClaimRecord(
        id=old.id,
        spec=spec_name(path),
        line=old.line,
        check=old.check,
        family=old.family,
        model=model,
        verdict=Verdict.NOT_APPLICABLE,
        says=old.says,
        expect=old.expect,
        reason=reason,
    )


def title_in_record(name: str, member: str | None) -> str:
    """``recovery[L2H1]``: a statistic's key in a record."""
    return name if member is None else f"{name}[{member}]"


def _statistic(finding: Finding, behind: StatisticResult) -> StatisticRecord:
    estimate = finding.estimate
    return StatisticRecord(
        estimate=estimate.estimate,
        low=_finite(estimate.low),
        high=_finite(estimate.high),
        n=estimate.n,
        confidence=estimate.confidence,
        method=estimate.method,
        family=finding.family_size,
        bound=None if finding.bound is None else str(finding.bound),
        verdict=finding.verdict,
        correction=finding.correction,
        p=finding.p,
        more_units=finding.more_units,
        n_opposite=opposite(
            behind.contributions, estimate.estimate, behind.statistic.neutral, finding.bound
        ),
        values=finding.values,
        units=tuple(map(_finite, pseudo_values(behind.statistic).tolist())),
        worst=_worst(behind, finding.bound, estimate.estimate),
        rounding=finding.rounding,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _worst(behind: StatisticResult, bound: Bound | None, estimate: float) -> tuple[Example, ...]:
    """The examples that pull the statistic furthest to the wrong side of the bound."""
    if bound is None:
        return ()
    pulls = behind.contributions
    edge = bound.nearest_edge(estimate)
    below = edge == bound.low
    order = np.argsort(pulls if below else -pulls, kind="stable")
    wrong = [i for i in order if (pulls[i] < edge if below else pulls[i] > edge)]
    return tuple(Example(text=behind.examples[i], value=float(pulls[i])) for i in wrong[:WORST])
