"""Names that pytest, JUnit and a shell can carry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from ppcheck.report.text import printable

_PLAIN = "/@:+=,"
"""Marks that stay as they are in a model's id, besides letters, digits and ``_.-~``."""


def claim_name(claim: str, model: str) -> str:
    """``deterred[demo@tuned]``: a claim on one of several models, as pytest writes parameters.

    Equal names mean equal models: other characters of ``model`` are percent-encoded, so that
    ``./my model[1]`` is ``./my%20model%5B1%5D``.
    """
    return f"{claim}[{quote(model, safe=_PLAIN, errors='surrogateescape')}]"


def group_name(model: str) -> str:
    """The model's group for ``--dist loadgroup``, which splits ids at the last ``@``."""
    return quote(model, safe="", errors="surrogateescape").replace("%40", ":")


@contextmanager
def escaped() -> Iterator[None]:
    """A usage error says what was given without steering the terminal that shows it."""
    try:
        yield
    except pytest.UsageError as error:
        raise pytest.UsageError(printable(str(error))) from None


def file_problem(nodeid: str) -> str | None:
    """Why a file with this node id cannot be run, if so."""
    if "::" in nodeid:
        return "pytest reads :: in a path as the end of the file's name"
    if printable(nodeid) != nodeid:
        return "its path holds a character that steers terminals, or that cannot be printed"
    return None
