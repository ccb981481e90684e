"""Baselines: what was true of a model that was good, kept in git and compared with by itself.

Two files: the baseline, JSON that reads well in a diff, and beside it `FILE.DIGEST.npz` with what
the comparison needs of each independent unit, and with what was drawn, a few kilobytes. Specs are
named from the folder that the baseline lies in, so that it says which file is meant wherever pytest
is started.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ppcheck.errors import BaselineError
from ppcheck.judge.verdict import Verdict
from ppcheck.record.drawn import from_bytes, to_bytes
from ppcheck.record.files import write_whole
from ppcheck.record.leading import NAMED
from ppcheck.record.naming import common_parts, name_from
from ppcheck.record.run import ClaimRecord
from ppcheck.record.versions import Format, Held, parsed

_DIGITS = 6
_CLAIM = {
    *("id", "spec", "line", "check", "family", "says", "verdict", "expect", "fingerprint", "seed"),
    *("measures", "statistics"),
}
_FACTS = ("prompts_sha256", "units", "kept", "looked_at", "set", "players", "identity")
_STATISTIC = {
    *("estimate", "low", "high", "n", "confidence", "method", "family", "bound", "verdict"),
    "rounding",
}


@dataclass(frozen=True)
class Baseline:
    """Claims by key (``specs/a.pp.yaml::claim``), measured on ``model``.

    Specs are named from ``folder``.
    """

    model: Mapping[str, Any]
    claims: Mapping[str, ClaimRecord]
    folder: Path = field(default_factory=Path)

    def name_of(self, spec: Path, ids: Collection[str]) -> str:
        """What the baseline calls a spec that has claims with these ids.

        Where the file that it names is not there, as after the baseline was moved and in baselines
        of earlier versions, it is the one of which the path agrees best, if one does.
        """
        own = name_from(self.folder, spec)
        if own in self.specs:
            return own
        fits = {
            name: (common_parts(name, spec.resolve()), len(known.intersection(ids)))
            for name, known in self.specs.items()
            if not (self.folder / name).exists()
        }
        fits = {name: fit for name, fit in fits.items() if all(fit)}
        best = [name for name, fit in fits.items() if fit == max(fits.values())]
        return best[0] if len(best) == 1 else own

    @cached_property
    def specs(self) -> Mapping[str, frozenset[str]]:
        """The ids of each spec's claims."""
        found: dict[str, set[str]] = {}
        for record in self.claims.values():
            found.setdefault(record.spec, set()).add(record.id)
        return {name: frozenset(ids) for name, ids in found.items()}


@dataclass(frozen=True)
class LocatedClaim:
    """A claim of this run, the file that it stands in, and the ids of all claims there."""

    record: ClaimRecord
    path: Path
    ids: tuple[str, ...]


def key(spec: str, claim: str) -> str:
    """What a claim is called in a baseline, whatever the model."""
    return f"{spec}::{claim}"


def blessed(
    before: Baseline | None, run: Sequence[LocatedClaim], model: Mapping[str, Any], folder: Path
) -> Baseline:
    """The baseline with what was measured now, and without what its spec no longer has.

    What is not applicable now was blessed away; a claim that ended in an error, and one that this
    run did not ask for, stays as it was.
    """
    kept = {} if before is None else dict(before.claims)
    for one in run:
        own = name_from(folder, one.path)
        if before is not None:
            was = before.name_of(one.path, one.ids)
            kept = _renamed(kept, was, own)
        name = key(own, one.record.id)
        if one.record.verdict is Verdict.NOT_APPLICABLE:
            kept.pop(name, None)
        elif one.record.verdict is not Verdict.ERROR:
            kept[name] = one.record.model_copy(update={"spec": own})
    return Baseline(model, kept, folder)


