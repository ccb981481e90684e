"""A run as one page that works from disk: no network, nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ppcheck.record.run import ClaimRecord, RunRecord
from ppcheck.report.claims import MARKS, cautions, slow_models
from ppcheck.report.embedding import COMPACT, embedded, environment
from ppcheck.report.evidence import examples, figures, row
from ppcheck.report.map.drawn import pictures_of
from ppcheck.report.pictures import Json, moved_from_to
from ppcheck.report.summary import Summary, rank, summary
from ppcheck.report.text import printable

LARGEST = 5_800_000
"""Bytes that a page may have. Examples and pictures are left out where they would not fit."""
MOST_MOVES = 8
_CRAMPED = 20_000
"""Bytes below which there is no room for the pictures of any claim."""
_SCRIPT = "app.js"


def run_page(run: RunRecord) -> str:
    """The page.

    Every text of a spec, a prompt or a model goes through `printable`, is escaped where it stands
    in the page, and is put in place as text. Only the page's own two scripts may run (CSP).
    """
    template = environment().get_template("index.html.jinja")
    fields = {"view": _View(run), **embedded(["page"], _SCRIPT)}
    bare = len(template.render(**fields, evidence=[]).encode())
    return template.render(**fields, evidence=_evidence(run.claims, LARGEST - bare))


@dataclass(frozen=True)
class _View:
    """What the template asks of a run."""

    run: RunRecord

    @cached_property
    def claims(self) -> tuple[ClaimRecord, ...]:
        return self.run.claims

    @property
    def title(self) -> str:
        return ", ".join(map(printable, dict.fromkeys(c.model for c in self.claims)))

    @cached_property
    def summary(self) -> Summary:
        return summary(self.claims)

    @property
    def state(self) -> str:
        """The worst verdict, which gives the page its mark."""
        return str(self.summary.state)

    @property
    def mark(self) -> str:
        return self.summary.mark

    @property
    def verdict(self) -> str:
        """What one sentence says of the run."""
        return self.summary.sentence

    @property
    def tally(self) -> str:
        return f"{self.summary.tally} ({self.summary.outcomes})"

    @property
    def baseline(self) -> str | None:
        names = [claim.comparison.baseline for claim in self.claims if claim.comparison]
        return printable(names[0]) if names else None

    @property
    def changes(self) -> str | None:
        """``behaviour unchanged, mechanism moved``, without the details."""
        return self.summary.sides.partition(": ")[0] if self.summary.sides else None

    @property
    def broke(self) -> str | None:
        """The details: what lost most, and who leads now."""
        return (self.summary.sides or "").partition(": ")[2] or None

    @property
    def moves(self) -> list[tuple[str, str, str]]:
        """From whom to whom and in which claims, roles first; those of most claims come first."""
        found: dict[tuple[str, str], list[str]] = {}
        for claim in sorted(self.claims, key=lambda claim: claim.check != "role"):
            if pair := moved_from_to(claim):
                found.setdefault((pair[0], pair[1]), []).append(printable(claim.id))
        order = sorted(found.items(), key=lambda item: -len(item[1]))
        return [(*pair, _first(names)) for pair, names in order[:MOST_MOVES]]

    @property
    def changed(self) -> str | None:
        return self.summary.changes

    @property
    def remarks(self) -> list[str]:
        return [*slow_models(self.claims), *cautions(self.claims)]

    @property
    def models(self) -> list[Json]:
        known = self.run.models or {self.title: self.run.model}
        return [_model(label, info) for label, info in known.items()]

    @property
    def when(self) -> str:
        return f"{self.run.started} · {self.run.seconds:,.0f} s"

    @cached_property
    def data(self) -> Json:
        rows = [row(claim) for claim in self.claims]
        return {"claims": rows, "marks": _marks(), "map": pictures_of(self.claims)}


def _marks() -> dict[str, str]:
    return {str(verdict): mark for verdict, mark in MARKS.items()}


def _first(names: Sequence[str]) -> str:
    """``pain-mover and 4 more``."""
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _model(label: str, info: dict[str, Any]) -> Json:
    parameters, versions = info.get("parameters"), info.get("versions") or {}
    fields = [
        ("architecture", info.get("architecture")),
        ("parameters", f"{parameters:,}" if isinstance(parameters, int) else None),
        ("weights", str(info.get("weights_sha256", ""))[:12]),
        ("quantised as", info.get("quantisation")),
        ("base", info.get("base")),
        ("adapter", info.get("adapter")),
        ("precision", info.get("dtype")),
        ("device", info.get("device")),
        ("versions", ", ".join(f"{name} {number}" for name, number in versions.items())),
    ]
    rows = [(name, printable(str(value))) for name, value in fields if value]
    return {"label": printable(label), "rows": rows}


def _evidence(claims: Sequence[ClaimRecord], room: int) -> list[Json]:
    """Figures of every claim; examples and pictures of the most urgent for which there is room."""
    found = [figures(claim) for claim in claims]
    room -= sum(map(_size, found))
    for place in sorted(range(len(claims)), key=lambda place: rank(claims[place])):
        if room < _CRAMPED:
            break
        more = examples(claims[place])
        size = _size(more)
        if size <= room:
            found[place] |= more
            room -= size
    return found


def _size(part: Json) -> int:
    """Bytes in the page, as the template writes it, with the element around it."""
    from jinja2.utils import htmlsafe_json_dumps

    return len(htmlsafe_json_dumps(part, **COMPACT).encode()) + 80
