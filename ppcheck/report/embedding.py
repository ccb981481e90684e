"""How a page carries all that it needs: style, scripts, data and the plotting library."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

COMPACT: dict[str, Any] = {
    "ensure_ascii": False,
    "separators": (",", ":"),
    "allow_nan": False,
    "dumps": json.dumps,
}
"""How data are written into a page."""


def embedded(styles: Sequence[str], scripts: Sequence[str]) -> dict[str, Any]:
    """What the template `frame` asks for: files of the folder `page`, each after the other.

    Only the page's own two scripts may run, by their hashes (CSP).
    """
    script, plotly = _script(scripts), _plotly()
    return {
        "style": "".join(_text(f"{name}.css") for name in styles),
        "script": script,
        "plotly": _packed(plotly),
        "hashes": [_sha256(script), _sha256(plotly)],
    }


@cache
def environment() -> jinja2.Environment:
    import jinja2

    found = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.PackageLoader("ppcheck.report", "page"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.policies["json.dumps_kwargs"] = {k: v for k, v in COMPACT.items() if k != "dumps"}
    return found


def _text(name: str) -> str:
    return (files("ppcheck.report") / "page" / name).read_text(encoding="utf-8")


def _script(names: Sequence[str]) -> str:
    parts = "\n".join(_text(f"{name}.js") for name in names)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


@cache
def _plotly() -> str:
    """The library's own bundle; a page loads it when the first plot is drawn."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@cache
def _packed(script: str) -> str:
    """A quarter of its size, so that data have the room."""
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
