"""`ppcheck audit`: the same specs on many checkpoints, to one matrix."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.cli.options import add_run_options
from ppcheck.cli.specs import found
from ppcheck.errors import AuditError

if TYPE_CHECKING:
    from ppcheck.audit.folder import Folder
    from ppcheck.audit.plan import Plan

STOPPED = 130
"""The exit status of what was interrupted, as a shell has it."""


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "audit",
        help="run specs on many checkpoints, and write one matrix of claims by checkpoints",
        description="Names expand: {a..b}, {a..b:step}, {x,y,z}. Quote them. What an earlier audit "
        "in the same folder has run is kept. Exits with 0 where every checkpoint was run, whatever "
        "the verdicts, with 1 where one could not be.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="spec or folder")
    parser.add_argument(
        "--model",
        "--ppcheck-model",
        action="append",
        metavar="MODEL",
        help="demo, demo@REVISION, a Hugging Face directory or a hub name; a pattern stands for "
        "several, and it may be given several times (default: demo)",
    )
    parser.add_argument(
        "--revisions",
        metavar="REVISIONS",
        help="revisions of each model, as patterns with commas between them",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reports/audit"),
        metavar="DIR",
        help="(default: %(default)s)",
    )
    parser.add_argument("--workers", type=_positive, default=1, metavar="N", help="at a time")
    parser.add_argument(
        "--pages", action="store_true", help="write the page of each checkpoint's run, too"
    )
    add_run_options(parser)
    parser.set_defaults(run=lambda options: run(options, parser))


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the audit; 0, 1 or, where it was interrupted, 130."""
    from ppcheck.audit.folder import Folder

    plan = _planned(options, parser)
    folder = Folder(options.out)
    try:
        with folder.locked():
            return _audited(options, plan, folder)
    except AuditError as error:
        sys.stdout.write(f"{error}\n")
        return 1


def _planned(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Plan:
    """What is asked for. Ends with argparse's status where it cannot be meant."""
    from ppcheck.audit.plan import Settings, labels, plan

    specs = [spec for path in options.paths for spec in found(path)]
    for path in options.paths:
        if not path.exists():
            parser.error(f"there is no {path}")
    if not specs:
        parser.error(f"there is no spec (*.pp.yaml) in {', '.join(map(str, options.paths))}")
    try:
        names = labels(options.model or ["demo"], options.revisions)
    except AuditError as error:
        parser.error(str(error))
    settings = Settings(
        seed=options.seed,
        dtype=options.dtype,
        device=options.device or "cpu",
        memory=options.memory,
        allow_pickle=options.allow_pickle,
        no_cache=options.no_cache,
    )
    return plan(specs, names, settings)


def _audited(options: argparse.Namespace, plan: Plan, folder: Folder) -> int:
    from ppcheck.audit.auditor import Auditor
    from ppcheck.audit.local import Local
    from ppcheck.audit.progress import Progress
    from ppcheck.record.audit import Status
    from ppcheck.report.matrix_terminal import matrix

    auditor = Auditor(plan, folder, pages=options.pages)
    waiting = auditor.take_up()
    progress = Progress(len(plan.checkpoints), len(waiting))
    try:
        auditor.run(Local(plan, folder, options.workers), waiting, progress)
    except KeyboardInterrupt:
        sys.stdout.write("stopped; the same command goes on from here\n")
        return STOPPED
    record = auditor.record()
    width = max(110, shutil.get_terminal_size().columns)
    sys.stdout.write(matrix(record, colour=sys.stdout.isatty(), width=width))
    sys.stdout.write(f"audit: {folder.path / 'audit.json'}\nreport: {folder.path / 'index.html'}\n")
    return 1 if record.at(Status.MISSING) else 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number
