"""All that can be seen to be wrong with a spec file, in one round and without a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ppcheck.errors import SpecError
from ppcheck.spec.dictionaries import read_dictionaries
from ppcheck.spec.load import Checks, Entry, header_of, parts
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.source import Source, read_source


@dataclass(frozen=True)
class Survey:
    """``problems`` in the order of the file; ``grids`` and ``entries`` are those without any."""

    problems: tuple[SpecError, ...]
    grids: dict[str, Grid]
    entries: tuple[Entry, ...]
    unused: tuple[SpecError, ...] = ()
    """Prompt sets that no claim is about."""


def survey(path: Path, checks: Checks) -> Survey:
    """Read a whole file, whatever is wrong with parts of it."""
    try:
        source = read_source(path)
    except SpecError as error:
        return Survey((error,), {}, ())
    if not isinstance(source.data, dict):
        return Survey(tuple(_of_header(source)), {}, ())
    prompts, claims = source.data.get("prompts"), source.data.get("claims")
    named = source.data.get("features")
    folders = (named if isinstance(named, dict) else {}).items()
    features = read_dictionaries(source, {str(k): v for k, v in folders if isinstance(v, str)})
    grids, entries = parts(
        source,
        {str(key): value for key, value in (prompts if isinstance(prompts, dict) else {}).items()},
        claims if isinstance(claims, list) else [],
        checks,
        features,
    )
    made = {name: grid for name, grid in grids.items() if isinstance(grid, Grid)}
    both = (*features.values(), *grids.values())
    refused = [one for one in both if isinstance(one, SpecError)]
    wrong_prompts = {name: error for name, grid in made.items() for error in _of_grid(grid)}
    wrong_claims = {number: e for number, entry in enumerate(entries) for e in _of_entry(entry)}
    found = [*_of_header(source), *refused, *wrong_prompts.values(), *wrong_claims.values()]
    once = {str(error): error for error in found}.values()
    return Survey(
        tuple(sorted(once, key=lambda error: error.line or 0)),
        {name: grid for name, grid in made.items() if name not in wrong_prompts},
        tuple(entry for number, entry in enumerate(entries) if number not in wrong_claims),
        tuple(_unused(source, made)),
    )


def _of_header(source: Source) -> Iterator[SpecError]:
    try:
        header_of(source)
    except SpecError as error:
        yield error


def _of_grid(grid: Grid) -> Iterator[SpecError]:
    try:
        _ = grid.prompts
    except SpecError as error:
        yield error


def _of_entry(entry: Entry) -> Iterator[SpecError]:
    try:
        entry.expand()
    except SpecError as error:
        yield error


def _unused(source: Source, grids: dict[str, Grid]) -> Iterator[SpecError]:
    claims = source.data.get("claims")
    texts = [str(value) for value in _leaves(claims)]
    for name in grids:
        if texts and not any(text == name or text.startswith(f"{name}[") for text in texts):
            yield source.error(f"no claim is about the prompts {name!r}", ("prompts", name))


def _leaves(value: object) -> Iterator[object]:
    """Every value in nested lists and keys that is neither."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value
