"""What a record keeps of a measurement beside its statistics: its sample, what is drawn, and who
was chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Number = Annotated[int | float, WithJsonSchema({"type": "number"})]
EXTRAS = "extras"


class AsGiven(BaseModel):
    """Written as the keys that were given, in the order in which they were."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    _keys: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="wrap")
    @classmethod
    def _with_keys(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        found = handler(given)
        if isinstance(given, Mapping):
            found._keys = tuple(cls._keys_of(given))  # noqa: SLF001  (its own)
        return found

    @model_serializer
    def _written(self) -> dict[str, Any]:
        return dict(self.items())

    def items(self) -> Iterator[tuple[str, Any]]:
        """Keys in JSON and what they hold."""
        fields = {self._key(name): getattr(self, name) for name in self.model_fields_set}
        flat = fields | fields.pop(EXTRAS, {})
        return ((key, flat[key]) for key in self._keys)

    @classmethod
    def _keys_of(cls, given: Mapping[str, Any]) -> Iterator[str]:
        for name, value in given.items():
            yield from value if name == EXTRAS else (cls._key(name),)

    @classmethod
    def _key(cls, name: str) -> str:
        """A field's name in JSON."""
        return cls.model_fields[name].alias or name if name in cls.model_fields else name


class Map(AsGiven):
    """``values`` [row, column], None where there is nothing."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[Number | None, ...], ...]


class Curve(AsGiven):
    """``y`` at each ``x``, with the ends of its band, all [point]."""

    x: tuple[Number | str | None, ...]
    y: tuple[Number | None, ...]
    low: tuple[Number | None, ...] = ()
    high: tuple[Number | None, ...] = ()
    x_label: str = "layer"
    y_label: str = ""


class CurvePoint(AsGiven):
    """One of a curve without a band."""

    x: Number | str | None
    y: Number | None


class AttentionRow(AsGiven):
    """What a head pays from the last token of a position to each token before it, [token]."""

    head: str
    from_: str = Field(alias="from")
    tokens: tuple[str, ...]
    weights: tuple[Number | None, ...]


class Written(AsGiven):
    """A reply to some prompt, and how many prompts and numbers had it."""

    prompt: str
    reply: str
    count: int


class Replies(AsGiven):
    """How many replies have an outcome, and the commonest of them."""

    count: int
    shown: tuple[Written, ...] = ()


class Facts(AsGiven):
    """One flat object in JSON. What only its own check knows is in ``extras``.

    sample     ``prompts`` (or pairs) in independent ``units``, of which ``distinct`` differ in a
               token; ``unit`` names the variables that tell units apart
    metric     the first of the ``metrics``; ``mass`` is the mean probability of all choices
    selection  of ``searched`` sites those ``kept``, by ``looked_at`` prompts; a ``set`` that is
               claimed to lead the ``ranking``
    features   the site at which each dictionary's features act, by the dictionary's name
    role       the ``players`` found, who was expected, and whether another may play it
    replies    by outcome, in the order of the claim
    drawn      by title: ``maps``, ``curves``, ``separations`` (activations by group), ``patterns``;
               ``effects`` by site, between two positions (``from``, ``to``)
    cost       why patches were not replayed, and the (whole, replayed) ``work``
    """

    prompts: int = 0
    distinct: int = 0
    units: int = 0
    prompts_sha256: str | None = None
    unit: tuple[str, ...] = ()
    metric: str | None = None
    metrics: tuple[str, ...] = ()
    linear_in_logits: bool | None = None
    mass: float | None = None
    searched: int | None = None
    kept: tuple[str, ...] = ()
    looked_at: int = 0
    set_: tuple[str, ...] = Field((), alias="set")
    ranking: tuple[str, ...] = ()
    features: dict[str, str] = Field(default_factory=dict)
    players: tuple[str, ...] | None = None
    played_by: str | None = None
    identity: str | None = None
    replies: dict[str, Replies] = Field(default_factory=dict)
    maps: dict[str, Map] = Field(default_factory=dict)
    curves: dict[str, Curve | tuple[CurvePoint, ...]] = Field(default_factory=dict)
    separations: dict[str, dict[str, tuple[Number | None, ...]]] = Field(default_factory=dict)
    patterns: tuple[AttentionRow, ...] = ()
    effects: dict[str, Number | None] = Field(default_factory=dict)
    from_: str | None = Field(None, alias="from")
    to: str | None = None
    uniform: float | None = None
    no_replay: str | None = None
    work: tuple[int, int] = (0, 0)
    extras: dict[str, Any] = Field(default_factory=dict)

    def __or__(self, other: Facts) -> Facts:
        """Both; of what both have, what the other says."""
        fields = {
            name: getattr(one, name) for one in (self, other) for name in one.model_fields_set
        }
        merged = Facts(**fields | {EXTRAS: self.extras | other.extras})
        merged._keys = tuple(dict.fromkeys((*self._keys, *other._keys)))
        return merged

    @classmethod
    def read(cls, held: Any) -> Any:
        """Facts as a record has them; anything but an object of JSON is given back as it is.

        Under some names earlier versions kept something else: that is among the extras.
        """
        if not isinstance(held, Mapping):
            return held
        try:
            return cls._of(held, known=cls._json_names())
        except ValidationError as error:
            odd = {str(each["loc"][0]) for each in error.errors()}
            return cls._of(held, known=cls._json_names() - odd)

    @classmethod
    def _of(cls, held: Mapping[str, Any], known: frozenset[str]) -> Facts:
        fields = {key: value for key, value in held.items() if key in known}
        found = cls(**fields, extras={k: value for k, value in held.items() if k not in known})
        found._keys = tuple(held)
        return found

    @classmethod
    def _json_names(cls) -> frozenset[str]:
        return frozenset(cls._key(name) for name in cls.model_fields) - {EXTRAS}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Flat, as it is written, and open to what checks add."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        schema["properties"].pop(EXTRAS)
        return schema | {"additionalProperties": True}
