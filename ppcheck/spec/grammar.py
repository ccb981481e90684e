"""How a small language inside a YAML value becomes a pydantic field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

TEXT: dict[str, Any] = {"type": "string"}
TEXT_OR_NUMBER: dict[str, Any] = {"type": ["string", "integer"]}
TEXT_OR_LIST: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
}


class Parsed:
    """Annotates a type that is written as text: ``Annotated[Metric, Parsed(Metric.parse, "...")]``.

    ``parse`` raises ValueError with a message for the author of the spec. ``schema`` is the JSON
    Schema of what may be written.
    """

    def __init__(
        self,
        parse: Callable[[Any], object],
        description: str,
        schema: dict[str, Any] = TEXT,
    ) -> None:
        self.parse = parse
        self.schema = {**schema, "description": description}

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)


def as_text(value: Any, what: str) -> str:
    """The stripped text of a YAML value, or ValueError naming ``what`` was expected."""
    if not isinstance(value, str):
        raise ValueError(f"expected {what} as text, got {value!r}")
    return value.strip()


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` or, where nothing is near, what there is to choose from."""
    words = list(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there is {', '.join(words)}" if words else "there is none"
