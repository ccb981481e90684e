"""The run record: what was claimed, measured and judged, as versioned JSON (`ppcheck.run/3`)."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ppcheck.judge.compare import WORSE, Change
from ppcheck.judge.limits import FIXED
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.facts import Facts

ReadFacts = Annotated[Facts, BeforeValidator(Facts.read)]


class Outcome(StrEnum):
    """What pytest said of a claim, by the names and in the order of pytest's own last line."""

    FAILED = "failed"
    PASSED = "passed"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    ERROR = "error"


class Recorded(BaseModel):
    """Immutable, and read back strictly: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Example(Recorded):
    """One example of a statistic, as a person reads it, and its value."""

    text: str
    value: float


class StatisticRecord(Recorded):
    """One estimate. ``low`` or ``high`` is None where the interval has no end on that side.

    ``n`` counts independent units; ``verdict`` is None where nothing was expected. ``values`` are
    per example, ``units`` jackknife pseudo-values per unit, None where a single unit decides all.
    ``p`` is
    one-sided, and ``correction`` says how it and the interval were corrected over a family.
    ``n_opposite`` counts the examples that go against the estimate. ``rounding`` is how far
    rounding alone may move the estimate, which is in the interval.
    """

    estimate: float
    low: float | None
    high: float | None
    n: int
    confidence: float
    method: str
    family: int
    bound: str | None = None
    verdict: Verdict | None = None
    correction: str | None = None
    p: float | None = None
    more_units: int | None = None
    n_opposite: int | None = None
    values: tuple[float, ...] = ()
    units: tuple[float | None, ...] = ()
    worst: tuple[Example, ...] = ()
    rounding: float = 0.0


class ComparedStatistic(Recorded):
    """One expected statistic, new minus old. ``low`` or ``high`` is None where there is no end.

    ``was`` is what the old one was called, where another component led then.
    """

    change: Change
    was: str | None = None
    old: float
    new: float
    difference: float
    low: float | None
    high: float | None
    n: int
    confidence: float
    tolerance: float


class Comparison(Recorded):
    """What became of a claim since ``baseline`` (a file's or a model's name).

    ``moved`` names what was chosen or played a role before and does now, ``led`` what was first of
    it. ``unpaired`` are expected statistics that one of the two records lacks. ``reason`` says why
    the records cannot be compared, or why the claim is no longer measured. ``then`` holds the maps,
    curves and effects that were drawn before.
    """

    change: Change
    baseline: str
    verdict: Verdict | None = None
    statistics: dict[str, ComparedStatistic] = Field(default_factory=dict)
    moved: tuple[str, str] | None = None
    led: tuple[str, str] | None = None
    unpaired: tuple[str, ...] = ()
    reason: str | None = None
    then: ReadFacts = Field(default_factory=Facts)


class ClaimRecord(Recorded):
    """One claim on one model.

    ``spec`` is the file's path from the root of its project. ``outcome`` is pytest's, None until
    the run is over. ``measures`` is what the claim asks for, key by key, bounds and words left out.
    ``cautions`` say why a claim that holds may say less than it seems to.
    ``reason`` says why it was not measured, where it was not, and from whom to whom a role moved.
    ``asked`` counts what its measurement asked of the model, each readout, site, head or cell over
    a set of prompts being one; ``known`` counts what of it earlier claims or runs had measured.
    """

    id: str
    spec: str
    line: int
    check: str
    family: str
    model: str
    verdict: Verdict
    outcome: Outcome | None = None
    says: str = ""
    on: str = ""
    source: str | None = None
    expect: dict[str, str] = Field(default_factory=dict)
    tolerance: dict[str, float] = Field(default_factory=dict)
    statistics: dict[str, StatisticRecord] = Field(default_factory=dict)
    facts: ReadFacts = Field(default_factory=Facts)
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    reason: str | None = None
    comparison: Comparison | None = None
    spec_sha256: str = ""
    fingerprint: str = ""
    measures: dict[str, str] = Field(default_factory=dict)
    seed: int = 0
    asked: int = 0
    known: int = 0
    seconds: float = 0.0

    @property
    def passes(self) -> bool:
        """Whether it holds or, where its identity is loose, has moved."""
        loose = self.facts.identity != "strict"
        return self.verdict is Verdict.HOLDS or (self.verdict is Verdict.MOVED and loose)

    @property
    def is_fixed(self) -> bool:
        """Whether its prompts are all there is, so that its figures are exact."""
        return any(one.method == FIXED for one in self.statistics.values())

    @property
    def is_measured(self) -> bool:
        """Whether there are figures to judge and to compare."""
        return self.verdict not in (Verdict.ERROR, Verdict.NOT_APPLICABLE)

    @property
    def where(self) -> str:
        return f"{self.spec}:{self.line}"


def outcome_of(claim: ClaimRecord, *, blessing: bool = False, lenient: bool = False) -> Outcome:
    """What pytest is to say of a claim: what cannot be measured is an error, not a failure.

    While a baseline is blessed nothing fails for being worse than it.
    """
    change = None if claim.comparison is None or blessing else claim.comparison.change
    if claim.verdict is Verdict.ERROR or change is Change.NO_LONGER_MEASURED:
        return Outcome.ERROR
    if claim.verdict is Verdict.NOT_APPLICABLE:
        return Outcome.SKIPPED
    if change in WORSE and claim.passes:
        return Outcome.FAILED
    if claim.verdict is Verdict.INCONCLUSIVE and lenient and change is not Change.REGRESSED:
        return Outcome.XFAILED
    return Outcome.PASSED if claim.passes else Outcome.FAILED


class RunRecord(Recorded):
    """One run. ``model`` is the only model, or the first; ``models`` are all of them by label.

    ``commit`` is that of pytest's root folder, with ``+dirty`` where tracked files differed from
    it; None outside git. ``paths`` are the files and folders in which specs were looked for, and
    ``specs`` are those that were read, each with the ids of all its claims: what else of them is
    not in ``claims`` was left out on purpose.
    """

    schema_: Literal["ppcheck.run/3"] = Field("ppcheck.run/3", alias="schema")
    started: str
    commit: str | None = None
    seconds: float
    peak_memory_mb: float
    model: dict[str, Any]
    models: dict[str, dict[str, Any]]
    paths: tuple[str, ...] = ()
    specs: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    claims: tuple[ClaimRecord, ...]

    def to_json(self) -> str:
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def record_schema_text() -> str:
    """The JSON Schema of a run record, as it is committed beside this file."""
    schema = RunRecord.model_json_schema(by_alias=True)
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | schema, indent=2, ensure_ascii=False) + "\n"
