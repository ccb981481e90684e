"""`ppcheck plan`: what a run would measure, and how long that takes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ppcheck.cli.options import add_run_options
from ppcheck.cli.output import tell
from ppcheck.errors import PpcheckError
from ppcheck.subject.model.settings import STANDARD, Budget, Settings

if TYPE_CHECKING:
    from ppcheck.measure.core.check import Check
    from ppcheck.spec.load import Spec
    from ppcheck.subject.store import Store


def add(commands: Any) -> None:
    parser = commands.add_parser("plan", help="say what a run would measure, and how long it takes")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="spec or folder")
    _add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the plan of every model; 1 where a spec is not valid or a model cannot be loaded."""
    from ppcheck.cli.specs import sound

    try:
        specs = [spec for path in options.paths for spec in sound(path)]
        for model in options.model or ["demo"]:
            sys.stdout.write(_planned(specs, model, options))
    except PpcheckError as error:
        tell(error)
        return 1
    return 0


def _add_options(parser: argparse.ArgumentParser) -> None:
    """Those of pytest that change what a plan says, by the same names."""
    parser.add_argument("--model", "--ppcheck-model", action="append", help="(default: demo)")
    parser.add_argument("--ppcheck-revision", dest="revision", metavar="REVISION")
    add_run_options(parser)


def _planned(specs: Sequence[Spec], model: str, options: argparse.Namespace) -> str:
    from ppcheck.measure.plan import plan
    from ppcheck.report.plan import plan_text
    from ppcheck.subject.load import load, resolve
    from ppcheck.subject.store import Memory

    ref = resolve(model, options.revision)
    memory = Budget.parse(options.memory) if options.memory else STANDARD.memory
    device = options.device or STANDARD.device
    settings = Settings(options.dtype, device, memory, options.allow_pickle)
    store = Memory() if options.no_cache else _store(options.paths[0])
    claims = {
        f"{spec.path.name}::{entry.id}": (cast("Check", entry.claim), entry.grid)
        for spec in specs
        if spec.is_about(*ref.names)
        for entry in spec.entries
        if entry.claim is not None and entry.grid is not None
    }
    return plan_text(plan(load(ref, settings, store), claims, store, options.seed))


def _store(path: Path) -> Store:
    """What pytest's cache holds: that of the nearest folder around the spec which has one."""
    from ppcheck.record.cache import Disk
    from ppcheck.subject.store import Memory

    for folder in (path.resolve(), *path.resolve().parents):
        kept = folder / ".pytest_cache" / "d" / "ppcheck"
        if kept.is_dir():
            return Disk(kept)
    return Memory()
