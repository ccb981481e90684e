"""Versioned JSON: older versions are brought up to date step by step, later ones are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppcheck.errors import BaselineError

Held = dict[str, Any]


def parsed(text: str) -> Any:
    """What JSON holds. Raises ValueError for what is none, and for numbers that are none."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


@dataclass(frozen=True)
class Format:
    """What a file is (``a run record``), and how each of its versions becomes the next.

    ``upgrades[0]`` makes version 2 of version 1, and so on. ``remedy`` says where such files come
    from.
    """

    name: str
    what: str
    remedy: str
    upgrades: tuple[Callable[[Held], Held], ...] = ()

    @property
    def version(self) -> int:
        return len(self.upgrades) + 1

    @property
    def schema(self) -> str:
        return f"{self.name}/{self.version}"

    def current(self, held: Any, path: Path) -> Held:
        """What the file ``path`` holds, as the current version says it.

        Raises BaselineError for what is no such file, and for one of a later version.
        """
        found = held.get("schema") if isinstance(held, dict) else None
        version = self._version_in(found)
        if version is None:
            raise BaselineError(
                f"{path} is not a {self.what}: its schema is {found!r}, not {self.schema!r}. "
                f"{self.remedy}"
            )
        if version > self.version:
            raise BaselineError(
                f"{path} is of version {version}, and this ppcheck reads {self.what}s up to "
                f"version {self.version}: use the ppcheck that wrote it, or a later one"
            )
        for upgrade in self.upgrades[version - 1 :]:
            held = upgrade(held)
        upgraded: Held = held
        return upgraded

    def _version_in(self, schema: object) -> int | None:
        written = re.fullmatch(rf"{re.escape(self.name)}/([1-9][0-9]{{0,8}})", str(schema))
        return int(written[1]) if written else None
