"""Directions in activation space: between the means of two classes, by a probe, or from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from ppcheck.arrays import Floats, Mask
from ppcheck.errors import MeasurementError, SpecError
from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.selection import Search, first_half
from ppcheck.measure.core.validation import patch_problems, result_problems, single_problems
from ppcheck.measure.probes.fitting import probe_direction
from ppcheck.spec.base import Model
from ppcheck.spec.faults import lacking
from ppcheck.spec.problem import Problem, Problems, problems_with, renamed, within
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet, check_labels
from ppcheck.spec.prompts.rows import resolve_inside
from ppcheck.spec.prompts.selection import Selection, SelectionField
from ppcheck.spec.sites.position import Position, PositionField
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject.model.fingerprint import digest
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded

ROUNDING = 1e-5
"""Class means closer than this share of their length do not differ, but for float32's rounding."""


class Direction(Model):
    """One direction for each site: from one class of prompts to another, or read from a file."""

    between: dict[str, tuple[str, str]] | None = Field(
        None,
        min_length=1,
        max_length=1,
        description="The mean of the first class minus that of the second: "
        "{feeling: [pleasure, pain]}.",
    )
    by: Literal["means", "probe"] = Field(
        "means",
        description="The difference of the means itself, or of it what lies along the weights of a "
        "logistic regression.",
    )
    on: SelectionField | None = Field(
        None, description="The prompts that it is learned from; default: the whole prompt set."
    )
    at: PositionField | None = Field(
        None, description="The token at which it is learned; default: the claim's position."
    )
    file: str | None = Field(None, description="A safetensors file in the spec's folder.")
    tensor: str | None = Field(
        None,
        description="The tensor for every site; default: each site's own, called as the site is.",
    )

    def problems(self, prompt_set: PromptSet, position: Position) -> Problems:
        """What can be seen to be wrong without a model."""
        yield from within("direction", self._problems(prompt_set, position))

    def _problems(self, prompt_set: PromptSet, position: Position) -> Problems:
        if (self.between is None) == (self.file is None):
            yield Problem(
                "between", "a direction is `between` two classes or from a `file`: give one"
            )
        keys, where = (("by", "on", "at"), "between") if self.file else (("tensor",), "file")
        for key in self.model_fields_set.intersection(keys):
            yield Problem(key, f"`{key}` has a meaning for a direction from `{where}`")
        for name, labels in (self.between or {}).items():
            variable = prompt_set.vary.get(name)
            if variable is None and prompt_set.rows is None:
                yield Problem("between", f"{name!r} is not a variable of the prompts")
            try:
                check_labels(name, variable, labels)
            except ValueError as error:
                yield Problem("between", str(error))
        if self.at is not None:
            yield from renamed("at", patch_problems(self.at))
        if self.by == "probe":
            at = self.at or position
            yield from renamed("at", single_problems(at, "a probe is fitted at"))

    def faults(self, grid: Grid, prompts: str) -> Problems:
        """Classes that no prompt has, and what is wrong with its file; ``prompts`` is the set."""
        where = self.on or Selection(prompts)
        for name, labels in (self.between or {}).items():
            found = lacking(grid.select(where), name, labels, str(where))
            yield from problems_with("direction.between", found)
        if self.file is None:
            return
        try:
            with _opened(_path(grid.folder, self.file)) as tensors:
                _named(tensors, self.tensor) if self.tensor else tensors.keys()
        except SpecError as error:
            yield Problem("direction.file", error.message)


@dataclass(frozen=True, eq=False)
class Directions:
    """A direction for each site, [width], zeros where the classes do not differ there.

    They were learned from prompts of the units that ``looked_at`` prompts have: those are one half
    of all units, and only the other half is judged, of the ``encoded`` prompts of the claim.
    """

    vectors: dict[Site, Floats]
    looked_at: tuple[Prompt, ...]
    encoded: Encoded
    facts: Facts
    note: str

    def evaluation_mask(self, sites: Sequence[str]) -> Mask:
        """Which of the prompts may be judged on. Raises MeasurementError where a half is empty."""
        judged = Search(tuple(sites), (), self.looked_at).evaluation_mask(self.encoded.prompts)
        if judged.all():
            raise MeasurementError(
                "the half of the units that is looked at has none of the claim's prompts: "
                "let the `unit` of the prompts have all classes"
            )
        return judged

    def random(self, site: Site, draws: int, seed: int) -> Floats:
        """Directions of the same length, uniform over the sphere, [draw, width]."""
        vector = self.vectors[site]
        rng = np.random.default_rng(int(digest("random", seed, str(site))[:16], 16))
        drawn = rng.normal(size=(draws, len(vector)))
        lengths: Floats = np.linalg.norm(drawn, axis=1, keepdims=True)
        return drawn * (np.linalg.norm(vector) / lengths)

    @property
    def notes(self) -> Iterator[str]:
        yield self.note
        if nowhere := [str(site) for site, vector in self.vectors.items() if not vector.any()]:
            yield f"the classes do not differ at {', '.join(nowhere)}: there is no direction there"


