"""The `ppcheck` command: `validate`, `plan`, `report` on a record, print the `schema`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ppcheck.errors import PpcheckError, SpecError
from ppcheck.spec.load import Spec
from ppcheck.subject.settings import DTYPES, STANDARD, Budget, Settings

if TYPE_CHECKING:
    from ppcheck.measure.check import Check
    from ppcheck.subject.memo import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, or 1 where a spec or model is not valid or there is none."""
    parser = argparse.ArgumentParser(prog="ppcheck", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    validate = commands.add_parser("validate", help="check specs without a model")
    validate.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="spec or folder")
    planned = commands.add_parser(
        "plan", help="say what a run would measure, and how long it takes"
    )
    planned.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="spec or folder")
    _add_options(planned)
    reported = commands.add_parser("report", help="write the page of a run that was recorded")
    reported.add_argument("record", type=Path, metavar="RECORD.json")
    reported.add_argument(
        "--out",
        type=Path,
        default=Path("reports/html"),
        metavar="DIR",
        help="(default: %(default)s)",
    )
    commands.add_parser("schema", help="print the JSON Schema of specs")
    options = parser.parse_args(arguments)
    if options.command == "schema":
        return _schema()
    if options.command == "plan":
        return _plan(options)
    if options.command == "report":
        return _report(options.record, options.out)
    valid = [_is_valid(path) for path in options.paths]
    return 0 if all(valid) else 1


def _add_options(parser: argparse.ArgumentParser) -> None:
    """Those of pytest that change what a plan says, by the same names."""
    parser.add_argument("--model", "--ppcheck-model", action="append", help="(default: demo)")
    parser.add_argument("--ppcheck-revision", dest="revision", metavar="REVISION")
    parser.add_argument("--ppcheck-seed", dest="seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--ppcheck-memory", dest="memory", type=_budget, default=STANDARD.memory, metavar="SIZE"
    )
    parser.add_argument("--ppcheck-dtype", dest="dtype", choices=DTYPES, default=STANDARD.dtype)
    parser.add_argument(
        "--ppcheck-device", dest="device", default=STANDARD.device, metavar="DEVICE"
    )
    parser.add_argument("--ppcheck-allow-pickle", dest="allow_pickle", action="store_true")
    parser.add_argument("--ppcheck-no-cache", dest="no_cache", action="store_true")


def _budget(text: str) -> Budget:
    try:
        return Budget.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _schema() -> int:
    from ppcheck.measure.registry import schema_text

    sys.stdout.write(schema_text())
    return 0


def _report(record: Path, folder: Path) -> int:
    """Write the page; 1 where the file is no record of a run."""
    from pydantic import ValidationError

    from ppcheck.record.files import write_whole
    from ppcheck.record.run import RunRecord
    from ppcheck.report.html import page
    from ppcheck.report.text import printable

    try:
        run = RunRecord.model_validate_json(record.read_bytes())
    except (OSError, ValidationError) as error:
        cause = printable(str(error).split("\n  For further")[0])
        sys.stdout.write(f"{record} is no record of a run (--ppcheck-json writes one): {cause}\n")
        return 1
    write_whole(folder / "index.html", page(run))
    sys.stdout.write(f"report: {folder / 'index.html'}\n")
    return 0


def _is_valid(path: Path) -> bool:
    specs = _specs(path)
    if not specs:
        sys.stdout.write(f"{path}: there is no spec (*.pp.yaml) in this folder\n")
        return False
    valid = [_is_valid_spec(spec) for spec in specs]
    return all(valid)


def _specs(path: Path) -> list[Path]:
    return sorted(path.rglob("*.pp.yaml")) if path.is_dir() else [path]


def _is_valid_spec(path: Path) -> bool:
    from ppcheck.measure.registry import CHECKS
    from ppcheck.spec.load import load_spec

    try:
        spec = load_spec(path, CHECKS)
    except SpecError as error:
        sys.stdout.write(f"{error}\n")
        return False
    problems = dict.fromkeys(_problems(spec))
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    if not problems:
        for warning in _warnings(spec):
            sys.stdout.write(f"{path}:{warning}\n")
        sys.stdout.write(f"{path}: {len(spec.entries)} claims, no problem\n")
    return not problems


def _warnings(spec: Spec) -> Iterator[str]:
    """Claims that no model can decide, because they have too few independent units."""
    from ppcheck.judge.interval import MIN_UNITS

    for entry in spec.entries:
        if entry.claim is None or entry.grid is None:
            continue
        wanted = MIN_UNITS * (2 if getattr(entry.claim, "top", None) else 1)
        units = len({prompt.unit for prompt in entry.grid.select(entry.claim.on)})
        if units < wanted:
            yield (
                f"{entry.line}: warning: {entry.id} has {units} independent units and needs "
                f"{wanted} to be decided: give more words to {', '.join(entry.grid.unit_names)}"
            )


def _problems(spec: Spec) -> Iterator[str]:
    """What is wrong with each claim, its prompts and pairs expanded."""
    for entry in spec.entries:
        try:
            if entry.error is not None:
                raise entry.error
            if entry.claim is not None and entry.grid is not None:
                entry.claim.expand(entry.grid)
        except SpecError as error:
            placed = error if error.path else SpecError(error.message, spec.path, entry.line)
            yield str(placed)


def _plan(options: argparse.Namespace) -> int:
    """Print the plan of every model; 1 where a spec is not valid or a model cannot be loaded."""
    try:
        specs = [spec for path in options.paths for spec in _sound(path)]
        for model in options.model or ["demo"]:
            sys.stdout.write(_planned(specs, model, options))
    except PpcheckError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    return 0


def _sound(path: Path) -> list[Spec]:
    """The spec, or the folder's; raises SpecError for the first problem with any claim."""
    from ppcheck.measure.registry import CHECKS
    from ppcheck.spec.load import load_spec

    specs = [load_spec(spec, CHECKS) for spec in _specs(path)]
    if not specs:
        raise SpecError("there is no spec (*.pp.yaml) in this folder", path)
    for entry in (entry for spec in specs for entry in spec.entries):
        if entry.error is not None:
            raise entry.error
    return specs


def _planned(specs: Sequence[Spec], model: str, options: argparse.Namespace) -> str:
    from ppcheck.measure.plan import plan
    from ppcheck.report.plan import plan_text
    from ppcheck.subject.load import load, resolve
    from ppcheck.subject.memo import Memory

    ref = resolve(model, options.revision)
    settings = Settings(options.dtype, options.device, options.memory, options.allow_pickle)
    store = Memory() if options.no_cache else _store(options.paths[0])
    claims = {
        f"{spec.path.name}::{entry.id}": (cast("Check", entry.claim), entry.grid)
        for spec in specs
        if spec.is_about(*ref.names)
        for entry in spec.entries
        if entry.claim is not None and entry.grid is not None
    }
    return plan_text(plan(load(ref, settings), claims, store, options.seed))


def _store(path: Path) -> Store:
    """What pytest's cache holds: that of the nearest folder around the spec which has one."""
    from ppcheck.record.cache import Disk
    from ppcheck.subject.memo import Memory

    for folder in (path.resolve(), *path.resolve().parents):
        kept = folder / ".pytest_cache" / "d" / "ppcheck"
        if kept.is_dir():
            return Disk(kept)
    return Memory()
