"""What commands print and write: nothing in it steers a terminal, and what fails is named."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from ppcheck.report.text import printable, printable_lines
from ppcheck.spec.grammar import suggest

_CHOICE = re.compile(r"invalid choice: '(?P<given>.*)' \(choose from (?P<choices>.*)\)", re.DOTALL)
"""How argparse says that an argument is none of those that there are."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with arguments without repeating what steers a terminal."""

    def error(self, message: str) -> NoReturn:
        if found := _CHOICE.search(message):
            choices = [each.strip("' ") for each in found["choices"].split(",")]
            message = f"there is no {found['given']!r}: {suggest(found['given'], choices)}"
        super().error(printable(message))

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Say of the first argument that means nothing which one may have been meant."""
        first = unknown[0].partition("=")[0]
        if not first.startswith("--"):
            self.error(f"{first!r} is one argument too many")
        known = [name for name in self._option_string_actions if name.startswith("--")]
        self.error(f"there is no option {first}: {suggest(first, known)}")


def tell(text: object) -> None:
    """Print text, which may have lines, that holds names, paths or errors."""
    sys.stdout.write(f"{printable_lines(str(text))}\n")


def wrote(path: Path, text: Callable[[], str]) -> bool:
    """Write a whole file; where that fails say so, and return False."""
    from ppcheck.record.files import write_whole

    try:
        write_whole(path, text())
    except OSError as error:
        tell(f"{path} was NOT written: {error.strerror or error}")
        return False
    return True
