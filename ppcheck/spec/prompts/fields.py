"""Fields of a prompt set that may be written in more than one way."""

from __future__ import annotations

from typing import Annotated, Any

from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed, as_word, shown
from ppcheck.spec.prompts.template import parse_ids, parse_template

_WORD: dict[str, Any] = {"type": ["string", "number"]}
_WORDS: dict[str, Any] = {"type": "array", "items": _WORD, "minItems": 1}
_TEMPLATE = "expected text (in quotes if it begins with {) or a list of texts"


def _templates(value: Any) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise ValueError(f"{_TEMPLATE}, got {shown(value)}")
    for text in texts:
        parse_template(text)
    if len(set(texts)) != len(texts):
        raise ValueError("the same template stands twice")
    return tuple(texts)


def _ids(value: Any) -> tuple[int | str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f'expected a list such as [5, 17, "{{feeling}}"], got {shown(value)}')
    for item in value:
        if isinstance(item, bool) or not isinstance(item, int | str):
            raise ValueError(f"{shown(item)} is neither a token id nor one {{variable}}")
        if isinstance(item, int) and item < 0:
            raise ValueError(f"{item} is not a token id: ids are not negative")
    parse_ids(value)
    return tuple(int(item) if isinstance(item, int) else item for item in value)


def _answers(value: Any) -> tuple[str, ...]:
    words = tuple(map(as_word, value if isinstance(value, list) else [value]))
    if not words or "" in words:
        raise ValueError("a choice needs an answer that is not empty")
    if len(set(words)) != len(words):
        raise ValueError("the same answer stands twice")
    for word in words:
        parse_template(word)
    return words


def _contrast(value: Any) -> tuple[str, str] | str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(
            "expected two classes, [clean, corrupted], or the name of another variable; "
            f"got {shown(value)}"
        )
    return as_word(value[0]), as_word(value[1])


TemplateField = Annotated[
    tuple[str, ...],
    Parsed(
        _templates,
        "Text with {variables}; several templates are paraphrases of each other.",
        TEXT_OR_LIST,
    ),
]
IdsField = Annotated[
    tuple[int | str, ...],
    Parsed(
        _ids,
        'Token ids and "{variables}", for models without a tokenizer.',
        {"type": "array", "items": {"type": ["integer", "string"], "minimum": 0}, "minItems": 1},
    ),
]
ChoiceField = Annotated[
    tuple[str, ...],
    Parsed(
        _answers,
        "The answer's text, or a list of synonyms; {variables} are allowed.",
        {"anyOf": [_WORD, _WORDS]},
    ),
]
ContrastField = Annotated[
    tuple[str, str] | str,
    Parsed(
        _contrast,
        "Two classes [clean, corrupted], or the variable whose words take this one's place.",
        {"anyOf": [{"type": "string"}, {**_WORDS, "minItems": 2, "maxItems": 2}]},
    ),
]
