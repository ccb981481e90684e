"""`ppcheck audit`: the same specs on many checkpoints, to one matrix."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.cli.options import add_run_options, positive
from ppcheck.cli.output import tell
from ppcheck.errors import AuditError
from ppcheck.spec.files import found

if TYPE_CHECKING:
    from ppcheck.audit.folder import Folder
    from ppcheck.audit.job import Executor
    from ppcheck.audit.plan import AuditPlan

_OF_RAY = ("address", "gpus", "retries")
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
    _add_checkpoints(parser)
    out, workers = "(default: %(default)s)", "checkpoints at a time on this machine (default: 1)"
    parser.add_argument("--out", type=Path, default=Path("reports/audit"), metavar="DIR", help=out)
    parser.add_argument("--workers", type=positive, metavar="N", help=workers)
    parser.add_argument(
        "--pages", action="store_true", help="write the page of each checkpoint's run, too"
    )
    _add_cluster(parser.add_argument_group("on a Ray cluster (pip install 'ppcheck[ray]')"))
    add_run_options(parser)
    parser.set_defaults(run=lambda options: run(options, parser))


def _add_checkpoints(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        "--ppcheck-model",
        action="append",
        metavar="MODEL",
        help="demo, demo@REVISION, a Hugging Face directory, a GGUF file, the directory of a PEFT "
        "adapter, BASE+ADAPTER, or a hub name; a pattern or a glob stands for several, and it may "
        "be given several times (default: demo)",
    )
    parser.add_argument(
        "--revisions",
        metavar="REVISIONS",
        help="revisions of each model, as patterns with commas between them",
    )


def _add_cluster(group: Any) -> None:
    group.add_argument("--engine", choices=("local", "ray"), default="local")
    group.add_argument(
        "--address",
        metavar="ADDRESS",
        help="auto, HOST:PORT or ray://HOST:PORT (default: a Ray that ends with the audit)",
    )
    group.add_argument(
        "--gpus",
        type=_share,
        metavar="SHARE",
        help="of each checkpoint, such as 0.5; runs are then on cuda unless told otherwise",
    )
    group.add_argument(
        "--retries",
        type=_count,
        metavar="N",
        help="of a checkpoint whose node or process dies (default: 0)",
    )


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Run the audit; 0, 1 or, where it was interrupted, 130."""
    from ppcheck.audit.folder import Folder

    plan = _planned(options, parser)
    folder = Folder(options.out)
    try:
        with folder.locked():
            return _audited(options, plan, folder)
    except AuditError as error:
        tell(error)
    except OSError as error:
        tell(f"the audit has stopped: {error}")
    return 1


def _planned(options: argparse.Namespace, parser: argparse.ArgumentParser) -> AuditPlan:
    """What is asked for. Ends with argparse's status where it cannot be meant."""
    from ppcheck.audit.plan import AuditSettings, audit_plan, check_reachable, labels

    if problem := _misused(options):
        parser.error(problem)
    try:
        names = labels(options.model or ["demo"], options.revisions)
        if options.engine == "ray":
            check_reachable(names)
    except AuditError as error:
        parser.error(str(error))
    settings = AuditSettings(
        seed=options.seed,
        dtype=options.dtype,
        device=options.device or ("cuda" if options.gpus else "cpu"),
        memory=options.memory,
        allow_pickle=options.allow_pickle,
        no_cache=options.no_cache,
    )
    return audit_plan(_specs(options.paths), names, settings)


def _specs(paths: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(spec for path in paths for spec in found(path)))


def _misused(options: argparse.Namespace) -> str | None:
    """What is wrong with paths, or with options that do not go together."""
    specs = _specs(options.paths)
    if not specs:
        return f"there is no spec (*.pp.yaml) in {', '.join(map(str, options.paths))}"
    for spec in specs:
        if not spec.is_file() or not spec.name.endswith(".pp.yaml"):
            return f"{spec} is not a spec: give *.pp.yaml files, or folders that hold some"
    given = [name for name in _OF_RAY if getattr(options, name) is not None]
    if options.engine == "local" and given:
        return f"--{given[0]} is for --engine ray"
    if options.engine == "ray" and options.workers is not None:
        return "--workers is for --engine local: a cluster runs what it has room for"
    return None


def _audited(options: argparse.Namespace, plan: AuditPlan, folder: Folder) -> int:
    from ppcheck.audit.auditor import Auditor
    from ppcheck.audit.progress import AuditProgress
    from ppcheck.record.audit import Status
    from ppcheck.report.matrix_terminal import matrix

    auditor = Auditor(plan, folder, pages=options.pages)
    waiting = auditor.take_up()
    progress = AuditProgress(len(plan.checkpoints), len(waiting))
    try:
        with _interrupted_by_sigterm():
            auditor.run(_engine(options, plan, folder), waiting, progress)
    except KeyboardInterrupt:
        done = len(auditor.record().at(Status.DONE))
        tell(
            f"stopped: {done} of {len(plan.checkpoints)} checkpoints are in {folder.path}, "
            "and the same command resumes from there"
        )
        return STOPPED
    finally:
        progress.close()
    record = auditor.record()
    width = max(110, shutil.get_terminal_size().columns)
    sys.stdout.write(matrix(record, colour=sys.stdout.isatty(), width=width))
    tell(f"audit: {folder.path / 'audit.json'}")
    tell(f"report: {folder.path / 'index.html'}")
    return 1 if record.at(Status.MISSING) else 0


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Whoever ends this process ends its children, as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _engine(options: argparse.Namespace, plan: AuditPlan, folder: Folder) -> Executor:
    if options.engine == "local":
        from ppcheck.audit.local import Local

        return Local(plan, folder, options.workers or 1)
    from ppcheck.audit.cluster import LOCAL, Cluster

    return Cluster(
        plan, folder, options.address or LOCAL, options.gpus or 0.0, options.retries or 0
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _share(text: str) -> float:
    """A share of one GPU, or whole ones, as Ray takes it."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not (0 < share < 1 or (share >= 1 and share.is_integer())):
        raise argparse.ArgumentTypeError(f"{text!r} is not a share of a GPU: write 0.5, 1 or 2")
    return share
