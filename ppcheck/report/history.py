"""What became of claims over runs: a line each, or a row for each run, or JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ppcheck.judge.verdict import Verdict
from ppcheck.record.course import Course, Mark, Point
from ppcheck.record.run import StatisticRecord
from ppcheck.report.claims import MARKS, with_interval
from ppcheck.report.terminal import COLOURS, WIDTH, console_of, trimmed
from ppcheck.report.text import counted, number, printable

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = "ppcheck.history/1"
_STEPS = "▁▂▃▄▅▆▇█"
_NOTHING = "·"


def sparkline(curve: Sequence[StatisticRecord | None]) -> str:
    """A character a run: its estimate on a scale from the lowest to the highest interval's end.

    What lies within the intervals therefore looks about level. A dot is a run without the value.
    """
    known = [one if one and math.isfinite(one.estimate) else None for one in curve]
    scale = [end for one in known if one for end in (one.low, one.estimate, one.high)]
    ends = [end for end in scale if end is not None and math.isfinite(end)]
    bottom, top = min(ends, default=0.0), max(ends, default=0.0)

    def step(estimate: float) -> str:
        share = (estimate - bottom) / (top - bottom) if top > bottom else 0.5
        return _STEPS[min(int(share * len(_STEPS)), len(_STEPS) - 1)]

    return "".join(step(one.estimate) if one else _NOTHING for one in known)


def overview(courses: Sequence[Course], *, colour: bool, width: int = WIDTH) -> str:
    """One line a claim on a model, grouped as a run's table is."""
    from rich.text import Text

    console = console_of(colour=colour, width=width)
    shown = [one for one in courses if _was_ever_applicable(one)]
    groups = groupby(sorted(shown, key=_place), key=lambda one: (one.key.model, one.key.spec))
    with console.capture() as captured:
        for (model, spec), group in groups:
            console.print(Text(f"{printable(spec)}  on {printable(model)}", style="bold"))
            console.print(_lines(list(group)))
        if left := len(courses) - len(shown):
            claims, it = ("claim was", "it") if left == 1 else ("claims were", "them")
            console.print(f"{left} {claims} never applicable; name {it} to see {it}")
    return trimmed(captured.get())


def runs(courses: Sequence[Course], *, colour: bool, width: int = WIDTH) -> str:
    """A row for each run of each claim, oldest first."""
    from rich.text import Text

    console = console_of(colour=colour, width=width)
    with console.capture() as captured:
        for one in sorted(courses, key=_place):
            title = f"{printable(one.key.spec)}::{printable(one.key.claim)}"
            console.print(Text(f"{title}  on {printable(one.key.model)}", style="bold"))
            console.print(Text(f"  {printable(one.points[-1].detail.says)}"))
            curve = f"{printable(one.name or 'no value')}  {sparkline(one.curve)}"
            console.print(Text(f"  {_since(one)}; {curve}"))
            if one.runs > len(one.points):
                console.print(Text(f"  the last {len(one.points)} of {one.runs} runs (--last N)"))
            console.print(_rows(one.points))
            console.print()
    return trimmed(captured.get())


def as_json(courses: Sequence[Course]) -> str:
    """All that the tables say, and the figures in full."""
    held = {"schema": SCHEMA, "claims": [_claim(one) for one in sorted(courses, key=_place)]}
    return json.dumps(held, indent=1) + "\n"


def added(claims: int, *, is_new: bool) -> str:
    """``14 claims added``."""
    return f"{counted(claims, 'claim')} added" if is_new else "the store has this run already"


def _place(one: Course) -> tuple[str, str, tuple[int, int]]:
    """By model and spec, and in the order in which the last run has the claims."""
    return one.key.model, one.key.spec, (-one.last.place[0], one.last.place[1])


def _was_ever_applicable(one: Course) -> bool:
    return one.last.verdict is not Verdict.NOT_APPLICABLE or one.streak < one.runs


def _lines(courses: Sequence[Course]) -> Table:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=1)
    grid.add_column(min_width=min(36, max(len(printable(one.key.claim)) for one in courses)))
    grid.add_column(min_width=20)
    grid.add_column(no_wrap=True)
    grid.add_column()
    for one in courses:
        colour = COLOURS[one.last.verdict]
        grid.add_row(
            Text(MARKS[one.last.verdict], style=colour),
            Text(printable(one.key.claim)),
            Text(_value(one), style="" if one.last.verdict is Verdict.HOLDS else colour),
            Text(sparkline(one.curve)),
            Text(_seen(one), style="bright_black"),
        )
    return grid


