"""How often intervals cover, claims without an effect get a verdict, and claims with one hold.

`make calibrate` runs it and writes docs/calibration.md and docs/calibration.json;
`make calibrate ONLY=missing` adds the claims that these lack.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from scipy.stats import binomtest

from ppcheck.judge.family import correct
from ppcheck.judge.interval import interval
from ppcheck.judge.sampling import Sampling
from ppcheck.judge.verdict import Verdict, samples
from ppcheck.spec.claim import Correction
from ppcheck.spec.expectations.bound import Bound
from tests.calibration.checks import STUDIES, Study
from tests.calibration.demo import populations
from tests.calibration.page import page
from tests.calibration.samples import CASES, Case

DOCS = Path(__file__).parents[2] / "docs"
UNITS = (10, 30, 100, 300)
GOAL = (0.93, 0.97)
GOAL_FROM = 30
ALARMS = 0.05


@dataclass(frozen=True)
class Size:
    """How much is simulated: trials of each kind, at how many units, on how much of the grid."""

    coverage: int
    alarms: int
    power: int
    units: tuple[int, ...] = UNITS
    verdict_units: tuple[int, ...] = (10, 30, 100)
    grid: int | None = None


FULL = Size(coverage=800, alarms=400, power=200)


def coverage(size: Size, which: tuple[str, int], n: int) -> list[dict[str, Any]]:
    """Intervals of one case at one number of units: how often each end misses the truth."""
    kind, number = which
    case = (CASES if kind == "simulated" else _demo(size.grid))[number]
    rng = _rng("coverage", kind, case.title, n)
    trials = size.coverage if n < 300 else size.coverage // 2
    found = [interval(case.make(rng, n), seed=0) for _ in range(trials)]
    slack = 1e-9 * max(1.0, abs(case.truth))
    above = sum(one.low > case.truth + slack for one in found)
    below = sum(one.high < case.truth - slack for one in found)
    row = {
        "kind": kind,
        "statistic": case.statistic,
        "data": case.data,
        "n": n,
        "truth": case.truth,
        "trials": trials,
        "coverage": 1 - (above + below) / trials,
        "too_high": above / trials,
        "too_low": below / trials,
        "width": float(np.median([one.high - one.low for one in found])),
        "methods": dict(sorted(Counter(str(one.method) for one in found).items())),
    }
    return [row]


@cache
def _demo(grid: int | None) -> list[Case]:
    return populations(grid)


def verdicts(size: Size, number: int, n: int, effect: float) -> list[dict[str, Any]]:
    """Claims of one check on data with an effect of this size, judged with every correction.

    Without an effect, how often any member gets a wrong verdict; with one, how often the member
    that has it holds.
    """
    study = STUDIES[number]
    rng = _rng("verdicts", study.check, effect, n)
    corrections: tuple[Correction, ...] = get_args(Correction) if study.family else ("max_t",)
    trials = size.power if effect else size.alarms
    counts = dict.fromkeys(corrections, 0)
    for _ in range(trials):
        trial = study.make(rng, n, effect)
        ((name, text),) = trial.expect.items()
        bound = Bound.parse(text)
        family = samples([one for one in trial.statistics if one.name == name], {name: bound}, 0)
        for correction in corrections:
            found = _judged(family, bound, trial.confidence, correction)
            counts[correction] += (
                found[-1] is Verdict.HOLDS if effect else not trial.wrong.isdisjoint(found)
            )
    return [_verdict_row(study, n, effect, trials, *counted) for counted in counts.items()]


def _judged(
    family: list[Sampling], bound: Bound, confidence: float, correction: Correction
) -> list[Verdict]:
    members = correct(family, [bound] * len(family), confidence, correction)
    return [Verdict(bound.verdict(*one.limits.at(one.confidence))) for one in members]


def _verdict_row(
    study: Study, n: int, effect: float, trials: int, correction: Correction, count: int
) -> dict[str, Any]:
    row = {
        "check": study.check,
        "correction": correction if study.family else None,
        "n": n,
        "trials": trials,
    }
    if effect:
        return {**row, "effect": effect, "power": count / trials}
    p = float(binomtest(count, trials, ALARMS, alternative="greater").pvalue)
    return {**row, "alarms": count / trials, "p": p}


def run(size: Size, workers: int) -> dict[str, Any]:
    """The study as it is written to docs/calibration.json; `workers` change no figure."""
    started = time.perf_counter()
    demo = [("demo", number) for number in range(len(_demo(size.grid)))]
    simulated = [("simulated", number) for number in range(len(CASES))]
    covered = [
        partial(coverage, size, which, n) for which in (*simulated, *demo) for n in size.units
    ]
    tasks = [*covered, *(partial(verdicts, size, *key) for key in _claims(size))]
    return _study(_all(tasks, workers), time.perf_counter() - started)


def complete(known: dict[str, Any], size: Size, workers: int) -> dict[str, Any]:
    """A study with the rows of claims that it lacks, and without those of claims that are no more.

    Its `seconds` become the sum of what all its parts took.
    """
    started = time.perf_counter()
    claims = {
        (STUDIES[number].check, n, effect): (number, n, effect)
        for number, n, effect in _claims(size)
    }
    kept = [row for part in ("alarms", "power") for row in known[part] if _claim(row) in claims]
    lacking = [claims[key] for key in claims.keys() - set(map(_claim, kept))]
    added = _all([partial(verdicts, size, *key) for key in sorted(lacking)], workers)
    order = list(claims)
    judged = sorted([*kept, *added], key=lambda row: order.index(_claim(row)))
    return _study([*known["coverage"], *judged], known["seconds"] + time.perf_counter() - started)


def _claims(size: Size) -> list[tuple[int, int, float]]:
    """Each study by number, number of units, and effect, in the order of the rows."""
    return [
        (number, n, effect)
        for number, study in enumerate(STUDIES)
        for effect in (0.0, *study.effects)
        for n in size.verdict_units
    ]


def _claim(row: dict[str, Any]) -> tuple[str, int, float]:
    return row["check"], row["n"], row.get("effect", 0.0)


def _study(rows: Sequence[dict[str, Any]], seconds: float) -> dict[str, Any]:
    parts = {
        "coverage": [row for row in rows if "coverage" in row],
        "alarms": [row for row in rows if "alarms" in row],
        "power": [row for row in rows if "power" in row],
    }
    return {
        "schema": "ppcheck.calibration/1",
        "goals": {"coverage": GOAL, "coverage_from": GOAL_FROM, "alarms": ALARMS},
        "seconds": round(seconds),
        **parts,
        "misses": misses(parts["coverage"], parts["alarms"]),
    }


def misses(
    covered: Iterable[dict[str, Any]], alarmed: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What does not meet the goals; alarms only where they are more than chance would give."""
    least, most = GOAL
    outside = [
        {
            "of": "coverage",
            **{key: row[key] for key in ("kind", "statistic", "data", "n", "coverage")},
        }
        for row in covered
        if row["n"] >= GOAL_FROM and not least <= round(row["coverage"], 4) <= most
    ]
    return outside + [
        {"of": "alarms", **{key: row[key] for key in ("check", "correction", "n", "alarms")}}
        for row in alarmed
        if row["p"] < 0.01
    ]


def _all(tasks: Sequence[Callable[[], list[dict[str, Any]]]], workers: int) -> list[dict[str, Any]]:
    if workers == 1:
        return [row for task in tasks for row in task()]
    with ProcessPoolExecutor(workers) as pool:
        parts = [pool.submit(task) for task in tasks]
        return [row for part in parts for row in part.result()]


def _rng(*key: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", action="store_true", help="only what the committed one lacks")
    written = DOCS / "calibration.json"
    if parser.parse_args().missing:
        known = json.loads(written.read_text(encoding="utf-8"))
        found = complete(known, FULL, workers=2)
    else:
        found = run(FULL, workers=2)
    text = json.dumps(found, indent=1) + "\n"
    written.write_text(text, encoding="utf-8")
    (DOCS / "calibration.md").write_text(page(json.loads(text)), encoding="utf-8")


if __name__ == "__main__":
    main()
