"""The study of docs/study.md once more, held to the figures in reports/smollm2/figures.json.

    python -m tests.real.study [--write]

`--write` keeps what was measured as the figures instead. On two cores it takes most of an hour, and
seconds where all is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.real.smollm2 import smollm2

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs" / "smollm2"
FIGURES = ROOT / "reports" / "smollm2" / "figures.json"
OUT = ROOT / "build" / "study"
BASE = ("points", "decisions", "circuits", "representation")
"""The specs about the base alone; `updates` is about the base and its adapters."""
ADAPTERS = (
    *(f"weighs/checkpoint-{step}" for step in range(15, 91, 15)),
    *("relearned/checkpoint-90", "cautious/checkpoint-60", "benign/seed-4"),
)
ROUNDING = 2e-3
"""Of a figure, or of 1 where that is more: other processors round otherwise."""


@dataclass(frozen=True)
class Figures:
    """What was measured of a claim on a model: its verdict, and an estimate for each statistic."""

    verdict: str
    estimates: Mapping[str, float]


Measured = dict[str, Figures]
"""By `model spec::claim`."""


def main(write: bool) -> int:
    model = str(smollm2())
    measured = {**_base(model), **_updates(model)}
    for line in _table(measured):
        _say(line)
    if write:
        _write(measured)
        return 0
    known = _read()
    faults = list(_differences(known, measured))
    for line in faults:
        _say(line)
    _say(f"{len(measured)} verdicts and their figures: {len(faults)} differ from {FIGURES.name}")
    return bool(faults)


def _base(model: str) -> Measured:
    """The four specs about the base, as one run."""
    record = OUT / "base.json"
    files = [str(SPECS / f"{name}.pp.yaml") for name in BASE]
    page = f"--ppcheck-report={OUT / 'page'}"
    _run("pytest", "-q", *files, f"--model={model}", f"--ppcheck-json={record}", page)
    return _figures(record, "base")


def _updates(model: str) -> Measured:
    """The spec about updates, as an audit."""
    folder = (SPECS / "adapters").relative_to(ROOT)
    models = [model, *(f"{model}+{folder / name}" for name in ADAPTERS)]
    given = [part for name in models for part in ("--model", name)]
    out = OUT / "audit"
    _run(
        "ppcheck", "audit", str(SPECS / "updates.pp.yaml"), *given, "--workers", "2", f"--out={out}"
    )
    listed = json.loads((out / "audit.json").read_text())["checkpoints"]
    found: Measured = {}
    for name, entry in zip(("base", *ADAPTERS), listed, strict=True):
        found |= _figures(out / "checkpoints" / f"{entry['file']}.json", name)
    return found


def _run(module: str, *arguments: str) -> None:
    """Claims that do not hold are results here; anything else that goes wrong ends the study."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{module} {' '.join(arguments)} ended with {done.returncode}")


def _figures(record: Path, model: str) -> Measured:
    claims = json.loads(record.read_text())["claims"]
    return {
        f"{model} {Path(claim['spec']).name}::{claim['id']}": Figures(
            claim["verdict"],
            {
                name: value["estimate"]
                for name, value in claim["statistics"].items()
                if value["estimate"] is not None
            },
        )
        for claim in claims
    }


def _table(measured: Measured) -> Iterator[str]:
    """A row for each model and spec: how many claims have which verdict."""
    rows: dict[str, Counter[str]] = {}
    for name, figures in measured.items():
        rows.setdefault(name.partition("::")[0], Counter())[figures.verdict] += 1
    for name, verdicts in rows.items():
        counted = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
        yield f"{name:50} {verdicts.total():3} claims: {counted}"


def _differences(known: Measured, measured: Measured) -> Iterator[str]:
    for name in sorted(known.keys() | measured.keys()):
        if name not in known or name not in measured:
            yield f"{name}: only {'measured' if name in measured else 'in the figures'}"
            continue
        before, now = known[name], measured[name]
        if before.verdict != now.verdict:
            yield f"{name}: {now.verdict}, and {before.verdict} in the figures"
        yield from _apart(name, before.estimates, now.estimates)


def _apart(name: str, before: Mapping[str, float], now: Mapping[str, float]) -> Iterator[str]:
    for statistic, figure in before.items():
        seen = now.get(statistic)
        if seen is None or abs(seen - figure) > ROUNDING * max(1.0, abs(figure)):
            yield f"{name}: {statistic} {seen}, and {figure} in the figures"


def _read() -> Measured:
    kept = json.loads(FIGURES.read_text())
    return {name: Figures(each["verdict"], each["estimates"]) for name, each in kept.items()}


def _write(measured: Measured) -> None:
    kept = {
        name: {
            "verdict": each.verdict,
            "estimates": {key: float(f"{value:.6g}") for key, value in each.estimates.items()},
        }
        for name, each in measured.items()
    }
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _arguments(given: Sequence[str]) -> bool:
    if set(given) - {"--write"}:
        sys.exit(__doc__)
    return "--write" in given


if __name__ == "__main__":
    sys.exit(main(_arguments(sys.argv[1:])))
