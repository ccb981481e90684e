"""`ppcheck compare`: what changed from one recorded run to another."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ppcheck.cli.output import tell, wrote
from ppcheck.errors import BaselineError

REGRESSED = 10
"""The exit status where what was true is not known to be so now: pytest's end at 6."""
MOST_NAMED = 5


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "compare",
        help="say what changed from one recorded run to another",
        description=f"Exits with {REGRESSED} where a claim that held in OLD no longer holds, is no "
        "longer measured, or is worse by more than chance and its tolerance, with 0 where none is, "
        "with 1 where a file is not a record or cannot be written, or the two have no claim in "
        "common.",
    )
    parser.add_argument("old", type=Path, metavar="OLD.json")
    parser.add_argument("new", type=Path, metavar="NEW.json")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a summary, too")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the page, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ppcheck.judge.compare import WORSE
    from ppcheck.record.reading import read_run
    from ppcheck.record.runs import compared_runs, left_out
    from ppcheck.report.terminal import WIDTH, table

    try:
        old, new = read_run(options.old), read_run(options.new)
        found = compared_runs(new, old, str(options.old))
    except BaselineError as error:
        tell(error)
        return 1
    width = max(WIDTH, shutil.get_terminal_size().columns)
    sys.stdout.write(table(found.claims, colour=sys.stdout.isatty(), width=width))
    if names := left_out(new, old):
        tell(f"not asked for in {options.new}: {_some(names)}")
    is_written = True
    if options.markdown is not None:
        from ppcheck.report.markdown import markdown

        is_written &= wrote(options.markdown, lambda: markdown(found.claims))
    if options.out is not None:
        from ppcheck.report.html import run_page

        is_written &= wrote(options.out / "index.html", lambda: run_page(found))
    changes = {claim.comparison.change for claim in found.claims if claim.comparison is not None}
    if not changes.isdisjoint(WORSE):
        return REGRESSED
    return 0 if is_written else 1


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"
