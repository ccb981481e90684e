"""Baselines: what was true of a model that was good, kept in git and compared with by itself.

Two files: the baseline, JSON that reads well in a diff, and beside it `FILE.units.npz` with what
the comparison needs of each independent unit, a few kilobytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ppcheck.errors import BaselineError
from ppcheck.judge.verdict import Verdict
from ppcheck.record.files import write_whole
from ppcheck.record.run import ClaimRecord
from ppcheck.record.versions import Format

_DIGITS = 6
_CLAIM = {
    *("id", "spec", "line", "check", "family", "says", "verdict", "expect", "fingerprint", "seed"),
    "statistics",
}
_FACTS = ("prompts_sha256", "units", "kept", "looked_at", "players", "identity")
_STATISTIC = {"estimate", "low", "high", "n", "confidence", "method", "family", "bound", "verdict"}


@dataclass(frozen=True)
class Baseline:
    """Claims by key (``specs/a.pp.yaml::claim``), measured on ``model``."""

    model: Mapping[str, Any]
    claims: Mapping[str, ClaimRecord]


def key(record: ClaimRecord) -> str:
    """What a claim is called in every run, whatever the model."""
    return f"{record.spec}::{record.id}"


def blessed(
    before: Baseline | None,
    records: Mapping[str, ClaimRecord],
    model: Mapping[str, Any],
    gone: Collection[str] = (),
) -> Baseline:
    """The baseline with what was measured now, and without what is ``gone`` from the specs.

    What was not measured stays as it was.
    """
    measured = {
        name: record
        for name, record in records.items()
        if record.verdict not in (Verdict.ERROR, Verdict.NOT_APPLICABLE)
    }
    kept = {name: old for name, old in before.claims.items() if name not in gone} if before else {}
    return Baseline(model, kept | measured)


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

    Raises BaselineError for a file that is no baseline, is of a later version, or whose units are
    missing or are not those that were written with it.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BaselineError(f"{path} is no baseline: {error}. {_AGAIN}") from error
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
    return Baseline(held.get("model", {}), claims)


_AGAIN = "Write it anew with --ppcheck-bless, or restore it from git"
FORMAT = Format("ppcheck.baseline", "baseline", _AGAIN)


def _sidecar(path: Path, digest: str) -> Path:
    return path.with_name(f"{path.name}.{digest[:12]}.npz")


def _trimmed(record: ClaimRecord) -> dict[str, Any]:
    claim = record.model_dump(mode="json", include=_CLAIM)
    claim["facts"] = {name: record.facts[name] for name in _FACTS if name in record.facts}
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
    """Every expected statistic's pseudo-values; the same numbers give the same bytes."""
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
        allow_pickle=False,
    )
    return stream.getvalue()


def _claims(held: Mapping[str, Any], data: bytes) -> dict[str, ClaimRecord]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        parts = np.split(arrays["units"], np.cumsum(arrays["sizes"])[:-1])
        units = dict(zip(arrays["names"].tolist(), parts, strict=True))
    claims = {}
    for name, claim in held.items():
        for statistic, one in claim["statistics"].items():
            found = units[f"{name}\n{statistic}"].tolist()
            one["units"] = [value if math.isfinite(value) else None for value in found]
            one.setdefault("low", None)
            one.setdefault("high", None)
        claims[name] = ClaimRecord.model_validate({**claim, "model": ""})
    return claims
