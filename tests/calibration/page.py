"""The calibration study as a document: every figure in it is one of the study's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Rows = Sequence[dict[str, Any]]

INTRODUCTION = """\
# Calibration

What ppcheck's statistics promise, and what they keep. `make calibrate` simulates it again and
writes this page and [calibration.json](calibration.json), which has every figure in full; nothing
here is typed by hand. [statistics.md](statistics.md) describes the methods. It took {minutes}
minutes on two cores, the rows that `make calibrate ONLY=missing` added to it included.

An interval of 95 % should cover the truth in 95 % of samples. The goal is {least} to {most} from
{start} units on; **bold** figures miss it. Each figure is from {trials:,} samples (half as many at
300 units), and has a standard error of {error:.1f} points.

## Coverage on simulated data

Units are drawn from a distribution whose statistic is known. Percent of intervals that cover it.

"""
DEMO = """
## Coverage on the demo model

The statistics of claims on all prompts of the grid of `specs/demo/mechanism.pp.yaml` are the truth;
n of the grid's units are drawn with replacement, and the interval from them should cover it.

"""
ALARMS = """
## False alarms

Data as each check would measure them on a model without the effect, judged as a claim whose bound
lies at the value that no effect has. Any verdict, holds or fails, of any member of a family is a
false alarm; for equivalence and invariance a change on the edge of what is allowed must not hold.
The goal is at most {most:.0f} %. Percent of {trials:,} claims; **bold** figures exceed the goal by
more than chance (p < 0.01). A neuron, or who plays a role, is the best of many, chosen on one half
of the units and judged on the other: with 10 units that is 5. A handover is in the layer after the
one that is claimed, in which the two ends are equal: only a claim that holds is false there. Where
no correction stands, several members are judged by max-T.

"""
POWER = """
## Power

Percent of {trials:,} claims in which the member that has the effect is found to have it. Effects
are in the units of the check's data: standard deviations of units, and of examples within them, for
choice (in log-odds), contrast, ablate and neuron; the whole change over the doses, for curves with
noise of 1; the share of the gap, for patch, flow and localisation; probability, for attention; the
share of what is needed, for role; the share of draws, for property; and for equivalence and
invariance how far the change lies within the edge.

"""
MISSES = """
## What misses its goal

"""
REASONS = {
    "localisation: largest_share, a tie": "Each half of the units says whose effect is taken of "
    "the other half. Where two sites are equal, both name the same one just when its effects are "
    "high, so that the share varies 1.28 times as much as its interval allows for (the root of "
    "1 + 2 / pi). Where one site is ahead there is no choice, and no such error.",
    "mean of correlations": "Most units agree, and the exact interval allows for some that do not.",
    "proportion": "Counts are whole numbers: near 0 and 1 no interval has just 95 %.",
    "AUROC": "Resamples of few units of a class are coarse, and the wider of two ends is taken.",
}


def page(found: dict[str, Any]) -> str:
    covered = found["coverage"]
    least, most = found["goals"]["coverage"]
    trials = max(row["trials"] for row in covered)
    parts = [
        INTRODUCTION.format(
            minutes=max(1, round(found["seconds"] / 60)),
            least=f"{100 * least:.0f}",
            most=f"{100 * most:.0f} %",
            start=found["goals"]["coverage_from"],
            trials=trials,
            error=100 * (0.95 * 0.05 / trials) ** 0.5,
        ),
        _covered([row for row in covered if row["kind"] == "simulated"], found),
        DEMO,
        _covered([row for row in covered if row["kind"] == "demo"], found),
        ALARMS.format(
            most=100 * found["goals"]["alarms"],
            trials=max(row["trials"] for row in found["alarms"]),
        ),
        _alarmed(found["alarms"]),
        POWER.format(trials=max(row["trials"] for row in found["power"])),
        _powered(found["power"]),
        MISSES,
        *(f"- {line}\n" for line in _missed(found["misses"])),
    ]
    return "".join(parts)


def _covered(rows: Rows, found: dict[str, Any]) -> str:
    missed = [miss for miss in found["misses"] if miss["of"] == "coverage"]

    def cell(row: dict[str, Any]) -> str:
        figure = f"{100 * row['coverage']:.1f}"
        bold = any(
            all(row[key] == miss[key] for key in ("statistic", "data", "n")) for miss in missed
        )
        return f"**{figure}**" if bold else figure

    methods = {
        (row["statistic"], row["data"]): ", ".join(row["methods"])
        for row in rows
        if row["n"] == max(other["n"] for other in rows)
    }
    return _table(
        rows,
        ("statistic", "data"),
        lambda row: f"n = {row['n']}",
        cell,
        methods,
        "method at the most",
    )


def _alarmed(rows: Rows) -> str:
    def cell(row: dict[str, Any]) -> str:
        figure = f"{100 * row['alarms']:.1f}"
        return f"**{figure}**" if row["p"] < 0.01 else figure

    return _table(rows, ("check", "correction"), lambda row: f"n = {row['n']}", cell)


def _powered(rows: Rows) -> str:
    return _table(
        rows,
        ("check", "correction", "effect"),
        lambda row: f"n = {row['n']}",
        lambda row: f"{100 * row['power']:.0f}",
    )


def _table(
    rows: Rows,
    keys: tuple[str, ...],
    column: Any,
    cell: Any,
    last: dict[tuple[str, str], str] | None = None,
    last_title: str = "",
) -> str:
    columns = list(dict.fromkeys(column(row) for row in rows))
    cells: dict[tuple[Any, ...], dict[str, str]] = {}
    for row in rows:
        cells.setdefault(tuple(row[key] for key in keys), {})[column(row)] = cell(row)
    titles = [*keys, *columns, *([last_title] if last else [])]
    lines = [
        _line(titles),
        _line(["---"] * len(keys) + ["---:"] * len(columns) + ["---"] * bool(last)),
    ]
    for key, found in cells.items():
        ends = [last[key[0], key[1]]] if last else []
        lines.append(_line([*map(_shown, key), *(found[name] for name in columns), *ends]))
    return "".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _missed(found: Rows) -> list[str]:
    lines = []
    for miss in found:
        if miss["of"] == "alarms":
            how = f" ({miss['correction']})" if miss["correction"] else ""
            alarms = f"{100 * miss['alarms']:.1f} % false alarms."
            reason = REASONS.get(miss["check"], "")
            lines.append(f"{miss['check']}{how}, n = {miss['n']}: {alarms} {reason}".rstrip())
            continue
        side = "wider than need be" if miss["coverage"] > 0.95 else "too narrow"
        reason = REASONS.get(miss["statistic"], "") if miss["coverage"] > 0.95 else ""
        lines.append(
            f"{miss['statistic']}, {miss['data']}, n = {miss['n']}: "
            f"{100 * miss['coverage']:.1f} %, {side}. {reason}".rstrip()
        )
    return lines or ["Nothing."]
