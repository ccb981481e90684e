"""One line for each checkpoint as it ends and, on a terminal, a bar below them."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

from ppcheck.record.audit import Checkpoint, Status
from ppcheck.report.claims import MARKS
from ppcheck.report.text import printable


@dataclass
class AuditProgress:
    """``total`` checkpoints, of which ``waiting`` are to be run."""

    total: int
    waiting: int
    started: float = field(default_factory=time.monotonic)
    ended: int = 0

    def __post_init__(self) -> None:
        from tqdm import tqdm

        kept = self.total - self.waiting
        if kept:
            sys.stdout.write(f"{kept} of {self.total} checkpoints are there already\n")
        self.bar = tqdm(
            total=self.total,
            initial=kept,
            bar_format="{bar:40} {n}/{total} checkpoints",
            disable=not sys.stderr.isatty(),
            leave=False,
        )

    def __call__(self, checkpoint: Checkpoint) -> None:
        """Say how one ended, and how long the others will take at this pace."""
        self.ended += 1
        left = self.waiting - self.ended
        place = f"[{self.total - left}/{self.total}]"
        pace = (time.monotonic() - self.started) / self.ended
        eta = (
            f"about {duration(left * pace)} left" if left else f"took {duration(pace * self.ended)}"
        )
        line = "  ".join([place, printable(checkpoint.label), _how(checkpoint), eta])
        self.bar.write(line, file=sys.stdout)
        self.bar.update()
        sys.stdout.flush()

    def close(self) -> None:
        """Take the bar away."""
        self.bar.close()


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _how(checkpoint: Checkpoint) -> str:
    if checkpoint.status is Status.MISSING:
        return f"missing: {printable(checkpoint.reason or '')}"
    counts = (f"{MARKS[verdict]} {count}" for verdict, count in checkpoint.tally.items())
    return f"{'  '.join(counts)}  in {duration(checkpoint.seconds)}"
