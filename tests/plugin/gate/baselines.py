"""What the tests of the gate share: options, the keys of a baseline, the changes in a record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Reader = Callable[[str], dict[str, Any]]
GATE = ("--ppcheck-baseline", "good.json")
KEYS = [f"game.pp.yaml::{name}" for name in ("attracted", "deterred", "last-stream", "sure")]
FEW = ("-k", "deterred or sure")
IN_BOTH = [f"specs/{spec}.pp.yaml::{claim}" for spec in "ab" for claim in ("deterred", "sure")]


def claims(path: Path) -> list[str]:
    return sorted(json.loads(path.read_text())["claims"])


def changes(record: dict[str, Any]) -> dict[str, str]:
    return {claim["id"]: claim["comparison"]["change"] for claim in record["claims"]}
