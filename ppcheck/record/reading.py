"""Run records read back from disk, also those that older versions wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ppcheck.errors import BaselineError
from ppcheck.record.run import RunRecord

SCHEMA = "ppcheck.run/1"


def read_run(path: Path) -> RunRecord:
    """The run record in a file.

    Raises BaselineError for a file that cannot be read, is no run record, or is of a later version.
    """
    try:
        held: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BaselineError(f"{path} is no run record: {error}. {_WRITE}") from error
    found = held.get("schema") if isinstance(held, dict) else None
    if found != SCHEMA:
        raise BaselineError(f"{path} is no run record: its schema is {found!r}, not {SCHEMA!r}")
    try:
        return RunRecord.model_validate(held)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BaselineError(f"{path} is damaged at {where}: {first['msg']}. {_WRITE}") from error


_WRITE = "A run writes one with --ppcheck-json FILE"
