"""`ppcheck report`: the page of a run that was recorded."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ppcheck.cli.output import tell, wrote
from ppcheck.errors import BaselineError


def add(commands: Any) -> None:
    parser = commands.add_parser("report", help="write the page of a run that was recorded")
    parser.add_argument("record", type=Path, metavar="RECORD.json")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reports/html"),
        metavar="DIR",
        help="(default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the page; 1 where the file is not a run record, or the page cannot be written."""
    from ppcheck.record.reading import read_run
    from ppcheck.report.html import run_page

    try:
        recorded = read_run(options.record)
    except BaselineError as error:
        tell(error)
        return 1
    if not wrote(file := options.out / "index.html", lambda: run_page(recorded)):
        return 1
    tell(f"report: {file}")
    return 0
