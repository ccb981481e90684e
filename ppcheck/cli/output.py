"""What commands print and write: nothing in it steers a terminal, and what fails is named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from ppcheck.report.text import printable, printable_lines


class Parser(argparse.ArgumentParser):
    """Says what is wrong with arguments without repeating what steers a terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


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
