"""`ppcheck compare`: what changed from one recorded run to another."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from ppcheck.cli.output import tell, wrote
from ppcheck.errors import BaselineError
from ppcheck.judge.compare import WORSE

REGRESSED = 10
"""The exit status where a claim regressed or no longer holds: none of pytest's, which end at 6."""


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "compare",
        help="say what changed from one recorded run to another",
        description=f"Exits with {REGRESSED} where a claim of NEW no longer holds, or is worse "
        "than in OLD by more than chance and its tolerance, with 0 where none is, with 1 where a "
        "file is no record or cannot be written.",
    )
    parser.add_argument("old", type=Path, metavar="OLD.json")
    parser.add_argument("new", type=Path, metavar="NEW.json")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a summary, too")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the page, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ppcheck.record.comparison import compared_runs
    from ppcheck.record.reading import read_run
    from ppcheck.report.gate import headline, tally_of_changes
    from ppcheck.report.terminal import WIDTH, table

    try:
        old, new = read_run(options.old), read_run(options.new)
    except BaselineError as error:
        tell(error)
        return 1
    found, gone = compared_runs(new, old, str(options.old))
    width = max(WIDTH, shutil.get_terminal_size().columns)
    sys.stdout.write(table(found.claims, colour=sys.stdout.isatty(), width=width))
    lines = [headline(found.claims), tally_of_changes(found.claims, str(options.old), gone)]
    if gone:
        lines.append(f"gone: {', '.join(gone)}")
    for line in lines:
        tell(line)
    is_written = True
    if options.markdown is not None:
        from ppcheck.report.markdown import markdown

        is_written &= wrote(options.markdown, lambda: markdown(found.claims, gone))
    if options.out is not None:
        from ppcheck.report.html import page

        is_written &= wrote(options.out / "index.html", lambda: page(found, gone))
    changes = {claim.comparison.change for claim in found.claims if claim.comparison is not None}
    if not changes.isdisjoint(WORSE):
        return REGRESSED
    return 0 if is_written else 1
