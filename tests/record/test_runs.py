"""Two recorded runs: claims that became worse, that are missing, and that were not asked for."""

from __future__ import annotations

import pytest

from ppcheck.errors import BaselineError
from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, Outcome, RunRecord
from ppcheck.record.runs import compared_runs, left_out
from tests.record.test_comparison import record


def run(
    *claims: ClaimRecord,
    models: tuple[str, ...] = ("demo",),
    paths: tuple[str, ...] = (),
    asked: dict[str, tuple[str, ...]] | None = None,
) -> RunRecord:
    """A run of these claims and, where ``asked`` says so, of specs with these ids."""
    specs: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        specs[claim.spec] = (*specs.get(claim.spec, ()), claim.id)
    return RunRecord(
        started="",
        seconds=1,
        peak_memory_mb=1,
        model={},
        models={model: {} for model in models},
        paths=paths,
        specs=specs | (asked or {}),
        claims=claims,
    )


def changes(found: RunRecord) -> dict[str, Change | None]:
    return {c.id: None if c.comparison is None else c.comparison.change for c in found.claims}


def test_runs_of_one_model_each_are_compared_whatever_the_models_are() -> None:
    old = run(record(), record(id="dropped"))
    new = run(record(-0.15, model="new"), record(id="fresh", model="new"), models=("new",))
    found = compared_runs(new, old, "old.json")
    assert changes(found) == {
        "mover": Change.REGRESSED,
        "fresh": Change.NEW,
        "dropped": Change.NO_LONGER_MEASURED,
    }


def test_runs_of_several_models_are_compared_model_by_model() -> None:
    both = ("demo", "other")
    old = run(record(), record(-0.15, model="other"), models=both)
    found = compared_runs(old, old, "old.json")
    assert [c.comparison.change for c in found.claims if c.comparison] == [Change.UNCHANGED] * 2


def test_a_records_own_tolerance_counts_when_runs_are_compared() -> None:
    new = run(record(-0.15, tolerance={"recovery": 0.2}))
    (claim,) = compared_runs(new, run(record()), "old.json").claims
    assert claim.comparison is not None
    assert claim.comparison.change is Change.UNCHANGED


@pytest.mark.trust
def test_runs_that_named_the_same_spec_differently_are_compared() -> None:
    old = run(record(spec="a.pp.yaml"))
    new = run(record(-0.15, spec="specs/a.pp.yaml"), record(id="b", spec="specs/b.pp.yaml"))
    assert changes(compared_runs(new, old, "old.json"))["mover"] is Change.REGRESSED


@pytest.mark.trust
def test_runs_without_a_claim_in_common_are_an_error_that_names_what_they_are_of() -> None:
    old, new = run(record(spec="a.pp.yaml")), run(record(spec="b.pp.yaml"))
    with pytest.raises(BaselineError, match=r"no claim in common: .* of a\.pp.* of b\.pp"):
        compared_runs(new, old, "old.json")


@pytest.mark.trust
def test_runs_with_other_seeds_are_an_error_that_says_which() -> None:
    with pytest.raises(BaselineError, match=r"old\.json has 0, the new run 7\. .*--ppcheck-seed=0"):
        compared_runs(run(record(seed=7)), run(record()), "old.json")


@pytest.mark.trust
def test_a_claim_that_held_and_was_looked_for_in_vain_is_no_longer_measured() -> None:
    lost = record(id="lost"), record(id="elsewhere", spec="specs/b.pp.yaml")
    old = run(record(spec="specs/a.pp.yaml"), lost[0], lost[1])
    new = run(record(spec="specs/a.pp.yaml"), paths=("specs",), asked={"a.pp.yaml": ("mover",)})
    found = compared_runs(new, old, "old.json")
    assert changes(found) == {
        "mover": Change.UNCHANGED,
        "lost": Change.NO_LONGER_MEASURED,
        "elsewhere": Change.NO_LONGER_MEASURED,
    }
    reasons = {claim.id: claim.reason for claim in found.claims if claim.reason}
    assert reasons == {
        "lost": "its spec no longer has it",
        "elsewhere": "its spec is no longer there",
    }
    assert [str(claim.outcome) for claim in found.claims] == ["passed", "error", "error"]
    assert left_out(new, old) == []


@pytest.mark.trust
def test_a_claim_of_a_spec_that_cannot_be_read_any_more_is_no_longer_measured() -> None:
    broken = record(id="spec", verdict=Verdict.ERROR, statistics={})
    old = run(record(), record(id="other", spec="b.pp.yaml"))
    found = compared_runs(run(broken, record(id="other", spec="b.pp.yaml")), old, "old.json")
    assert changes(found) == {
        "spec": None,
        "other": Change.UNCHANGED,
        "mover": Change.NO_LONGER_MEASURED,
    }


@pytest.mark.trust
@pytest.mark.parametrize("verdict", [Verdict.NOT_APPLICABLE, Verdict.ERROR])
def test_a_claim_that_held_and_has_no_figures_now_is_no_longer_measured(verdict: Verdict) -> None:
    new = run(record(verdict=verdict, statistics={}, reason="there is no tokenizer"))
    (claim,) = compared_runs(new, run(record()), "old.json").claims
    assert claim.comparison is not None
    assert claim.comparison.change is Change.NO_LONGER_MEASURED
    assert claim.comparison.reason == "there is no tokenizer"
    assert claim.outcome is Outcome.ERROR


def test_a_claim_that_was_not_asked_for_is_named_and_is_not_lost() -> None:
    old = run(record(), record(id="other"), record(id="elsewhere", spec="b.pp.yaml"))
    new = run(record(), asked={"a.pp.yaml": ("mover", "other")})
    assert changes(compared_runs(new, old, "old.json")) == {"mover": Change.UNCHANGED}
    assert left_out(new, old) == ["a.pp.yaml::other", "b.pp.yaml::elsewhere"]


def test_a_claim_that_did_not_hold_may_go() -> None:
    old = run(record(), record(id="gone", verdict=Verdict.FAILS))
    found = compared_runs(run(record()), old, "old.json")
    assert changes(found) == {"mover": Change.UNCHANGED, "gone": Change.GONE}
    assert [str(claim.outcome) for claim in found.claims] == ["passed", "skipped"]
