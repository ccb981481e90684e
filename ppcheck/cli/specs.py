"""The specs that a command is given."""

from __future__ import annotations

from pathlib import Path

from ppcheck.errors import SpecError
from ppcheck.spec.files import found
from ppcheck.spec.load import Spec


def sound(path: Path) -> list[Spec]:
    """The spec, or the folder's; raises SpecError for the first problem with any claim."""
    from ppcheck.measure.registry import CHECKS
    from ppcheck.spec.load import load_spec

    specs = [load_spec(spec, CHECKS) for spec in found(path)]
    if not specs:
        raise SpecError("there is no spec (*.pp.yaml) in this folder", path)
    for entry in (entry for spec in specs for entry in spec.entries):
        entry.expand()
    return specs
