"""Runs made up for the page's tests: every verdict, every picture, hostile texts, many claims."""

from __future__ import annotations

import math
from typing import Any

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import (
    ClaimRecord,
    ComparedStatistic,
    Comparison,
    Example,
    RunRecord,
    StatisticRecord,
)

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "\u202egnirts deppilf",
    "{{ 7 * 7 }} %{x} & \"quoted\" 'so' `so` | a",
    "<b>bold</b><a href='javascript:alert(1)'>x</a>",
    "=HYPERLINK(1)\u2028next\ud800",
)
HEADS = {
    "rows": [f"L{layer}" for layer in range(4)],
    "columns": [f"H{head}" for head in range(4)],
    "values": [[0.1 * layer - 0.05 * head for head in range(4)] for layer in range(4)],
}


def statistic(verdict: Verdict | None = Verdict.HOLDS, **changes: Any) -> StatisticRecord:
    fields: dict[str, Any] = {
        "estimate": 0.4,
        "low": 0.35,
        "high": None,
        "n": 40,
        "confidence": 0.95,
        "method": "studentised",
        "family": 1,
        "bound": ">= 0.3",
        "verdict": verdict,
        "n_opposite": 3,
        "values": tuple(0.4 + 0.3 * math.sin(n) for n in range(400)),
        "worst": (Example(text="choose A for [pain → light]", value=0.1),),
    }
    return StatisticRecord(**fields | changes)


def claim(verdict: Verdict = Verdict.HOLDS, **changes: Any) -> ClaimRecord:
    fields: dict[str, Any] = {
        "id": f"claim-{verdict}".replace(" ", "-"),
        "spec": "specs/a.pp.yaml",
        "line": 3,
        "check": "patch",
        "family": "patching",
        "model": "demo",
        "verdict": verdict,
        "says": f"This claim {verdict}.",
        "on": "game",
        "expect": {"recovery": ">= 0.3"},
        "statistics": {"recovery": statistic(verdict)} if verdict in JUDGED else {},
        "facts": {"prompts": 400, "units": 40},
        "reason": None if verdict in JUDGED else f"specs/a.pp.yaml:3: it is {verdict}",
    }
    return ClaimRecord(**fields | changes)


JUDGED = (Verdict.HOLDS, Verdict.FAILS, Verdict.INCONCLUSIVE)


def difference(change: Change) -> Comparison:
    one = ComparedStatistic(
        change=change,
        old=0.6,
        new=0.4,
        difference=-0.2,
        low=-0.25,
        high=-0.15,
        n=40,
        confidence=0.999,
        tolerance=0.05,
    )
    return Comparison(
        change=change, baseline="good.json", verdict=Verdict.HOLDS, statistics={"recovery": one}
    )


def pictured() -> list[ClaimRecord]:
    """A claim for each kind of picture."""
    points = [0.0, 1.0, 2.0, 3.0]
    band = {"x": points, "x_label": "dose", "y": [0.9, 0.7, 0.4, 0.1]}
    band |= {"low": [0.8, 0.6, 0.3, 0.0], "high": [1.0, 0.8, 0.5, 0.2]}
    flow = {"maps": {"recovery of p(a) in resid_post": HEADS}, "from": "H0", "to": "H3"}
    groups = {"pain": [0.1 * n for n in range(30)], "neutral": [-0.1 * n for n in range(30)]}
    pattern = {"head": "L1H1", "from": "final", "tokens": ["so", " choose"], "weights": [0.2, 0.8]}
    skill = {
        f"auroc in resid_post{control}": {"x": [0, 1, 2, 3], "x_label": "layer", "y": [0.5] * 4}
        for control in ("", ", words alone", ", shuffled labels")
    }
    known = {"prompts": 400, "units": 40}
    return [
        claim(id="heads", facts=known | {"maps": {"recovery": HEADS}, "kept": ["L1H1"]}),
        claim(id="dose", facts=known | {"curves": {"p(a) by dose": band}}),
        claim(id="flow", check="flow", facts=known | flow),
        claim(id="neuron", facts=known | {"separations": {"L0N4": groups}}),
        claim(id="pattern", facts=known | {"patterns": [pattern]}),
        claim(id="probe", facts=known | {"curves": skill}),
        claim(
            id="neurons", facts=known | {"effects": {f"L0N{number}": number for number in range(9)}}
        ),
    ]


def written(prompt: str, reply: str, count: int) -> dict[str, Any]:
    return {"prompt": prompt, "reply": reply, "count": count}


def replied() -> ClaimRecord:
    """A claim about what was written, one reply of it in two lines."""
    replies = {
        "three": {"count": 39, "shown": [written("so choose", "3", 38), written("hm", "a 3", 1)]},
        "other": {"count": 1, "shown": [written("so choose", "<b>no</b>\nnone", 1)]},
    }
    return claim(
        id="replies", check="reply", facts={"prompts": 40, "units": 40} | {"replies": replies}
    )


def hostile() -> list[ClaimRecord]:
    """Claims whose every text tries to be more than text."""
    return [
        claim(
            verdict,
            id=text,
            says=text,
            spec=f"specs/{text}.pp.yaml",
            model=text,
            check=text,
            on=text,
            source=text,
            notes=(text,),
            statistics={text: statistic(verdict, worst=(Example(text=text, value=1.0),))},
            facts={
                "units": 40,
                "prompts": 400,
                text: text,
                "replies": {text: {"count": 1, "shown": [written(text, text, 1)]}},
                "maps": {text: HEADS | {"rows": [f"{text}{row}" for row in range(4)]}},
                "curves": {text: {"x": [1, 2], "x_label": text, "y": [1, 2], "y_label": text}},
                "separations": {text: {text: [1.0, 2.0], "b": [2.0, 1.0]}},
                "patterns": [{"head": text, "from": text, "tokens": [text], "weights": [1.0]}],
            },
            comparison=difference(Change.REGRESSED).model_copy(
                update={"baseline": text, "moved": (text, text)}
            ),
        )
        for verdict in (Verdict.FAILS, Verdict.HOLDS)
        for text in HOSTILE
    ]


def many(number: int) -> list[ClaimRecord]:
    """As many claims, each with a map, a long family and its examples."""
    verdicts = [Verdict.HOLDS] * 7 + [Verdict.FAILS, Verdict.INCONCLUSIVE, Verdict.ERROR]
    return [
        claim(
            verdicts[n % 10],
            id=f"claim-{n}",
            line=n,
            spec=f"specs/{n % 20}.pp.yaml",
            facts={"prompts": 400, "units": 40, "maps": {"recovery": HEADS}},
        )
        for n in range(number)
    ]


def run(claims: list[ClaimRecord]) -> RunRecord:
    model = {"name": claims[0].model, "parameters": 214400, "weights_sha256": "6b26d43f" * 8}
    return RunRecord(
        started="2026-11-25T22:00:00+00:00",
        seconds=12.0,
        peak_memory_mb=100.0,
        model=model,
        models={claims[0].model: model},
        claims=tuple(claims),
    )
