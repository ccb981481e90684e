"""What `import ppcheck` gives, and what it does not import."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import version

import pytest

import ppcheck

LIGHT = "{'torch', 'transformers', 'pydantic', 'numpy', 'scipy', 'pandas', 'yaml', 'rich'}"


def test_the_public_names_are_these() -> None:
    assert ppcheck.__all__ == [
        *("Found", "PpcheckError", "Run", "compare", "find", "load_record", "load_spec", "run"),
        "shipped",
    ]
    assert dir(ppcheck) == sorted([*ppcheck.__all__, "__version__"])
    for name in ppcheck.__all__:
        assert inspect.getdoc(getattr(ppcheck, name)), name
    assert ppcheck.__version__ == version("ppcheck")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'ppcheck' has no attribute 'runn'"):
        ppcheck.runn  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "import ppcheck; loaded = [n for n in sys.modules if n.startswith('ppcheck.')]",
        "from ppcheck import Found, Run, find, run, compare, load_record, load_spec; loaded = []",
    ],
)
def test_importing_is_light(code: str) -> None:
    check = f"import sys; {code}; print(loaded, *{LIGHT}.intersection(sys.modules))"
    command = [sys.executable, "-c", check]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
