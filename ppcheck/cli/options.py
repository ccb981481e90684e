"""Options of pytest that commands take too, by the same names."""

from __future__ import annotations

import argparse

from ppcheck.subject.model.settings import DTYPES, STANDARD, Budget


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Those that change what a run measures, and how. ``memory`` is text, or None."""
    parser.add_argument("--ppcheck-seed", dest="seed", type=int, default=0, metavar="N")
    parser.add_argument("--ppcheck-memory", dest="memory", type=_memory, metavar="SIZE")
    parser.add_argument("--ppcheck-dtype", dest="dtype", choices=DTYPES, default=STANDARD.dtype)
    parser.add_argument("--ppcheck-device", dest="device", metavar="DEVICE")
    parser.add_argument("--ppcheck-allow-pickle", dest="allow_pickle", action="store_true")
    parser.add_argument("--ppcheck-no-cache", dest="no_cache", action="store_true")


def positive(text: str) -> int:
    """A number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _memory(text: str) -> str:
    try:
        Budget.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
