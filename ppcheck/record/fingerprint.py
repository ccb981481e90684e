"""What a claim measures, as a hash and in words: its own words and bounds may change, this not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ppcheck.spec.claim import Claim
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.variable import Variable

_JUDGING = {"id", "says", "expect", "source", "tolerance", "correction"}
_SHORT = 60
"""Characters up to which a value is kept as it is."""
_DEEPEST = 2
"""Keys inside keys, as in ``prompts.vary.feeling``."""


def fingerprint(claim: Claim, grid: Grid, seed: int) -> str:
    """Of what was written: a key that a later version knows leaves claims without it as they are.

    So the default of a key must never change.
    """
    said = claim.model_dump(mode="json", exclude_defaults=True, exclude=_JUDGING)
    asked: list[Any] = [said, grid.prompt_set.model_dump(mode="json", exclude_defaults=True), seed]
    if claim.dictionaries:
        asked.append({name: grid.features[name].sha256 for name in claim.dictionaries})
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def measures(claim: Claim, grid: Grid) -> dict[str, str]:
    """What the fingerprint is of, key by key as a spec writes it; defaults are left out."""
    said = claim.model_dump(by_alias=True, exclude_defaults=True, exclude=_JUDGING)
    asked = grid.prompt_set.model_dump(by_alias=True, exclude_defaults=True)
    read = [grid.features[name] for name in claim.dictionaries]
    features = {one.name: f"{one.folder} ({one.sha256[:8]})" for one in read}
    return dict(_flat({**said, "prompts": asked, **({"features": features} if features else {})}))


def _flat(said: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    """Each key with its value as text; a long text is cut, and followed by its hash."""
    for name, value in said.items():
        key = f"{within}{name}"
        if isinstance(value, dict) and value and key.count(".") < _DEEPEST:
            yield from _flat(value, f"{key}.")
            continue
        text = _text(value)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        yield key, text if len(text) <= _SHORT else f"{text[:_SHORT]}… ({digest})"


def _text(value: Any) -> str:
    if isinstance(value, Variable):
        return _text(_written(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written(variable: Variable) -> Any:
    """A variable as a spec writes it."""
    if variable.role == "classes":
        return {
            label: [word.text for word in variable.words if word.label == label]
            for label in variable.labels
        }
    texts = [word.text for word in variable.words]
    if variable.role == "plain":
        return texts
    return {"ordered": texts, "doses": [word.dose for word in variable.words]}
