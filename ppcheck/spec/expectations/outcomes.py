"""What a reply is called: by which of some patterns is found first in its text, or last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

OTHER = "other"
"""The outcome of a reply in which nothing is found."""
_NAME = re.compile(r"[\w-]+")
_NO_WORD = "\ue000"
"""A text in which only a pattern that asks for nothing finds something."""


@dataclass(frozen=True)
class Outcomes:
    """Outcomes by name, each with the pattern of RE2 that stands for it.

    Of two that are found at the same place the one that is named first counts. With ``after`` only
    what follows that marker is read, and a reply without it is `other`.
    """

    patterns: Mapping[str, str]
    is_last: bool = False
    after: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.patterns, OTHER)

    def of(self, reply: str) -> str:
        """The name of a reply's outcome."""
        if self.after is not None:
            _, marker, reply = reply.partition(self.after)
            if not marker:
                return OTHER
        places = {name: self._places(regex, reply) for name, regex in self._compiled.items()}
        found = {name: some for name, some in places.items() if some}
        if self.is_last:
            return max(found, key=lambda name: found[name][-1], default=OTHER)
        return min(found, key=lambda name: found[name][0], default=OTHER)

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong with them: an outcome's name, and a message."""
        for name, pattern in self.patterns.items():
            if name == OTHER:
                yield name, f"{OTHER!r} is what no pattern matches: give this outcome another name"
            elif not _NAME.fullmatch(name):
                yield name, f"{name!r} is not a name: use letters, digits, _ and -, as in no_answer"
            elif fault := _fault(pattern):
                yield name, fault

    @cached_property
    def _compiled(self) -> dict[str, Any]:
        return {name: _regex(pattern) for name, pattern in self.patterns.items()}

    def _places(self, regex: Any, text: str) -> list[int]:
        """The characters at which a pattern begins to match, one after the other."""
        if self.is_last:
            return [match.start() for match in regex.finditer(text)]
        match = regex.search(text)
        return [] if match is None else [match.start()]


def _fault(pattern: str) -> str | None:
    import re2

    try:
        found = _regex(pattern).search(_NO_WORD)
    except re2.error as error:
        cause = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        advice = "in RE2 there is no look-around and no back-reference"
        return f"{pattern!r} is not a regular expression: {cause} ({advice})"
    if found is not None and found.start() == found.end():
        return f"{pattern!r} also matches where nothing stands, so that every reply would be this"
    return None


def _regex(pattern: str) -> Any:
    """RE2 takes time in proportion to the text, whatever the pattern: none can make a run hang."""
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)
