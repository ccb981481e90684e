"""Every check by name. A new check is one file in `checks/` and one line here."""

from __future__ import annotations

import json
from functools import partial, reduce
from importlib import import_module
from operator import or_
from typing import Annotated, Any

from pydantic import Field, create_model

from ppcheck.measure.core.check import Check
from ppcheck.spec.load import Checks, Header
from ppcheck.spec.prompts.prompt_set import PromptSet

_CHECKS = {
    "choice": "choice:Choice",
    "reply": "reply:Reply",
    "dose_response": "dose_response:DoseResponse",
    "contrast": "contrast:Contrast",
    "invariance": "invariance:Invariance",
    "property": "property:Property",
    "patch": "patch:Patch",
    "attention": "attention:Attention",
    "neuron": "neuron:Neuron",
    "ablate": "ablate:Ablate",
    "role": "role:Role",
    "flow": "flow:Flow",
    "localisation": "localisation:Localisation",
    "path": "path:DirectPath",
    "logit_lens": "logit_lens:LogitLens",
    "attribution": "attribution:Attribution",
    "steer": "steer:Steer",
    "direction_ablation": "direction_ablation:DirectionAblation",
    "probe": "probe:Probe",
    "circuit": "circuit:Circuit",
}


def _import(name: str) -> type[Check]:
    module, _, model = _CHECKS[name].partition(":")
    check: type[Check] = getattr(import_module(f"ppcheck.measure.checks.{module}"), model)
    return check


CHECKS: Checks = {name: partial(_import, name) for name in _CHECKS}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a spec file, for editors."""
    claims: Any = reduce(or_, (check() for check in CHECKS.values()))
    fields: dict[str, Any] = {
        "prompts": (dict[str, PromptSet], ...),
        "claims": (list[Annotated[claims, Field(discriminator="check")]], ...),
    }
    model = create_model("Spec", __base__=Header, **fields)
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "ppcheck"}


def spec_schema_text() -> str:
    """The JSON Schema as it is committed beside the spec language."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
