"""Claims as YAML that reads as if a person had written it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

WIDTH = 98
_BREAK = "\x1f"
_COMMA = f",{_BREAK}"
"""Where a line may be broken: no text has this character, which is written as its escape."""
_KEY = re.compile(r"[A-Za-z_]\w*")
_WORDS = re.compile(r"[A-Za-z_][\w.+-]*(?: [\w.+-]+)*")
"""Text that YAML reads as it stands, wherever it stands."""
_SELECTION = re.compile(r"[A-Za-z_][\w.*=|\[\](), !+-]*[\w\])*]")
"""Text that it reads as it stands, but not within brackets."""
_NO_TEXT = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def claim_lines(claim: Mapping[str, Any]) -> list[str]:
    """A claim as an item of the list `claims`, in lines."""
    lines = []
    for key, value in claim.items():
        lines += _entry(key, value)
    return [f"  - {lines[0]}", *(f"    {line}" for line in lines[1:])]


def comment_lines(text: str, first: str = "", width: int = WIDTH) -> list[str]:
    """Text as comments of the list `claims`, broken into lines."""
    broken = textwrap.wrap(
        text, width - 4, initial_indent=first, subsequent_indent=" " * len(first)
    )
    return [f"  # {line}".rstrip() for line in broken]


def _entry(key: str, value: Any) -> list[str]:
    if key in ("says", "source"):
        return _folded(key, str(value))
    written = _scalar(value) if isinstance(value, str) and key != "expect" else _flow(value)
    return _wrapped(f"{key}: {written}")


def _wrapped(line: str) -> list[str]:
    """The line, broken between what stands within brackets where it is long."""
    lines = [""]
    for part in line.split(_BREAK):
        longer = f"{lines[-1]} {part}" if lines[-1] else part
        if lines[-1] and len(longer) > WIDTH - 4:
            lines.append(f"  {part}")
        else:
            lines[-1] = longer
    return lines


def _folded(key: str, text: str) -> list[str]:
    """Prose: on the key's line where it fits, else below it."""
    plain = text if _is_prose(text) else json.dumps(text, ensure_ascii=False)
    if len(key) + 2 + len(plain) <= WIDTH - 4:
        return [f"{key}: {plain}"]
    body = textwrap.wrap(text, WIDTH - 6, break_long_words=False, break_on_hyphens=False)
    return [f"{key}: >-", *(f"  {line}" for line in body)]


def _is_prose(text: str) -> bool:
    """Whether YAML reads it as it stands."""
    starts = text[:1].isalpha() and text.lower() not in _NO_TEXT
    return starts and ": " not in text and " #" not in text and not text.endswith(":")


def _scalar(text: str) -> str:
    is_plain = _SELECTION.fullmatch(text) and text.lower() not in _NO_TEXT
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _flow(value: Any) -> str:
    """As it stands within brackets."""
    if isinstance(value, Mapping):
        inside = _COMMA.join(f"{_name(key)}: {_flow(each)}" for key, each in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list | tuple):
        return f"[{_COMMA.join(map(_flow, value))}]"
    if isinstance(value, str):
        is_plain = _WORDS.fullmatch(value) and value.lower() not in _NO_TEXT
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")  # YAML 1.1 reads 1e-05 as text
    return json.dumps(value)


def _name(key: str) -> str:
    is_plain = _KEY.fullmatch(key) and key.lower() not in _NO_TEXT
    return key if is_plain else json.dumps(key, ensure_ascii=False)
