"""Claims about a language model, its behaviour and its mechanism, as pytest tests.

The names in ``__all__`` are the public Python API (docs/python.md). Importing this imports nothing
else: each name is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppcheck.api.findings import Found, find
    from ppcheck.api.runs import Run, compare, load_record
    from ppcheck.api.session import load_spec, run
    from ppcheck.errors import PpcheckError
    from ppcheck.spec.files import shipped

    __version__: str

__all__ = [
    "Found",
    "PpcheckError",
    "Run",
    "compare",
    "find",
    "load_record",
    "load_spec",
    "run",
    "shipped",
]

_HOMES = {
    "ppcheck.api.findings": ("Found", "find"),
    "ppcheck.api.runs": ("Run", "compare", "load_record"),
    "ppcheck.api.session": ("load_spec", "run"),
    "ppcheck.errors": ("PpcheckError",),
    "ppcheck.spec.files": ("shipped",),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "__version__":
        return import_module("importlib.metadata").version("ppcheck")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'ppcheck' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