def _value(one: Course) -> str:
    """The last run's figure without its interval, or why there is none."""
    last = one.points[-1]
    if last.statistic is None:
        return printable(last.detail.reason or "", 60)
    return f"{printable(last.detail.shown or '')} {number(last.statistic.estimate)}"


def _seen(one: Course) -> str:
    """``since 2026-11-26 at 1a2b3c4, 3 of 5 runs, first 2026-11-20, last 2026-11-27``."""
    at = f" at {_short(one.since.commit)}" if one.since.commit else ""
    runs = counted(one.runs, "run")
    streak = f"{one.streak} of {runs}" if one.streak < one.runs else runs
    since, first, last = (f"{m.started:%Y-%m-%d}" for m in (one.since, one.first, one.last))
    others = {"first": first, "last": last}
    seen = "".join(f", {word} {day}" for word, day in others.items() if day != since)
    return f"since {since}{at}, {streak}{seen}"


def _rows(points: Sequence[Point]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bright_black")
    for heading in ("  when (UTC)", "commit", "model is", "verdict"):
        table.add_column(heading, no_wrap=True)
    table.add_column("measured", no_wrap=all(point.statistic for point in points))
    for heading in ("expected", "change"):
        table.add_column(heading)
    for point in points:
        verdict = point.mark.verdict
        statistic = point.statistic
        table.add_row(
            Text(f"  {_when(point.mark)}"),
            Text(_short(point.mark.commit)),
            Text(_which(point)),
            Text(f"{MARKS[verdict]} {verdict}", style=COLOURS[verdict]),
            Text(_measured(point)),
            Text(printable((statistic.bound if statistic else None) or "")),
            Text(_change(point)),
        )
    return table


def _measured(point: Point) -> str:
    """The figure that decided, or why there is none."""
    if point.statistic is None:
        return printable(point.detail.reason or "", 200)
    return f"{printable(point.detail.shown or '')} {with_interval(point.statistic)}"


def _change(point: Point) -> str:
    if point.change is None:
        return ""
    change = number(point.change)
    signed = "=" if point.change == 0 else change if point.change < 0 else f"+{change}"
    return f"{signed} ({point.otherwise})" if point.otherwise else signed


def _since(one: Course) -> str:
    """``holds since 2026-11-26 04:23 at 1a2b3c4: the last 3 of 5 runs``."""
    at = f" at {_short(one.since.commit)}" if one.since.commit else ""
    few = "" if one.streak == 1 else f" {one.streak}"
    last = f"the last{few} of " if one.streak < one.runs else ""
    return f"{one.last.verdict} since {_when(one.since)}{at}: {last}{counted(one.runs, 'run')}"


def _when(mark: Mark) -> str:
    return f"{mark.started:%Y-%m-%d %H:%M}"


def _short(commit: str | None) -> str:
    """``1a2b3c4``, with ``+dirty`` where it is."""
    if commit is None:
        return "-"
    name, plus, dirty = commit.partition("+")
    return printable(name[:7] + plus + dirty, 13)


def _which(point: Point) -> str:
    """The model's revision, or else the beginning of its weights' hash."""
    detail = point.detail
    return printable(detail.revision or (detail.weights_sha256 or "-")[:8], 20)


def _claim(one: Course) -> dict[str, Any]:
    return {
        "spec": one.key.spec,
        "id": one.key.claim,
        "model": one.key.model,
        "says": one.points[-1].detail.says,
        "verdict": str(one.last.verdict),
        "since": _mark(one.since),
        "streak": one.streak,
        "first": _mark(one.first),
        "last": _mark(one.last),
        "runs": one.runs,
        "statistic": one.name,
        "points": [_point(point) for point in one.points],
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {"started": mark.started.replace(tzinfo=UTC).isoformat(), "commit": mark.commit}


def _point(point: Point) -> dict[str, Any]:
    detail, statistic = point.detail, point.statistic
    fields = {"estimate", "low", "high", "n", "confidence", "method", "bound"}
    figures = {} if statistic is None else statistic.model_dump(mode="json", include=fields)
    return {
        **_mark(point.mark),
        "verdict": str(point.mark.verdict),
        "reason": detail.reason,
        "revision": detail.revision,
        "weights_sha256": detail.weights_sha256,
        "statistic": detail.shown,
        **figures,
        "change": point.change,
        "otherwise": point.otherwise,
    }
