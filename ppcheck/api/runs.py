"""What a run gives: its records, as a table, as a data frame, in a file, against another run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

    from ppcheck.record.run import ClaimRecord, RunRecord

Place = str | os.PathLike[str]
"""The path of a file or a folder."""


@dataclass(frozen=True, repr=False)
class Run:
    """The records of a run's claims, in the order of models, specs and claims.

    ``run[0]`` is the first claim's record and ``run["pain-mover"]`` that of the claim with this id.
    """

    record: RunRecord

    @property
    def claims(self) -> tuple[ClaimRecord, ...]:
        return self.record.claims

    @property
    def passes(self) -> bool:
        """Whether pytest would pass: every claim that is applicable holds, and none is worse."""
        from ppcheck.report.summary import is_broken

        return not any(map(is_broken, self.claims))

    @property
    def worse(self) -> tuple[ClaimRecord, ...]:
        """After `compare`: the claims that held before, or were better, or were still measured."""
        from ppcheck.judge.compare import WORSE

        return tuple(c for c in self.claims if c.comparison and c.comparison.change in WORSE)

    def to_pandas(self, by: Literal["claim", "statistic"] = "claim") -> pd.DataFrame:
        """A row for each claim, with the statistic that decided it, or for each statistic.

        Raises ImportError where pandas is not installed.
        """
        from ppcheck.report.frame import claims_frame, statistics_frame

        if by not in ("claim", "statistic"):
            raise ValueError(f"by={by!r}: rows are by 'claim' or by 'statistic'")
        return claims_frame(self.claims) if by == "claim" else statistics_frame(self.claims)

    def save(self, path: Place) -> None:
        """Write the record as JSON, which `load_record` and the `ppcheck` command read."""
        from ppcheck.record.files import write_whole

        write_whole(Path(path), self.record.to_json())

    def __len__(self) -> int:
        return len(self.claims)

    def __iter__(self) -> Iterator[ClaimRecord]:
        return iter(self.claims)

    def __getitem__(self, which: int | str) -> ClaimRecord:
        from ppcheck.spec.grammar import suggest

        if isinstance(which, int):
            return self.claims[which]
        named = [claim for claim in self.claims if claim.id == which]
        if len(named) == 1:
            return named[0]
        if named:
            where = ", ".join(f"{claim.spec} on {claim.model}" for claim in named[:4])
            raise KeyError(f"{len(named)} claims are called {which!r}: {where}")
        raise KeyError(f"no claim is called {which!r}: {suggest(which, [c.id for c in self])}")

    def __repr__(self) -> str:
        from ppcheck.report.terminal import WIDTH, table

        width = max(WIDTH, shutil.get_terminal_size().columns)
        return table(self.claims, colour=False, width=width).rstrip()

    def _repr_html_(self) -> str:
        from ppcheck.report.notebook import notebook

        return notebook(self.claims)


def load_record(path: Place) -> Run:
    """Read a run that `Run.save` or ``--ppcheck-json`` wrote. Raises BaselineError."""
    from ppcheck.record.reading import read_run

    return Run(read_run(Path(path)))


def compare(old: Run | Place, new: Run | Place) -> Run:
    """The new run, each claim with what has become of it since the old one.

    Raises BaselineError where a file is not a run record, or the runs have no claim or no seed in
    common.
    """
    from ppcheck.record.runs import compared_runs

    then, now = (each if isinstance(each, Run) else load_record(each) for each in (old, new))
    name = ", ".join(then.record.models) if isinstance(old, Run) else os.fspath(old)
    return Run(compared_runs(now.record, then.record, name))
