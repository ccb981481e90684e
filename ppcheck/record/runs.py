"""One recorded run against an earlier one, claim by claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from ppcheck.errors import BaselineError
from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.comparison import compared, lost, n_comparisons, was_or_is_measured
from ppcheck.record.examine import UNREADABLE
from ppcheck.record.naming import paired_specs
from ppcheck.record.run import ClaimRecord, Outcome, RunRecord, outcome_of

_Place = tuple[str, str, str]


def compared_runs(new: RunRecord, old: RunRecord, name: str) -> RunRecord:
    """The new run, each claim with its comparison, and with the claims that it should have.

    Claims are paired by spec, id and model; where each run has one model, these two are paired.
    ``name`` is what the old run is called. Raises BaselineError where the runs have no claim, or no
    seed, in common.
    """
    _check_seeds(new, old, name)
    names = paired_specs(_ids(new), _ids(old))
    one_each = len(new.models) <= 1 and len(old.models) <= 1
    then = {
        _place(claim, claim.spec, one_model=one_each): claim
        for claim in old.claims
        if claim.id != UNREADABLE
    }
    now = [
        (claim, _place(claim, names.get(claim.spec, claim.spec), one_model=one_each))
        for claim in new.claims
    ]
    comparisons = n_comparisons({str(place): claim for place, claim in then.items()})
    claims = [_compared(claim, then, place, name, comparisons) for claim, place in now]
    left = {place: then[place] for place in then if place not in {place for _, place in now}}
    if then and len(left) == len(then):
        raise BaselineError(
            f"the runs have no claim in common: the {len(then)} claims of {name} are of "
            f"{_some(_ids(old))}, the {len(claims)} of the new run of {_some(_ids(new))}"
        )
    model = next(iter(new.models), "")
    claims += _missing(left, new, {was: one for one, was in names.items()}, name, model)
    return new.model_copy(update={"claims": tuple(claims)})


def _check_seeds(new: RunRecord, old: RunRecord, name: str) -> None:
    then, now = ({claim.seed for claim in run.claims if claim.is_measured} for run in (old, new))
    if then and now and then.isdisjoint(now):
        raise BaselineError(
            f"the runs have no seed in common, so that nothing can be compared: {name} has "
            f"{min(then)}, the new run {min(now)}. Measure again with --ppcheck-seed={min(then)}"
        )


def left_out(new: RunRecord, old: RunRecord) -> list[str]:
    """The old claims that the new run did not ask for, by spec and id."""
    names = {was: one for one, was in paired_specs(_ids(new), _ids(old)).items()}
    known = {(claim.spec, claim.id) for claim in new.claims}
    return [
        f"{claim.spec}::{claim.id}"
        for claim in old.claims
        if (names.get(claim.spec, claim.spec), claim.id) not in known
        and _reason(claim, new, names) is None
    ]


def _compared(
    claim: ClaimRecord,
    then: Mapping[_Place, ClaimRecord],
    place: _Place,
    name: str,
    comparisons: int,
) -> ClaimRecord:
    if not was_or_is_measured(claim, then.get(place)):
        return claim.model_copy(update={"comparison": None})
    found = compared(
        claim, then.get(place), name, tolerance=claim.tolerance, comparisons=comparisons
    )
    judged = claim.model_copy(update={"comparison": found})
    lenient = claim.outcome is Outcome.XFAILED
    return judged.model_copy(update={"outcome": outcome_of(judged, lenient=lenient)})


def _missing(
    left: Mapping[_Place, ClaimRecord],
    new: RunRecord,
    names: Mapping[str, str],
    name: str,
    model: str,
) -> Iterator[ClaimRecord]:
    """The claims of ``left`` that the new run looked for in vain."""
    for claim in left.values():
        reason = _reason(claim, new, names)
        if reason is None:
            continue
        judged = ClaimRecord(
            id=claim.id,
            spec=names.get(claim.spec, claim.spec),
            line=claim.line,
            check=claim.check,
            family=claim.family,
            model=claim.model if claim.model in new.models else model,
            verdict=Verdict.NOT_APPLICABLE,
            says=claim.says,
            expect=claim.expect,
            reason=reason,
            comparison=lost(claim, name, reason, Change.GONE),
        )
        yield judged.model_copy(update={"outcome": outcome_of(judged)})


def _reason(claim: ClaimRecord, new: RunRecord, names: Mapping[str, str]) -> str | None:
    """Why an old claim is not among the new ones; None where it was not asked for."""
    spec = names.get(claim.spec, claim.spec)
    if spec in new.specs:
        ids = new.specs[spec]
        if UNREADABLE in ids:
            return "its spec can no longer be read"
        return None if claim.id in ids else "its spec no longer has it"
    if any(PurePosixPath(spec).is_relative_to(path) for path in new.paths):
        return "its spec is no longer there"
    return None


def _ids(run: RunRecord) -> dict[str, tuple[str, ...]]:
    ids = {name: tuple(known) for name, known in run.specs.items()}
    for claim in run.claims:
        ids[claim.spec] = (*ids.get(claim.spec, ()), claim.id)
    return ids


def _place(claim: ClaimRecord, spec: str, *, one_model: bool) -> _Place:
    return spec, claim.id, "" if one_model else claim.model


def _some(specs: Mapping[str, object]) -> str:
    names = list(specs)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more specs" if len(names) > 3 else "")
