"""A spec file to claims that are ready to be measured, or to errors that say where and why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError

from ppcheck.errors import SpecError
from ppcheck.spec.base import Model
from ppcheck.spec.claim import Claim
from ppcheck.spec.grammar import suggest
from ppcheck.spec.grid import Grid
from ppcheck.spec.prompts import PromptSet
from ppcheck.spec.source import Location, Source, read_source

M = TypeVar("M", bound=Model)
Checks = Mapping[str, Callable[[], type[Claim]]]
"""The known checks by name; a call imports the check's model."""


class Header(Model):
    """A spec file, its prompts and claims still unread, so that one bad claim spoils no other."""

    ppcheck: Literal[1] = Field(description="The version of the spec language.")
    title: str
    source: str | None = Field(None, description="What the design follows, with a citation.")
    models: list[str] = Field(
        default_factory=lambda: ["*"],
        description="Names or globs of the models that the spec is about; `!name` leaves one out.",
    )
    prompts: dict[str, Any]
    claims: list[Any] = Field(min_length=1)


@dataclass(frozen=True)
class Entry:
    """One claim of a file: either ``claim`` and its ``grid`` of prompts, or the ``error``."""

    id: str
    line: int
    check: str
    claim: Claim | None = None
    grid: Grid | None = None
    error: SpecError | None = None


@dataclass(frozen=True)
class Spec:
    """One spec file. ``sha256`` is of its bytes."""

    path: Path
    title: str
    source: str | None
    models: tuple[str, ...]
    entries: tuple[Entry, ...]
    sha256: str

    def is_about(self, *names: str) -> bool:
        """Whether the spec is about a model that goes by any of ``names``."""
        barred = [glob[1:] for glob in self.models if glob.startswith("!")]
        wanted = [glob for glob in self.models if not glob.startswith("!")] or ["*"]
        return _any_match(names, wanted) and not _any_match(names, barred)


def load_spec(path: Path, checks: Checks) -> Spec:
    """Read a spec file without importing torch.

    Raises SpecError where the file as a whole cannot be used. What is wrong with one claim, or with
    the prompts it is about, stands in its entry instead, and the other claims are whole.
    """
    source = read_source(path)
    if not isinstance(source.data, dict):
        raise source.error("a spec is a mapping with `ppcheck: 1`, `title`, `prompts`, `claims`")
    header = _validate(Header, source.data, source, ())
    grids = {name: _grid(source, name, header.prompts[name]) for name in header.prompts}
    seen: set[str] = set()
    entries = tuple(
        _entry(source, index, raw, grids, checks, seen) for index, raw in enumerate(header.claims)
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Spec(path, header.title, header.source, tuple(header.models), entries, digest)


def _grid(source: Source, name: str, raw: Any) -> Grid | SpecError:
    try:
        return Grid(_validate(PromptSet, raw, source, ("prompts", name)), source.path.parent)
    except SpecError as error:
        return error


def _entry(
    source: Source,
    index: int,
    raw: Any,
    grids: Mapping[str, Grid | SpecError],
    checks: Checks,
    seen: set[str],
) -> Entry:
    location: Location = ("claims", index)
    line = source.line(location)
    fields = raw if isinstance(raw, dict) else {}
    id_, check = str(fields.get("id", f"claim-{index + 1}")), str(fields.get("check", ""))
    if id_ in seen:
        error = source.error(f"the id {id_!r} stands twice in this file", (*location, "id"))
        return Entry(f"{id_}-line-{line}", line, check, error=error)
    seen.add(id_)
    try:
        claim = _claim(source, location, raw, checks)
        grid = _grid_of(source, location, claim, grids)
    except SpecError as error:
        return Entry(id_, line, check, error=error)
    return Entry(id_, line, check, claim, grid)


def _claim(source: Source, location: Location, raw: Any, checks: Checks) -> Claim:
    if not isinstance(raw, dict):
        raise source.error(
            f"a claim is a mapping with `id`, `says`, `check`, not {raw!r}", location
        )
    name = raw.get("check")
    if name is None:
        raise source.error("the claim needs the key 'check'", location)
    if name not in checks:
        advice = suggest(str(name), checks)
        raise source.error(f"unknown check {name!r}: {advice}", (*location, "check"))
    return _validate(checks[name](), raw, source, location)


def _grid_of(
    source: Source, location: Location, claim: Claim, grids: Mapping[str, Grid | SpecError]
) -> Grid:
    name = claim.on.prompts
    if name not in grids:
        advice = suggest(name, grids)
        raise source.error(f"there are no prompts {name!r}: {advice}", (*location, "on"))
    grid = grids[name]
    if isinstance(grid, SpecError):
        raise grid
    problems = [
        str(source.error(message, (*location, key)))
        for key, message in claim.problems(grid.prompt_set)
    ]
    if problems:
        raise _joined(problems)
    return grid


def _validate(model: type[M], raw: Any, source: Source, at: Location) -> M:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = [_problem(model, dict(item), source, at) for item in error.errors()]
        raise _joined(list(dict.fromkeys(problems))) from None


def _joined(problems: list[str]) -> SpecError:
    return SpecError("\n".join(problems))


def _problem(model: type[Model], item: dict[str, Any], source: Source, at: Location) -> str:
    """One pydantic error in the words of a spec's author, with file and line."""
    location = (*at, *item["loc"])
    name = str(item["loc"][-1]) if item["loc"] else ""
    match item["type"]:
        case "extra_forbidden":
            known = [field.alias or key for key, field in model.model_fields.items()]
            message = f"unknown key {name!r}: {suggest(name, known)}"
        case "missing":
            message = f"needs the key {name!r}"
        case "literal_error":
            wanted = str(item["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
            message = f"{name}: unknown {item['input']!r}: " + suggest(
                str(item["input"]), wanted.split(", ")
            )
        case "value_error":
            message = item["msg"].removeprefix("Value error, ")
            message = f"{name}: {message}" if name else message
        case "model_type" | "dict_type":
            message = f"{name or 'this'}: expected a mapping of keys, got {item['input']!r:.60}"
        case _:
            message = (
                f"{name}: {item['msg'][0].lower()}{item['msg'][1:]}, got {item['input']!r:.60}"
            )
    return str(source.error(message, location))


def _any_match(names: tuple[str, ...], globs: list[str]) -> bool:
    return any(fnmatchcase(name, glob) for name in names for glob in globs)
