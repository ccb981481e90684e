"""`ppcheck schema`: the JSON Schema of specs, for editors, or of run records."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def add(commands: Any) -> None:
    parser = commands.add_parser("schema", help="print the JSON Schema of specs, or of records")
    parser.add_argument("what", nargs="?", choices=("spec", "record"), default="spec")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ppcheck.measure.registry import spec_schema_text
    from ppcheck.record.run import record_schema_text

    sys.stdout.write(spec_schema_text() if options.what == "spec" else record_schema_text())
    return 0
