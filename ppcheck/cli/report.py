"""`ppcheck report`: the page of a run that was recorded."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

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
    """Write the page; 1 where the file is no record of a run."""
    from ppcheck.record.files import write_whole
    from ppcheck.record.reading import read_run
    from ppcheck.report.html import page
    from ppcheck.report.text import printable

    try:
        recorded = read_run(options.record)
    except BaselineError as error:
        sys.stdout.write(f"{printable(str(error))}\n")
        return 1
    write_whole(options.out / "index.html", page(recorded))
    sys.stdout.write(f"report: {options.out / 'index.html'}\n")
    return 0
