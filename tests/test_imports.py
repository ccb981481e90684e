"""What each use of ppcheck imports, and what it does not: a run pays only for what it uses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.conftest import SPEC

MEASURING = {"numpy", "scipy", "torch", "transformers", "transformer_lens", "hypothesis"}
READING = {"pydantic", "pydantic_core", "yaml"}
REPORTING = {"rich", "jinja2", "plotly", "pandas", "sqlalchemy"}
DOSED = """
  - id: dosed
    says: The more pain, the rarer B.
    check: dose_response
    on: game[feeling=pain]
    metric: p(b)
    dose: dose
    expect: {spearman: "< 0"}
"""
_PYTEST = "import pytest; pytest.main(sys.argv[1:])"
_COMMAND = """
from contextlib import suppress
from ppcheck.cli import main
with suppress(SystemExit):
    main(sys.argv[1:])
"""


def imported(code: str, names: set[str], folder: Path, *arguments: str) -> list[str]:
    """Which of these modules a process has imported that ran ``code`` in ``folder``.

    Other plugins of pytest, which import what they like, are left out.
    """
    watched = f"import sys\n{code}\nprint('imported:', *sorted({names} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", watched, *arguments],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.rpartition("imported:")[2].split()


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = tmp_path / "game.pp.yaml"
    file.write_text(SPEC.rstrip() + DOSED)
    return file


def test_tests_that_are_no_specs_pay_for_nothing_of_what_reads_measures_and_reports(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_other.py").write_text("def test_other(): pass")
    heavy = MEASURING | READING | REPORTING
    assert imported(_PYTEST, heavy, tmp_path, "-p", "ppcheck.plugin") == []


def test_a_run_of_behavioural_claims_imports_neither_pandas_nor_transformer_lens(
    spec: Path,
) -> None:
    heavy = {"transformer_lens", "datasets", "sklearn", "statsmodels", "scipy.stats", "hypothesis"}
    heavy |= {"pandas", "plotly", "sqlalchemy", "ppcheck.report.html", "ppcheck.report.history"}
    arguments = ("-p", "ppcheck.plugin", "-k", "not last-stream", spec.name)
    assert imported(_PYTEST, {*heavy, "torch"}, spec.parent, *arguments) == ["torch"]


def test_the_command_shows_its_help_without_what_reads_specs(tmp_path: Path) -> None:
    heavy = MEASURING | READING | REPORTING
    assert imported(_COMMAND, heavy, tmp_path, "--help") == []
