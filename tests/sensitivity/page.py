"""The sensitivity study as tables and as a document: every figure is one of the study's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]

INTRODUCTION = """\
# Sensitivity of the gate

What the gate says of changes that mean nothing, and of changes that break something. `make
sensitivity` measures it again and writes this page and [sensitivity.json](sensitivity.json), which
names for every run each claim that spoke; nothing here is typed by hand. It took {minutes} minutes
on two cores that did other work, too.

The baseline is the demo model on the {claims} claims of the specs `behaviour`, `heads-and-neurons`,
`mechanism` and `roles` of `specs/demo`. Each run below changes the model, or the prompts, measures
all claims again, and compares them with the baseline as `--ppcheck-baseline` does. A claim speaks
where it regressed, moved, or passed before and does not now.

"""
ALARMS = """
## Changes that mean nothing

A false alarm is a run in which any claim speaks. The gate promises at most 5 % of runs on the same
prompts (its intervals are simultaneous over all expectations); the tolerance of a tenth comes on
top.

- *Rounding to bfloat16 and back*: of all weights, and of a random half of the tensors.
- *Weight noise*: each weight is multiplied by 1 + {noise} times a standard normal number.
- *Other prompts*: the demo itself on the units of `half: explore`, of which another sample is drawn
  each time. The gate calls these not comparable with the baseline, so that only a claim that no
  longer holds is an alarm here.

"""
PLANTED = """
## Changes that break something

A change is caught where a claim *about the very part* speaks; what other claims say is not counted.

- *A head's output scaled*: by 0, 1/4, 1/2 or -1, of the three heads whose output claims name.
- *Two heads swapped*: the model computes the same as before. Every pair of which claims name one.
- *A layer's attention blurred*: its scores are multiplied by a factor; 0 looks everywhere alike.
- *A neuron cluster zeroed*: neurons that claims have found never fire.
- *A sign flipped in the unembedding*: of the rows of `A`, of `B` or of both, whole or in part.

"""


def page(found: dict[str, Any]) -> str:
    from tests.sensitivity.changes import NOISE

    quiet, harmful = _split(found)
    parts = [
        INTRODUCTION.format(minutes=round(found["seconds"] / 60), claims=found["claims"]),
        ALARMS.format(noise=NOISE).lstrip(),
        *_table(("change", "runs", "false alarms"), _alarms(quiet)),
        PLANTED,
        *_table(("change", "runs", "caught", "by how many claims about it"), _caught(harmful)),
        *_missed(quiet, harmful),
    ]
    return "".join(parts).rstrip() + "\n"


def tables(found: dict[str, Any]) -> str:
    """Both, for a terminal."""
    quiet, harmful = _split(found)
    return "".join(
        [
            *_table(("change that means nothing", "runs", "false alarms"), _alarms(quiet)),
            "\n",
            *_table(("change that breaks something", "runs", "caught", "by"), _caught(harmful)),
        ]
    )


def _split(found: dict[str, Any]) -> tuple[list[Row], list[Row]]:
    rows = found["rows"]
    return [row for row in rows if not row["about"]], [row for row in rows if row["about"]]


def _alarms(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    return [
        (name, str(len(some)), str(sum(bool(_told(row)) for row in some)))
        for name, some in _sorts(rows)
    ]


def _caught(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, some in _sorts(rows):
        counts = [len(_told(row) & set(row["about"])) for row in some]
        shares = [count / len(row["about"]) for count, row in zip(counts, some, strict=True)]
        share = f"{100 * sum(shares) / len(shares):.0f} %"
        found.append((name, str(len(some)), str(sum(map(bool, counts))), share))
    return found


def _sorts(rows: Sequence[Row]) -> Iterable[tuple[str, list[Row]]]:
    """The rows of each sort, and of all."""
    for sort in dict.fromkeys(row["sort"] for row in rows):
        yield sort, [row for row in rows if row["sort"] == sort]
    yield "all", list(rows)


def _told(row: Row) -> set[str]:
    return {*row["regressed"], *row["moved"], *row["broken"]}


def _missed(quiet: Sequence[Row], harmful: Sequence[Row]) -> list[str]:
    lines = [
        f"- false alarm: {row['sort']}, {row['name']}: {', '.join(sorted(_told(row)))}\n"
        for row in quiet
        if _told(row)
    ]
    lines += [
        f"- missed: {row['sort']}, {row['name']}; claims about it: {', '.join(row['about'])}\n"
        for row in harmful
        if not _told(row) & set(row["about"])
    ]
    return ["\n## What went wrong\n\n", *(lines or ["Nothing did.\n"])]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return [f"| {' | '.join(line)} |\n" for line in lines]
