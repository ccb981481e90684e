"""`ppcheck history`: runs are added to a store, and claims shown over the runs in it."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.cli.options import positive
from ppcheck.cli.output import tell
from ppcheck.errors import BaselineError, HistoryError
from ppcheck.record.store_url import DEFAULT_STORE, EXAMPLES, store_url

if TYPE_CHECKING:
    from ppcheck.record.database import Database

_LAST = 20


def add(commands: Any) -> None:
    parser = commands.add_parser("history", help="show claims over runs, commits and models")
    actions = parser.add_subparsers(dest="action", required=True)
    adding = actions.add_parser(
        "add",
        help="add recorded runs to the store",
        description="Adds runs that were recorded with --ppcheck-json. One that the store has "
        "already changes nothing.",
    )
    adding.add_argument("records", nargs="+", type=Path, metavar="RECORD.json")
    adding.set_defaults(run=run_add)
    showing = actions.add_parser(
        "show",
        help="show what became of claims",
        description="Without a claim: a line for each, with its last verdict and since when it "
        "has it. With one: a row for each run.",
    )
    showing.add_argument(
        "claim",
        nargs="?",
        metavar="CLAIM",
        help="an id or SPEC::ID, a glob over these, or a part of one",
    )
    showing.add_argument("--model", metavar="MODEL", help="on this model alone, or those of a glob")
    showing.add_argument("--statistic", metavar="NAME", help="show it instead of what decided")
    showing.add_argument(
        "--last", type=positive, default=_LAST, metavar="N", help="runs (default: %(default)s)"
    )
    showing.add_argument("--json", action="store_true", help="print JSON")
    showing.set_defaults(run=run_show)
    for action in (adding, showing):
        action.add_argument(
            "--store",
            type=_url,
            default=DEFAULT_STORE,
            metavar="URL",
            help=f"where runs are kept: {EXAMPLES} (default: %(default)s)",
        )


def run_add(options: argparse.Namespace) -> int:
    """Add each record; 1 where one cannot be read, or the store not be reached."""
    from ppcheck.record.database import Database

    try:
        database = Database(options.store, Path(), create=True)
    except HistoryError as error:
        return _refused(error)
    return max([_add(database, path) for path in options.records])


def run_show(options: argparse.Namespace) -> int:
    """Print what is asked for; 1 where there is no such claim, or no store."""
    from ppcheck.record.database import Database
    from ppcheck.record.history import Wanted, courses
    from ppcheck.report.history import as_json, overview, runs
    from ppcheck.report.terminal import WIDTH

    wanted = Wanted(options.claim, options.model, options.statistic)
    try:
        found = courses(Database(options.store, Path()), wanted, options.last)
    except HistoryError as error:
        return _refused(error)
    if options.json:
        sys.stdout.write(as_json(found))
        return 0
    told = overview if options.claim is None else runs
    width = max(WIDTH, shutil.get_terminal_size().columns)
    sys.stdout.write(told(found, colour=sys.stdout.isatty(), width=width))
    return 0


def _add(database: Database, path: Path) -> int:
    from ppcheck.record.history import add as keep
    from ppcheck.record.history import identity
    from ppcheck.record.reading import read_held, validated_run
    from ppcheck.report.claims import deciding
    from ppcheck.report.history import added

    try:
        held = read_held(path)
        run = validated_run(held, path)
        is_new = keep(database, run, identity(held), deciding)
    except BaselineError as error:
        return _refused(error)
    except HistoryError as error:
        return _refused(HistoryError(f"{path} was not added: {error}"))
    tell(f"{path}: {added(len(run.claims), is_new=is_new)}")
    return 0


def _refused(error: Exception) -> int:
    tell(error)
    return 1


def _url(text: str) -> str:
    try:
        return store_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
