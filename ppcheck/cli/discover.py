"""`ppcheck discover`: from prompts to a spec, judged on prompts that nobody looked at."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcheck.cli.options import add_run_options, positive
from ppcheck.cli.output import tell, wrote
from ppcheck.errors import PpcheckError, SearchError
from ppcheck.report.text import counted, printable
from ppcheck.spec.files import SUFFIX
from ppcheck.subject.model.settings import STANDARD, Budget, Settings

if TYPE_CHECKING:
    from ppcheck.discover.discover import Discovery
    from ppcheck.discover.draft import Draft
    from ppcheck.discover.laboratory import Laboratory, Model
    from ppcheck.discover.only import Only

MOST = 20


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "discover",
        help="find claims on one half of a spec's prompts, and judge them on the other",
        description="Looks at one half of the prompts' units for what moves the answer and what "
        "carries it, writes what it finds as a spec, and judges its claims on the other half. "
        "Exits with 0 where the spec was written or nothing was found.",
    )
    parser.add_argument("path", type=Path, metavar="SPEC", help="a spec with prompts")
    out = "where the spec is written; default: SPEC with .found before its suffix"
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help=out)
    parser.add_argument("--model", "--ppcheck-model", default="demo", help="(default: demo)")
    against = "find the claims that hold of the model and fail of this one, and the other way round"
    parser.add_argument("--against", metavar="MODEL", help=against)
    parser.add_argument("--ppcheck-revision", dest="revision", metavar="REVISION")
    only = "look at this prompt set only; may be given several times"
    parser.add_argument("--prompts", action="append", default=[], metavar="NAME", help=only)
    phases = "look for what these phases find only, such as heads or heads,probe"
    parser.add_argument("--only", action="append", default=[], metavar="PHASES", help=phases)
    most = "how many claims at the most (default: %(default)s)"
    parser.add_argument("--most", type=positive, default=MOST, metavar="N", help=most)
    minutes = "look for so long; what takes longer than what is left is not looked at"
    parser.add_argument("--minutes", type=positive, metavar="N", help=minutes)
    keep = "keep claims that do not hold on the other half; default: they become comments"
    parser.add_argument("--keep-failed", action="store_true", help=keep)
    add_run_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search, write and judge; 1 where there is nothing to look at, or the spec is not written."""
    try:
        return _searched(options)
    except PpcheckError as error:
        tell(error)
        return 1


def _searched(options: argparse.Namespace) -> int:
    from ppcheck.discover.choose import TELLING
    from ppcheck.discover.draft import read_draft
    from ppcheck.discover.only import Only

    only = Only.parse(options.only, TELLING)
    draft = read_draft(options.path, options.prompts)
    out = _out(options, draft)
    for name, reason in draft.left_out.items():
        tell(f"{name}: not looked at: {reason}")
    found, text = _found(options, draft, only)
    _tell_found(found)
    if not found.findings:
        return 0
    kept = len(found.findings) if options.keep_failed else found.holding
    if not kept:
        tell(f"{out} was not written: it would have no claim")
        return 0
    if not wrote(out, lambda: text):
        return 1
    tell(f"wrote {out}: {counted(kept, 'claim')}")
    return 0


def _found(options: argparse.Namespace, draft: Draft, only: Only) -> tuple[Discovery, str]:
    """What was found, and the spec of it."""
    from ppcheck.discover.against import differing
    from ppcheck.discover.discover import discover, written
    from ppcheck.discover.laboratory import Laboratory

    seconds = None if options.minutes is None else 60.0 * options.minutes
    laboratory = Laboratory(_model(options.model, options.revision, options, draft), draft, seconds)
    _tell_plan(laboratory, only)
    if options.against is None:
        found = discover(laboratory, options.most, _progress, only)
    else:
        other = Laboratory(_model(options.against, None, options, draft), draft, seconds)
        found = differing(laboratory, other, options.most, _progress, only)
    _progress("")
    return found, written(found, laboratory, keep_failed=options.keep_failed)


def _out(options: argparse.Namespace, draft: Draft) -> Path:
    """Where the spec is written. Raises SearchError where its prompts could not be found there."""
    path: Path = options.path
    stem = path.name.removesuffix(SUFFIX)
    out: Path = options.out or path.with_name(f"{stem}.found{SUFFIX}")
    if not out.name.endswith(SUFFIX):
        raise SearchError(f"{out}: pytest collects files that end in {SUFFIX}: name it so")
    has_rows = any(prompts.prompt_set.rows for prompts in draft.sets.values())
    if has_rows and out.resolve().parent != path.resolve().parent:
        raise SearchError(f"{out}: the prompts have `rows`, so write it into {path.parent}")
    return out


def _model(name: str, revision: str | None, options: argparse.Namespace, draft: Draft) -> Model:
    """Raises ModelError where it cannot be loaded, or the file is about others."""
    from ppcheck.discover.laboratory import load_model
    from ppcheck.subject.load import resolve

    memory = Budget.parse(options.memory) if options.memory else STANDARD.memory
    device = options.device or STANDARD.device
    settings = Settings(options.dtype, device, memory, options.allow_pickle)
    folder = _cache(options.path)
    kept = None if options.no_cache else (folder / "ppcheck", folder / "ppcheck-claims")
    return load_model(resolve(name, revision), draft, settings, options.seed, kept)


def _cache(path: Path) -> Path:
    """The folder of pytest's cache: the nearest around the file, else a new one beside it."""
    folders = (path.resolve().parent, *path.resolve().parent.parents)
    kept = next((each for each in folders if (each / ".pytest_cache").is_dir()), folders[0])
    return kept / ".pytest_cache" / "d"


def _progress(said: str) -> None:
    """On one line of the terminal, where there is one; else a line each."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{printable(said, 100)}")
    elif said:
        sys.stderr.write(f"{printable(said)}\n")
    sys.stderr.flush()


def _tell_plan(laboratory: Laboratory, only: Only) -> None:
    from ppcheck.discover.outlook import outlook

    seconds = outlook(laboratory, only)
    whole = sum(seconds.values())
    each = ", ".join(f"{phase} {needed:.0f} s" for phase, needed in seconds.items() if needed >= 1)
    tell(f"plan: about {max(1, round(whole)):,} s to look{f' ({each})' if each else ''}")
    if laboratory.seconds is not None and whole > laboratory.seconds:
        tell(
            f"      that is longer than the {laboratory.seconds / 60:g} minutes, so that the last "
            f"phases are left out: `sample` {laboratory.seconds / whole:.0%} of the units to fit"
        )


def _tell_found(found: Discovery) -> None:
    for part in found.parts:
        tell(f"\n{part.prompts}: {part.title}" if part.title != part.prompts else f"\n{part.title}")
        for finding in part.findings:
            one = found.judged[finding.id]
            tell(f"  {'+' if one.holds else '-'} {finding.id}: {finding.claim['says']}")
            tell(f"      {one.verdict}")
        for absent in part.absent:
            tell(f"  . {absent.phase}: {absent.said}")
    tell("")
    if not found.inside and found.only.phases is None:
        tell("nothing found inside the model: no component carries anything beyond chance")
    if not found.findings:
        tell("nothing found")
        return
    total = len(found.findings)
    verb = "holds" if total == 1 else "hold"
    tell(f"{found.holding} of {counted(total, 'claim')} {verb} on the other half of the prompts")
