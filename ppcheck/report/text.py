"""Text that came from a spec, a prompt or a model, made safe for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any


def printable(text: str, limit: int | None = None) -> str:
    """The text with line breaks as ``⏎`` and every other control character as its escape."""
    shown = "".join(map(_shown, text))
    if limit is not None and len(shown) > limit:
        return shown[: limit - 1] + "…"
    return shown


def printable_lines(text: str) -> str:
    """The same for text that has lines of its own: they stay lines."""
    return "\n".join(map(printable, text.split("\n")))


def _shown(character: str) -> str:
    if character == "\n":
        return "⏎"
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape", "backslashreplace").decode()
    return character


def number(value: float | None, missing: str = "∞") -> str:
    """Three significant figures; ``missing`` for an end that an interval does not have."""
    if value is None:
        return missing
    return f"{value:.3g}" if abs(value) < 1e5 else f"{value:.3e}"


def in_words(counts: Mapping[Any, int], words: Mapping[Any, tuple[str, str]]) -> str:
    """``14 hold, 1 fails``: what there is any of, in the order of ``words`` (one, many)."""
    parts = ((counts[each], forms) for each, forms in words.items() if counts.get(each))
    return ", ".join(f"{count} {one if count == 1 else many}" for count, (one, many) in parts)


def counted(count: int, what: str) -> str:
    """``1 claim``, ``2,000 claims``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
