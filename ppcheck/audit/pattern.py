"""Names by pattern: `step{0..143000:1000}`, `{main,tuned}`, as a shell's braces expand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from ppcheck.errors import AuditError

MOST = 10_000
"""Names that one pattern may stand for."""
_GROUP = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(-?\d{1,18})\.\.(-?\d{1,18})(?::(\d{1,18}))?", re.ASCII)
_RIGHT = "write {a..b}, {a..b:step} or {x,y,z}"


def expand(pattern: str) -> tuple[str, ...]:
    """Every name that the pattern stands for, in its order; the last group changes fastest.

    A range includes its end where a step falls on it, descends where it starts above its end, and
    keeps leading zeros: `{008..010}` is 008, 009, 010. Raises AuditError for braces that mean
    nothing.
    """
    parts = _GROUP.split(pattern)
    if any(brace in literal for literal in parts[::2] for brace in "{}"):
        raise _rejected(pattern, "its braces do not pair, or stand inside one another")
    choices = [
        _choices(pattern, part) if number % 2 else (part,) for number, part in enumerate(parts)
    ]
    count = 1
    for some in choices:
        count *= len(some)
        _check_count(pattern, count)
    return tuple("".join(name) for name in product(*choices))


def expand_list(text: str) -> tuple[str, ...]:
    """Names from patterns with commas between them, such as `main,step{0..9}`; each once.

    Raises AuditError, as `expand` does, and for a pattern that is empty.
    """
    patterns = [each.strip() for each in re.split(r",(?![^{}]*\})", text)]
    if not all(patterns):
        raise _rejected(text, "there is nothing between two commas")
    return tuple(dict.fromkeys(name for each in patterns for name in expand(each)))


def _choices(pattern: str, inside: str) -> Sequence[str]:
    if match := _RANGE.fullmatch(inside):
        return _range(pattern, match[1], match[2], match[3])
    if "," in inside:
        return [each.strip() for each in inside.split(",")]
    return _meaningless(pattern, inside)


def _range(pattern: str, first: str, last: str, step: str | None) -> Sequence[str]:
    start, end, by = int(first), int(last), int(step or 1)
    if not by:
        raise _rejected(pattern, "a step of 0 never ends")
    _check_count(pattern, abs(end - start) // by + 1)
    width = max(len(first), len(last)) if _is_padded(first) or _is_padded(last) else 0
    numbers = range(start, end + 1, by) if start <= end else range(start, end - 1, -by)
    return [f"{number:0{width}d}" for number in numbers]


def _is_padded(number: str) -> bool:
    digits = number.removeprefix("-")
    return len(digits) > 1 and digits.startswith("0")


def _check_count(pattern: str, count: int) -> None:
    if count > MOST:
        raise _rejected(pattern, f"it stands for more than {MOST:,} names; give it a larger step")


def _meaningless(pattern: str, inside: str) -> Sequence[str]:
    if ".." not in inside:
        raise _rejected(pattern, f"{{{inside}}} is neither a range nor a list")
    raise _rejected(pattern, f"{{{inside}}} is not a range of whole numbers")


def _rejected(pattern: str, reason: str) -> AuditError:
    return AuditError(f"pattern {pattern!r}: {reason}; {_RIGHT}, such as step{{0..1000:100}}")