def _renamed(claims: dict[str, ClaimRecord], was: str, now: str) -> dict[str, ClaimRecord]:
    if was == now:
        return claims
    return {
        key(now, record.id) if record.spec == was else name: record.model_copy(
            update={"spec": now if record.spec == was else record.spec}
        )
        for name, record in claims.items()
    }


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write both files, each whole or not at all. The units go first: one refers to the other."""
    units = _packed(baseline)
    digest = hashlib.sha256(units).hexdigest()
    held = {
        "schema": FORMAT.schema,
        "model": dict(baseline.model),
        "units_sha256": digest,
        "claims": {name: _trimmed(baseline.claims[name]) for name in sorted(baseline.claims)},
    }
    write_whole(_sidecar(path, digest), units)
    write_whole(path, json.dumps(held, indent=1, ensure_ascii=False) + "\n")
    for old in path.parent.glob(f"{path.name}.*.npz"):
        if old != _sidecar(path, digest):
            old.unlink(missing_ok=True)


def read_baseline(path: Path) -> Baseline | None:
    """The baseline, or None where there is no file.

    Raises BaselineError for a file that is not a baseline, is of a later version, or whose units
    are missing or are not those that were written with it.
    """
    try:
        held = parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BaselineError(f"{path} is not a baseline: {error}. {_AGAIN}") from error
    held = FORMAT.current(held, path)
    sidecar = _sidecar(path, str(held.get("units_sha256")))
    try:
        data = sidecar.read_bytes()
    except OSError as error:
        raise BaselineError(
            f"{path} needs {sidecar.name}, which cannot be read: commit both. {_AGAIN}"
        ) from error
    if hashlib.sha256(data).hexdigest() != held["units_sha256"]:
        raise BaselineError(f"{sidecar} is not what was written with {path.name}. {_AGAIN}")
    try:
        claims = _claims(held["claims"], data)
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        cause = str(error).split("\n")[0]
        raise BaselineError(f"{path} is damaged: {cause}. {_AGAIN}") from error
    return Baseline(held.get("model", {}), claims, path.parent)


def _from_its_folder(held: Held) -> Held:
    """Version 2 names specs from its folder; where version 1 did, `Baseline.name_of` finds out."""
    return held | {"schema": "ppcheck.baseline/2"}


_AGAIN = "Write it again with --ppcheck-bless, or restore it from git"
FORMAT = Format("ppcheck.baseline", "baseline", _AGAIN, (_from_its_folder,))


def _sidecar(path: Path, digest: str) -> Path:
    return path.with_name(f"{path.name}.{digest[:12]}.npz")


def _trimmed(record: ClaimRecord) -> dict[str, Any]:
    claim = record.model_dump(mode="json", include=_CLAIM)
    facts = record.facts.model_dump(mode="json")
    claim["facts"] = {name: facts[name] for name in _FACTS if name in facts}
    if record.facts.ranking:
        claim["facts"]["ranking"] = facts["ranking"][:NAMED]
    claim["statistics"] = {
        name: {
            field: _rounded(value)
            for field, value in one.model_dump(mode="json", include=_STATISTIC).items()
            if value is not None
        }
        for name, one in sorted(record.statistics.items())
        if one.bound is not None
    }
    return claim


def _rounded(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _packed(baseline: Baseline) -> bytes:
    """Every expected statistic's pseudo-values, and drawings; the same numbers, the same bytes."""
    arrays = {
        f"{name}\n{statistic}": np.array(one.units, dtype=np.float64)
        for name, record in sorted(baseline.claims.items())
        for statistic, one in sorted(record.statistics.items())
        if one.bound is not None
    }
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        names=np.array(list(arrays), dtype=np.str_),
        sizes=np.array([len(array) for array in arrays.values()], dtype=np.int64),
        units=np.concatenate([*arrays.values(), np.array([])]),
        drawn=to_bytes({name: record.facts for name, record in baseline.claims.items()}),
        allow_pickle=False,
    )
    return stream.getvalue()


def _claims(held: Mapping[str, Any], data: bytes) -> dict[str, ClaimRecord]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        parts = np.split(arrays["units"], np.cumsum(arrays["sizes"])[:-1])
        units = dict(zip(arrays["names"].tolist(), parts, strict=True))
        # Baselines of earlier versions keep nothing that was drawn.
        drawn = from_bytes(arrays["drawn"]) if "drawn" in arrays else {}
    claims = {}
    for name, claim in held.items():
        for statistic, one in claim["statistics"].items():
            found = units[f"{name}\n{statistic}"].tolist()
            one["units"] = [value if math.isfinite(value) else None for value in found]
            one.setdefault("low", None)
            one.setdefault("high", None)
        facts = claim["facts"] | drawn.get(name, {})
        claims[name] = ClaimRecord.model_validate({**claim, "facts": facts, "model": ""})
    return claims
