"""Run records read back from disk, also those that older versions wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ppcheck.errors import BaselineError
from ppcheck.judge.verdict import Verdict
from ppcheck.record.leading import statistic_of
from ppcheck.record.run import RunRecord
from ppcheck.record.versions import Format, Held, parsed


def read_run(path: Path) -> RunRecord:
    """The run record in a file.

    Raises BaselineError for a file that cannot be read, is not a run record or is of a later
    version.
    """
    return validated_run(read_held(path), path)


def read_held(path: Path) -> Any:
    """What a file holds, in whatever version. Raises BaselineError for what is not JSON."""
    try:
        return parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BaselineError(f"{path} is not a run record: {error}. {_WRITE}") from error


def validated_run(held: Any, path: Path) -> RunRecord:
    """The run record that the file ``path`` holds. Raises BaselineError."""
    current = FORMAT.current(held, path)
    try:
        record = RunRecord.model_validate(current)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BaselineError(f"{path} is damaged at {where}: {first['msg']}. {_WRITE}") from error

    for problem in _contradictions(record):
        raise BaselineError(f"{path} is damaged: {problem}. {_WRITE}")
    return record


def _contradictions(record: RunRecord) -> Iterator[str]:
    """What only an edited record says: a claim twice, or one that holds and a figure does not."""
    names = Counter((claim.spec, claim.id, claim.model) for claim in record.claims)
    for (spec, claim_id, model), count in names.items():
        if count > 1:
            yield f"{spec}::{claim_id} stands twice on {model}"
    for claim in record.claims:
        expected = [
            one.verdict
            for name, one in claim.statistics.items()
            if statistic_of(name) in claim.expect
        ]
        if claim.passes and not {Verdict.FAILS, Verdict.INCONCLUSIVE}.isdisjoint(expected):
            yield f"{claim.id} {claim.verdict}, and one of its statistics does not"


def _with_commit(held: Held) -> Held:
    """Version 2 names the commit, which version 1 did not know."""
    return held | {"schema": "ppcheck.run/2", "commit": None}


def _with_specs(held: Held) -> Held:
    """Version 3 has all claims of each spec that was read; here, those that were measured."""
    specs: dict[str, list[str]] = {}
    for claim in _listed(held.get("claims")):
        specs.setdefault(str(claim.get("spec")), []).append(str(claim.get("id")))
    ids = {name: list(dict.fromkeys(some)) for name, some in specs.items()}
    return held | {"schema": "ppcheck.run/3", "specs": ids}


def _listed(claims: Any) -> list[Held]:
    """The claims of a file that is still to be validated."""
    return [claim for claim in claims if isinstance(claim, dict)] if claims else []


_WRITE = "A run writes one with --ppcheck-json FILE"
FORMAT = Format("ppcheck.run", "run record", _WRITE, (_with_commit, _with_specs))
