"""A spec file to claims that are ready to be measured, or to errors that say where and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ppcheck.errors import SpecError
from ppcheck.spec.base import Model
from ppcheck.spec.claim import ID, Claim
from ppcheck.spec.dictionaries import read_dictionaries
from ppcheck.spec.dictionary import Dictionary
from ppcheck.spec.faults import of_feature
from ppcheck.spec.grammar import shown, suggest
from ppcheck.spec.prompts.grid import Grid, unplaced
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.source import Location, Source, read_source
from ppcheck.spec.wording import joined, validated

Checks = Mapping[str, Callable[[], type[Claim]]]
"""The known checks by name; a call imports the check's model."""


class Header(Model):
    """A spec file, its prompts and claims still unread, so that one bad claim spoils no other."""

    ppcheck: Literal[1] = Field(description="The version of the spec language.")
    title: str
    source: str | None = Field(None, description="What the design follows, with a citation.")
    models: list[str] = Field(
        default_factory=lambda: ["*"],
        min_length=1,
        description="Names or globs of the models that the spec is about; `!name` leaves one out.",
    )
    features: dict[str, str] = Field(
        default_factory=dict,
        description="Sparse autoencoders and transcoders whose features are sites: "
        "{sae.NAME: its folder beside the spec}.",
    )
    prompts: dict[str, Any]
    claims: list[Any] = Field(min_length=1)


@dataclass(frozen=True)
class Entry:
    """One claim of a file: either ``claim`` and its ``grid`` of prompts, or the ``error``.

    A claim without a valid id of its own is called by its number: ``claim#2``, or ``id#2``.
    ``place`` makes the SpecError from a message and the keys of the claim that it is about.
    """

    id: str
    line: int
    check: str
    claim: Claim | None = None
    grid: Grid | None = None
    error: SpecError | None = None
    place: Callable[..., SpecError] = field(default=unplaced, repr=False, compare=False)

    def expand(self) -> tuple[Claim, Grid]:
        """The claim and its prompts, made. Raises SpecError for all that is wrong with them."""
        if self.claim is None or self.grid is None:
            raise self.error or self.place("the claim was not loaded")
        faults = self.claim.faults(self.grid)
        problems = [self.place(problem.message, *problem.keys) for problem in faults]
        if problems:
            raise joined(problems)
        return self.claim, self.grid


@dataclass(frozen=True)
class Spec:
    """One spec file. ``sha256`` is of its bytes."""

    path: Path
    title: str
    source: str | None
    models: tuple[str, ...]
    entries: tuple[Entry, ...]
    sha256: str

    @property
    def about(self) -> str:
        """The models that the spec is about, in words."""
        wanted, barred = self._globs
        named = "any model" if "*" in wanted else ", ".join(wanted)
        return f"{named} but {', '.join(barred)}" if barred else named

    def is_about(self, *names: str) -> bool:
        """Whether the spec is about a model that goes by any of ``names``."""
        wanted, barred = self._globs
        return _any_match(names, wanted) and not _any_match(names, barred)

    @property
    def _globs(self) -> tuple[list[str], list[str]]:
        barred = [glob[1:] for glob in self.models if glob.startswith("!")]
        wanted = [glob for glob in self.models if not glob.startswith("!")] or ["*"]
        return wanted, barred


def load_spec(path: Path, checks: Checks) -> Spec:
    """Read a spec file without importing torch.

    Raises SpecError where the file as a whole cannot be used. What is wrong with one claim, or with
    the prompts it is about, stands in its entry instead, and the other claims are whole.
    """
    source = read_source(path)
    header = header_of(source)
    features = read_dictionaries(source, header.features)
    _, entries = parts(source, header.prompts, header.claims, checks, features)
    models = tuple(header.models)
    return Spec(path, header.title, header.source, models, entries, source.sha256)


def header_of(source: Source) -> Header:
    """Raises SpecError with all that is wrong with it."""
    if not isinstance(source.data, dict):
        what = "the file is empty" if source.data is None else f"got {shown(source.data)}"
        raise source.error(
            f"a spec has the keys `ppcheck: 1`, `title`, `prompts` and `claims`; {what}"
        )
    return validated(Header, source.data, source, ())


