"""How a page carries all that it needs: style, scripts, data and the plotting library."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from ppcheck.report.modules import linked

if TYPE_CHECKING:
    import jinja2

COMPACT: dict[str, Any] = {
    "ensure_ascii": False,
    "separators": (",", ":"),
    "allow_nan": False,
    "dumps": json.dumps,
}
"""How data are written into a page."""


def embedded(styles: Sequence[str], entry: str) -> dict[str, Any]:
    """What the template `frame` asks for: style sheets, and a script with all that it imports.

    Only the page's own two scripts may run, by their hashes (CSP).
    """
    script, plotly = _script(entry), _plotly()
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


def page_folder() -> Traversable:
    """Templates and style sheets of the pages."""
    return files("ppcheck.report") / "page"


def scripts_folder() -> Traversable:
    return page_folder() / "scripts"


def _text(name: str) -> str:
    return (page_folder() / name).read_text(encoding="utf-8")


@cache
def _script(entry: str) -> str:
    return linked(scripts_folder(), entry)


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
