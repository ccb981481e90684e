"""What is said where claims were asked for and no spec was collected."""

from __future__ import annotations

import os

import pytest

from ppcheck.plugin.options import OPTIONS
from ppcheck.spec.files import SUFFIX

HAS_SPECS = pytest.StashKey[bool]()
"""Whether pytest has come upon a spec, readable or not, selected or not."""


def first_steps(config: pytest.Config) -> str | None:
    """How to get a first spec, where an option of ppcheck was given and no spec was collected.

    A project that only has ppcheck installed sees no hint.
    """
    is_asked = any(getattr(config.option, name) is not None for name in OPTIONS)
    if not is_asked or config.stash.get(HAS_SPECS, False):
        return None
    here = config.invocation_params.dir
    paths = [here / each.partition("::")[0] for each in config.args]
    looked = ", ".join(os.path.relpath(path, here) for path in paths)
    where = "this folder" if looked == "." else looked
    return (
        f"there is no spec (*{SUFFIX}) in {where}: `ppcheck init` writes a first one, and "
        "`pytest --ppcheck-shipped=demo` runs those that come with ppcheck"
    )
