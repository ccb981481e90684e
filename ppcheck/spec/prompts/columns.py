"""Many equal columns of a table as one variable: ``x{0..21}`` is x0 to x21."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from ppcheck.spec.grammar import Parsed, as_text, shown, suggest
from ppcheck.spec.prompts.variable import Word

_FORM = re.compile(r"([A-Za-z_]\w*)\{(\d{1,6})\.\.(\d{1,6})\}")


@dataclass(frozen=True)
class Columns:
    """The columns called ``name`` and a number, from ``first`` to ``last``; both are counted."""

    name: str
    first: int
    last: int

    @classmethod
    def parse(cls, value: Any) -> Columns:
        text = as_text(value, "columns such as x{0..21}")
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"{shown(text)} names no columns: write x{{0..21}} for x0 to x21")
        first, last = int(match[2]), int(match[3])
        if last < first:
            raise ValueError(f"{text} ends before it starts: write the lower number first")
        return cls(match[1], first, last)

    def joined(self, rows: Sequence[Mapping[str, Word]], file: str) -> list[dict[str, Word]]:
        """The rows with one variable more: the words of the columns, with a space between.

        Raises ValueError for a column that ``file`` has not, or has by the variable's name.
        """
        names = [f"{self.name}{number}" for number in range(self.first, self.last + 1)]
        for name in names:
            if name not in rows[0]:
                raise ValueError(f"{file} has no column {name!r}: {suggest(name, rows[0])}")
        if self.name in rows[0]:
            raise ValueError(f"{file} has a column {self.name!r} beside {names[0]!r}: rename one")
        found = []
        for row in rows:
            text = " ".join(row[name].text for name in names)
            found.append({**row, self.name: Word(text, text)})
        return found

    def __str__(self) -> str:
        return f"{self.name}{{{self.first}..{self.last}}}"


ColumnsField = Annotated[
    Columns,
    Parsed(
        Columns.parse,
        "Equal columns of the rows as one variable: `x{0..21}` makes x of the words of x0 to x21, "
        "with a space between.",
    ),
]
