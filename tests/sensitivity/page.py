"""The sensitivity study as a document: every figure in it is one of the study's."""

from __future__ import annotations

from typing import Any


def tables(found: dict[str, Any]) -> str:
    return str({k: v for k, v in found.items() if k != "rows"})


def page(found: dict[str, Any]) -> str:
    return tables(found)
