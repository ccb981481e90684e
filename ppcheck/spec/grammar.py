"""How a small language inside a YAML value becomes a pydantic field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

_SHOWN = 60
_LISTED = 15

POSITIONS = ("final", "all", "previous")
"""Words for positions, which no variable can be called."""

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
    ) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)


class FieldError(ValueError):
    """A ValueError about one key of a pydantic model, so that its line can be named."""

    def __init__(self, message: str, *location: str) -> None:
        super().__init__(message)
        self.location = location


def as_text(value: Any, what: str) -> str:
    """The stripped text of a YAML value, or ValueError naming ``what`` was expected."""
    if not isinstance(value, str):
        raise ValueError(f"expected {what}, got {shown(value)}")
    return value.strip()


def as_word(value: Any) -> str:
    """A word as text. Numbers are taken as written; YAML's booleans and nulls must be quoted."""
    if isinstance(value, bool):
        raise ValueError(truth_value(value))
    if value is None:
        raise ValueError('nothing stands where a word should: for the word null write "null"')
    if isinstance(value, list) and value and all(isinstance(each, int) for each in value):
        ids = " ".join(map(str, value))
        raise ValueError(f'expected a word, got {shown(value)}: several token ids are one, "{ids}"')
    if not isinstance(value, str | int | float):
        raise ValueError(f"expected a word, got {shown(value)}")
    return str(value)


def truth_value(value: bool) -> str:
    """What is said of a word that YAML took for true or false."""
    words, quoted = ("yes, on and true", "yes") if value else ("no, off and false", "no")
    return f'{words} are read as a truth value: put the word in quotes, "{quoted}"'


def shown(value: Any) -> str:
    """A value as it stands in a message: short, and YAML's constants in its own words."""
    constants = {None: "nothing", True: "true", False: "false"}
    is_constant = value is None or isinstance(value, bool)
    text = constants[value] if is_constant else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` or, where nothing is near, what there is to choose from."""
    words = list(known)
    short = [other for other in words if len(other) <= _SHOWN]
    near = get_close_matches(word, short, n=1, cutoff=0.6) if len(word) <= _SHOWN else []
    if near:
        return f"did you mean {near[0]!r}?"
    more = ", ..." if len(words) > _LISTED else ""
    return f"there is {', '.join(islice(short, _LISTED))}{more}" if short else "there is none"