def learn(
    bench: Bench,
    direction: Direction,
    sites: Sequence[Site],
    position: Position,
    judged_on: Selection,
) -> Directions:
    """The directions of all sites, found on one half of the units.

    Raises MeasurementError for a class without prompts on that half, SpecError for a file that is
    outside the spec's folder or damaged or lacks a tensor of the site's width.
    """
    if direction.between is None:
        return _from_file(bench, direction, sites, bench.prompts(judged_on))
    ((name, labels),) = direction.between.items()
    learned_on = direction.on or Selection(judged_on.prompts)
    known, encoded = bench.together(learned_on, judged_on)
    for message in lacking(known.prompts, name, (), str(learned_on)):
        raise MeasurementError(message)
    everyone = list({p.text: p for p in (*known.prompts, *encoded.prompts)}.values())
    looked_at = tuple(compress(everyone, first_half(everyone, bench.seed, name)))
    units, at = {prompt.unit for prompt in looked_at}, direction.at or position
    half = [prompt for prompt in known.prompts if prompt.unit in units]
    sides = [_of_class(half, name, label) for label in labels]
    first, second = (_means(bench.subject, side, sites, at) for side in sides)
    vectors = dict(zip(sites, map(_difference, first, second), strict=True))
    if direction.by == "probe":
        vectors = _probed(bench.subject, sides, vectors, at)
    number = sum(map(len, sides))
    source = {"between": {name: list(labels)}, "by": direction.by, "at": str(at), "prompts": number}
    how = "means" if direction.by == "means" else "a logistic probe"
    note = (
        f"the direction is from {labels[1]} to {labels[0]} by {how} at {at}, learned from "
        f"{number:,} prompts of one half of the units and judged on the other"
    )
    return Directions(vectors, looked_at, encoded, _facts(source, vectors), note)


def _of_class(prompts: Sequence[Prompt], name: str, label: str) -> list[Prompt]:
    found = [p for p in prompts if label in (p.words[name].label, p.words[name].text)]
    if not found:
        raise MeasurementError(
            f"there is no prompt with {name}={label} among the units that directions are "
            "learned from"
        )
    return found


def site_problems(sites: Sites) -> Problems:
    """A neuron has one number, and a pattern none at a token: neither has directions.

    A head has others after W_O than before it.
    """
    for pattern in sites:
        if pattern.kind in (Kind.PATTERN, Kind.NEURON):
            yield Problem(
                "site", f"{pattern} has no direction: name a stream, an output, or a head"
            )
    yield from result_problems(sites)


def _means(
    subject: Subject, prompts: Sequence[Prompt], sites: Sequence[Site], at: Position
) -> list[Floats]:
    return subject.means(subject.encode(prompts), sites, at, pooled=True)


def _difference(first: Floats, second: Floats) -> Floats:
    difference = first - second
    size = max(float(np.linalg.norm(first)), float(np.linalg.norm(second)))
    return difference if np.linalg.norm(difference) > ROUNDING * size else np.zeros_like(first)


def _probed(
    subject: Subject, sides: list[list[Prompt]], gaps: dict[Site, Floats], at: Position
) -> dict[Site, Floats]:
    """What of each difference of means lies along the weights of a logistic regression."""
    encoded = subject.encode([*sides[0], *sides[1]])
    first = np.arange(len(encoded)) < len(sides[0])
    found = {}
    for site, activations in zip(
        gaps, subject.capture(encoded, list(gaps), encoded.single(at)), strict=True
    ):
        along = probe_direction(activations, first) if gaps[site].any() else gaps[site]
        found[site] = along * (along @ gaps[site])
    return found


def _from_file(
    bench: Bench, direction: Direction, sites: Sequence[Site], encoded: Encoded
) -> Directions:
    looked_at = tuple(compress(encoded.prompts, first_half(encoded.prompts, bench.seed)))
    path = _path(bench.grid.folder, direction.file or "")
    vectors = {}
    with _opened(path) as tensors:
        for site in sites:
            vector = _named(tensors, direction.tensor or _own(tensors, site))
            width = bench.subject.shape.width(site.kind)
            if vector.shape != (width,):
                raise SpecError(
                    f"{path.name}: the tensor for {site} has shape {list(vector.shape)}, and "
                    f"an activation there has {width} numbers"
                )
            vectors[site] = vector
    source = {"file": direction.file, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    note = f"the direction is from {direction.file}; half of the units is judged"
    return Directions(vectors, looked_at, encoded, _facts(source, vectors), note)


def _facts(source: dict[str, Any], vectors: dict[Site, Floats]) -> Facts:
    lengths = {str(site): float(np.linalg.norm(vector)) for site, vector in vectors.items()}
    return Facts(extras={"direction": {**source, "length": lengths}})


def _path(folder: Path, name: str) -> Path:
    try:
        return resolve_inside(folder, name)
    except ValueError as error:
        raise SpecError(f"direction: {error}") from None


def _opened(path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError) as error:
        raise SpecError(f"{path.name} is not a safetensors file: {error}") from None


def _own(tensors: Any, site: Site) -> str:
    """The tensor of a site: by its own name, or by its hook's."""
    names = list(tensors.keys())
    name = next((name for name in (str(site), site.hook) if name in names), None)
    if name is None:
        raise SpecError(
            f"no tensor of the file is called {str(site)!r}: there is {', '.join(names)}; "
            "name the one for all sites with `tensor`"
        )
    return name


def _named(tensors: Any, name: str) -> Floats:
    if name not in tensors.keys():  # noqa: SIM118  (it is a file, and no mapping)
        raise SpecError(f"the file has no tensor {name!r}: there is {', '.join(tensors.keys())}")
    try:
        vector = np.asarray(tensors.get_tensor(name), dtype=np.float64)
    except (TypeError, ValueError, AttributeError):
        raise SpecError(f"the tensor {name!r} cannot be read: save it as float32") from None
    if not (np.isfinite(vector).all() and vector.any()):
        raise SpecError(f"the tensor {name!r} has no direction: it is zero or not finite")
    return vector
