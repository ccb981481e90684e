"""What pydantic found wrong, in the words of a spec's author, with file and line."""

from __future__ import annotations

import re
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from ppcheck.errors import SpecError
from ppcheck.spec.base import Model
from ppcheck.spec.grammar import FieldError, shown, suggest, truth_value
from ppcheck.spec.source import Location, Source

M = TypeVar("M", bound=Model)

_EXPECTED = {
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "letters, digits and . _ - only, the first a letter or a digit, "
    "and no more than 200",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list such as [a, b]",
    "tuple_type": "a list such as [a, b]",
    "too_short": "at least {min_length} of these",
    "too_long": "at most {max_length} of these",
    "dict_type": "keys with values, such as {{a: b}}",
    "model_type": "keys with values, such as {{a: b}}",
}


def validated(model: type[M], raw: Any, source: Source, at: Location) -> M:
    """The model of what stands at ``at``. Raises SpecError with everything that is wrong."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = [_problem(model, dict(item), source, at) for item in error.errors()]
        raise joined(problems) from None


def joined(errors: list[SpecError]) -> SpecError:
    """One error that says all of them, each once."""
    first, *rest = {str(error): error for error in errors}.values()
    return SpecError("\n".join([first.message, *map(str, rest)]), first.path, first.line)


def _problem(model: type[Model], item: dict[str, Any], source: Source, at: Location) -> SpecError:
    location = item["loc"]
    cause = item.get("ctx", {}).get("error")
    if isinstance(cause, FieldError):
        location = (*location, *cause.location)
    # A list's numbered entries and the prompts of a set are called by what they stand in.
    name = next((str(part) for part in reversed((*at, *location)) if isinstance(part, str)), "")
    message = _message(model, item, name)
    if item["type"] not in ("missing", "extra_forbidden") and name:
        message = f"{name}: {message}"
    return source.error(message, (*at, *location))


def _message(model: type[Model], item: dict[str, Any], name: str) -> str:
    context, got = item.get("ctx", {}), shown(item["input"])
    kind = item["type"]
    if kind == "extra_forbidden":
        return f"unknown key {name!r}: {suggest(name, _keys(model, item['loc'][:-1]))}"
    if kind == "missing":
        short = isinstance(item["loc"][-1], int)
        return f"{name}: the list is too short" if short else f"the key {name!r} is missing"
    if kind == "string_type" and isinstance(item["input"], bool):
        return truth_value(item["input"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        words = re.findall(r"'([^']*)'", context["expected"])
        if words and isinstance(item["input"], str):
            return f"unknown {got}: {suggest(item['input'], words)}"
    wanted = _EXPECTED.get(kind, context.get("expected", ""))
    return f"expected {wanted.format(**context)}, got {got}" if wanted else item["msg"]


def _keys(model: type[Model], location: Location) -> list[str]:
    """The keys that the mapping at ``location`` may have."""
    for part in location:
        field = model.model_fields.get(str(part))
        model = model if field is None else _model_within(field.annotation) or model
    return [field.alias or key for key, field in model.model_fields.items()]


def _model_within(annotation: Any) -> type[Model] | None:
    """TurnTemplate in ``list[TurnTemplate] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next(filter(None, map(_model_within, get_args(annotation))), None)
