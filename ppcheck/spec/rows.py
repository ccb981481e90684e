"""Prompts from a CSV or JSONL file beside the spec: one row, one assignment of words."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ppcheck.errors import SpecError
from ppcheck.spec.prompts import MAX_PROMPTS
from ppcheck.spec.variable import Word, plain_word

MAX_BYTES = 50_000_000
ROW = "row"
"""The name under which the row's number is one of a prompt's variables."""


def resolve_inside(folder: Path, name: str) -> Path:
    """The file ``name`` in ``folder``. Raises ValueError where it leads outside, or is none."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(
            f"the path {name!r} leaves the spec's folder: keep the file beside the spec"
        )
    if not path.is_file():
        raise ValueError(f"there is no file {name!r} in the spec's folder")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{name!r} has more than {MAX_BYTES:,} bytes")
    return path


def read_rows(path: Path) -> list[dict[str, Word]]:
    """Every row as its words, by column; the row's number stands under ``ROW``.

    Raises SpecError, with the line of the row, for what is not CSV (with a header) or JSONL.
    """
    rows: list[dict[str, Word]] = []
    for line, record in _records(path):
        if len(rows) == MAX_PROMPTS:
            raise SpecError(f"more than {MAX_PROMPTS:,} rows", path, line)
        try:
            row = _words(record)
        except ValueError as error:
            raise SpecError(str(error), path, line) from None
        rows.append({ROW: Word(str(len(rows) + 1), str(len(rows) + 1)), **row})
    if not rows:
        raise SpecError("the file has no rows", path, 1)
    return rows


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, strict=True)
            for record in reader:
                if None in record or None in record.values():
                    raise SpecError("the row has not one cell a column", path, reader.line_num)
                yield reader.line_num, record
        return
    if path.suffix != ".jsonl":
        raise SpecError("prompts are read from .csv or .jsonl files", path, 1)
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except json.JSONDecodeError as error:
            raise SpecError(f"not JSON: {error.msg}", path, line) from None
        if not isinstance(record, dict):
            raise SpecError("each line must be one JSON object", path, line)
        yield line, record


def _words(record: dict[str, Any]) -> dict[str, Word]:
    words = {}
    for name, value in record.items():
        if name.endswith((".class", ".dose")):
            continue
        text = plain_word(value)
        dose = record.get(f"{name}.dose")
        words[name] = Word(
            text,
            label=str(record.get(f"{name}.class", text)),
            dose=None if dose in (None, "") else _number(dose),
        )
    return words


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"the dose {value!r} is no number") from None
