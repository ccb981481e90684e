"""What a variable may be where a property is claimed of everything that it may be."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Annotated, Any, Literal

from ppcheck.spec.grammar import Parsed, as_word, shown, suggest

StrategyKind = Literal["integers", "sampled", "subset", "filler"]

FORMS = (
    "{integers: [1, 9]}, {sampled: [hello, we play]}, {subset: [firm, cold], at_least: 1} "
    "or {filler: [so, then], at_most: 6}"
)
_LONGEST = 100


@dataclass(frozen=True)
class Strategy:
    """The texts that a variable may become.

    integers  every whole number from ``least`` to ``most``
    sampled   one of the words
    subset    from ``least`` to ``most`` different words, in the order in which they are listed
    filler    from ``least`` to ``most`` words, in any order and as often as comes

    Words are joined by spaces.
    """

    kind: StrategyKind
    least: int
    most: int
    words: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: Any) -> Strategy:
        if not isinstance(value, dict) or not value:
            raise ValueError(f"a strategy is {FORMS}; got {shown(value)}")
        kinds = [key for key in value if key in _ALLOWED]
        if len(kinds) != 1:
            found = shown(" and ".join(map(str, kinds or value)))
            raise ValueError(f"a strategy is one of {FORMS}; got {found}")
        (kind,) = kinds
        for key in value:
            if key not in (kind, *_ALLOWED[kind]):
                advice = suggest(str(key), (kind, *_ALLOWED[kind]))
                raise ValueError(f"{shown(key)} has no meaning beside `{kind}`: {advice}")
        if kind == "integers":
            return cls("integers", *_range(value[kind]))
        words = _words(value[kind], kind)
        if kind == "sampled":
            return cls("sampled", 1, 1, words)
        longest = len(words) if kind == "subset" else _LONGEST
        least = _count(value, "at_least", 0)
        most = _count(value, "at_most", longest if kind == "subset" else 8)
        if not least <= most <= longest:
            raise ValueError(f"{kind} of {least} to {most} words: write numbers up to {longest}")
        return cls(kind, least, most, words)

    @property
    def size(self) -> int:
        """How many different texts there are, at most."""
        if self.kind == "integers":
            return self.most - self.least + 1
        words, lengths = len(self.words), range(self.least, self.most + 1)
        if self.kind == "subset":
            return sum(comb(words, length) for length in lengths)
        return sum(words**length for length in lengths)

    @property
    def texts(self) -> tuple[str, ...]:
        """Some of the texts: both ends, each word or, where several are drawn, all at once."""
        if self.kind == "integers":
            return str(self.least), str(self.most)
        return self.words if self.kind == "sampled" else (" ".join(self.words),)

    def __str__(self) -> str:
        if self.kind == "integers":
            return f"an integer from {self.least} to {self.most}"
        listed = ", ".join(self.words)
        if self.kind == "sampled":
            return f"one of {listed}"
        several = f"{self.least} to {self.most}"
        return f"{several} {'of' if self.kind == 'subset' else 'times one of'} {listed}"


_ALLOWED: dict[Any, tuple[str, ...]] = {
    "integers": (),
    "sampled": (),
    "subset": ("at_least", "at_most"),
    "filler": ("at_least", "at_most"),
}


def _range(value: Any) -> tuple[int, int]:
    if (
        not isinstance(value, list)
        or len(value) != 2
        or any(isinstance(end, bool) or not isinstance(end, int) for end in value)
        or value[0] > value[1]
    ):
        raise ValueError(
            f"integers are given by the first and the last, [1, 9]; got {shown(value)}"
        )
    return value[0], value[1]


def _words(value: Any, kind: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"`{kind}` takes a list of words, got {shown(value)}")
    words = tuple(map(as_word, value))
    if "" in words or len(set(words)) != len(words):
        raise ValueError(f"`{kind}` takes different words, none of them empty; got {shown(value)}")
    return words


def _count(value: dict[str, Any], key: str, default: int) -> int:
    number = value.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ValueError(f"`{key}` is a number of words, got {shown(number)}")
    return number


_WORDS = {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1}
_NUMBER = {"type": "integer", "minimum": 0}
_INTEGERS = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}


def _schema(kind: str, of: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {kind: of, **dict.fromkeys(_ALLOWED[kind], _NUMBER)},
        "required": [kind],
        "additionalProperties": False,
    }


StrategyField = Annotated[
    Strategy,
    Parsed(
        Strategy.parse,
        f"What a variable may be: {FORMS}.",
        {
            "anyOf": [
                _schema(kind, _INTEGERS if kind == "integers" else _WORDS) for kind in _ALLOWED
            ]
        },
    ),
]
