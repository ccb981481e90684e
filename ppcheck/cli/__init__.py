"""The `ppcheck` command, one file for each thing it does."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import cast

from ppcheck.cli import audit, compare, discover, history, init, plan, report, schema, validate
from ppcheck.cli.output import Parser

COMMANDS = (init, validate, plan, discover, report, compare, history, audit, schema)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, or 1 where what it was given is not valid or is not there."""
    # Marks and names that the terminal cannot show are escaped, and end no command.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = Parser(
        prog="ppcheck",
        description="Claims about what a language model does, and which circuits do it.",
    )
    parser.add_argument("--version", action="version", version=f"ppcheck {version('ppcheck')}")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add(commands)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        commands.choices[options.command].refuse(unknown)
    return cast("Callable[[argparse.Namespace], int]", options.run)(options)