def parts(
    source: Source,
    prompts: Mapping[str, Any],
    claims: Sequence[Any],
    checks: Checks,
    features: Mapping[str, Dictionary | SpecError],
) -> tuple[dict[str, Grid | SpecError], tuple[Entry, ...]]:
    """The prompt sets by name, each a grid or what is wrong with it, and the claims about them."""
    read = {name: one for name, one in features.items() if isinstance(one, Dictionary)}
    grids = {name: _grid(source, name, raw, read) for name, raw in prompts.items()}
    seen: dict[str, int] = {}
    entries = [
        _entry(source, index, raw, grids, checks, seen, features)
        for index, raw in enumerate(claims)
    ]
    return grids, tuple(entries)


def _grid(
    source: Source, name: str, raw: Any, features: Mapping[str, Dictionary]
) -> Grid | SpecError:
    location: Location = ("prompts", name)

    def error(message: str, *keys: str) -> SpecError:
        return source.error(message, (*location, *keys))

    try:
        prompt_set = validated(PromptSet, raw, source, location)
    except SpecError as problem:
        return problem
    return Grid(prompt_set, source.path.parent, error, features)


def _entry(
    source: Source,
    index: int,
    raw: Any,
    grids: Mapping[str, Grid | SpecError],
    checks: Checks,
    seen: dict[str, int],
    features: Mapping[str, Dictionary | SpecError],
) -> Entry:
    location: Location = ("claims", index)
    line, number = source.line(location), index + 1
    id_, check = _text(raw, "id"), _text(raw, "check")
    if not re.fullmatch(ID, id_):
        id_ = ""  # what is wrong with it, the claim's error says
    if id_ in seen:
        twice = f"the id {shown(id_)} stands on line {seen[id_]} already: give each claim its own"
        error = source.error(twice, (*location, "id"))
        return Entry(f"{id_}#{number}", line, check, error=error)
    name = id_ or f"claim#{number}"
    seen[name] = source.line((*location, "id"))

    def place(message: str, *keys: str) -> SpecError:
        return source.error(message, (*location, *keys))

    try:
        claim = _claim(source, location, raw, checks)
        _check_features(source, location, claim, features)
        grid = _grid_of(source, location, claim, grids)
    except SpecError as error:
        return Entry(name, line, check, error=error)
    return Entry(name, line, check, claim, grid, place=place)


def _text(raw: Any, key: str) -> str:
    value = raw.get(key) if isinstance(raw, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _claim(source: Source, location: Location, raw: Any, checks: Checks) -> Claim:
    if not isinstance(raw, dict):
        message = f"a claim has keys such as `id`, `says` and `check`; got {shown(raw)}"
        raise source.error(message, location)
    if "check" not in raw:
        known = ", ".join(checks)
        raise source.error(f"the key 'check' is missing: there is {known}", location)
    name = raw["check"]
    if not isinstance(name, str) or name not in checks:
        message = f"unknown check {shown(name)}: {suggest(str(name), checks)}"
        raise source.error(message, (*location, "check"))
    return validated(checks[name](), raw, source, location)


def _grid_of(
    source: Source, location: Location, claim: Claim, grids: Mapping[str, Grid | SpecError]
) -> Grid:
    name = claim.on.prompts
    if name not in grids:
        message = f"there are no prompts {name!r}: {suggest(name, grids)}"
        raise source.error(message, (*location, "on"))
    grid = grids[name]
    if isinstance(grid, SpecError):
        raise grid
    problems = [
        source.error(problem.message, (*location, *problem.keys))
        for problem in claim.problems(grid.prompt_set)
    ]
    if problems:
        raise joined(problems)
    return grid


def _check_features(
    source: Source,
    location: Location,
    claim: Claim,
    features: Mapping[str, Dictionary | SpecError],
) -> None:
    """Raises SpecError for features of no dictionary, of a bad one, and that it does not have."""
    for key, pattern in claim.feature_sites:
        dictionary = features.get(pattern.dictionary)
        if isinstance(dictionary, SpecError):
            raise dictionary
        for message in of_feature(pattern, dictionary, features):
            raise source.error(message, (*location, key))


def _any_match(names: tuple[str, ...], globs: list[str]) -> bool:
    return any(fnmatchcase(name, glob) for name in names for glob in globs)
