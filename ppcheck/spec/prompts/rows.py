"""Prompts from a CSV or JSONL file beside the spec: one row, one assignment of words."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ppcheck.errors import SpecError
from ppcheck.spec.grammar import as_word, shown
from ppcheck.spec.prompts.prompt_set import MAX_PROMPTS
from ppcheck.spec.prompts.template import ROW, TEMPLATE
from ppcheck.spec.prompts.variable import Word

MAX_BYTES = 50_000_000
_OF_COLUMN = (".class", ".dose")


def resolve_inside(folder: Path, name: str) -> Path:
    """The file ``name`` in ``folder``. Raises ValueError where it leads outside, or is none."""
    try:
        path = (folder / name).resolve()
        inside, is_file = path.is_relative_to(folder.resolve()), path.is_file()
    except (OSError, ValueError):
        raise ValueError(f"{shown(name)} cannot be the name of a file") from None
    if not inside:
        raise ValueError(f"{name!r} leads out of the spec's folder: keep the file beside the spec")
    if not is_file:
        raise ValueError(f"there is no file {name!r} in the spec's folder")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{name!r} has more than {MAX_BYTES:,} bytes")
    return path


def read_rows(path: Path) -> list[dict[str, Word]]:
    """Every row as its words, by column; the row's number stands under ``ROW``.

    Numbers of JSON are words as they are written, and a list is its words with a space between:
    [5, 17] is "5 17". Raises SpecError, with the line of the row, for what is not UTF-8, not CSV
    (with a header) or JSONL, and where rows differ in their columns.
    """
    rows: list[dict[str, Word]] = []
    for line, record in _records(path):
        if len(rows) == MAX_PROMPTS:
            raise SpecError(f"more than {MAX_PROMPTS:,} rows", path, line)
        number = str(len(rows) + 1)
        try:
            row = {ROW: Word(number, number), **_words(record)}
            if rows and row.keys() != rows[0].keys():
                column = min(row.keys() ^ rows[0].keys())
                raise ValueError(f"only some rows have a column {column!r}: give it to all or none")
        except ValueError as error:
            raise SpecError(str(error), path, line) from None
        rows.append(row)
    if not rows:
        raise SpecError("the file has no rows", path)
    return rows


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix not in (".csv", ".jsonl"):
        raise SpecError("rows are read from .csv or .jsonl files", path)
    content = path.read_bytes()
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SpecError("not UTF-8 text: save the file as UTF-8", path, line) from None
    yield from _csv(lines, path) if path.suffix == ".csv" else _jsonl(lines, path)


def _csv(lines: list[str], path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader((f"{line}\n" for line in lines), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not header:
                header = cells
                if repeated := [name for name, times in Counter(header).items() if times > 1]:
                    message = f"the column {repeated[0]!r} stands twice"
                    raise SpecError(message, path, reader.line_num)
                continue
            if cells and len(cells) != len(header):
                message = f"the row has {len(cells)} cells and the header {len(header)}"
                raise SpecError(message, path, reader.line_num)
            if cells:
                yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        # Python's own message of a lone carriage return speaks of how files are opened.
        alone = any("\r" in line.rstrip("\r") for line in lines)
        problem = "a carriage return ends no line: save the file with LF" if alone else error
        raise SpecError(f"not CSV: {problem}", path, reader.line_num) from None


def _jsonl(lines: list[str], path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            # Numbers stay as written: a row's words are text.
            record = json.loads(
                text,
                parse_int=str,
                parse_float=str,
                parse_constant=_no_number,
                object_pairs_hook=_once,
            )
        except RecursionError:
            raise SpecError("not JSON: nested too deep", path, line) from None
        except ValueError as error:
            problem = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise SpecError(f"not JSON: {problem}", path, line) from None
        if not isinstance(record, dict):
            raise SpecError("each line must be one JSON object", path, line)
        if any("\ud800" <= each <= "\udfff" for each in _text(record)):
            raise SpecError("not Unicode text: half of a pair of \\u escapes", path, line)
        yield line, record


def _text(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)


def _no_number(constant: str) -> str:
    raise ValueError(f"{constant} is not a number: write null where there is none")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The keys of an object. Raises ValueError for one that stands twice."""
    counts = Counter(key for key, _ in pairs)
    if twice := [key for key, times in counts.items() if times > 1]:
        raise ValueError(f"the key {twice[0]!r} stands twice")
    return dict(pairs)


def _words(record: dict[str, Any]) -> dict[str, Word]:
    if taken := record.keys() & {ROW, TEMPLATE}:
        raise ValueError(f"a column cannot be called {min(taken)!r}: choose another name")
    words = {}
    for name, value in record.items():
        column = next((name.removesuffix(end) for end in _OF_COLUMN if name.endswith(end)), None)
        owner, dot, _ = name.partition(".")
        if column is None and dot and owner in record:
            raise ValueError(f"of {owner!r} a row may say the .class and the .dose, not {name!r}")
        if column is None:
            text = _word(value)
            label = as_word(record.get(f"{name}.class", text)).strip()
            if not label and f"{name}.class" in record:
                raise ValueError(f"the class of {name!r} is empty: give every row one")
            words[name] = Word(text, label, dose=_dose(record.get(f"{name}.dose")))
        elif column not in record:
            raise ValueError(f"the column {name!r} belongs to {column!r}, which is not a column")
    return words


def _word(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return as_word(value)
    return " ".join(map(as_word, value))


def _dose(value: Any) -> float | None:
    if value in (None, ""):
        return None
    try:
        dose = float(as_word(value))
    except ValueError:
        dose = math.nan
    if not math.isfinite(dose):
        raise ValueError(f"the dose {shown(value)} is not a number")
    return dose
