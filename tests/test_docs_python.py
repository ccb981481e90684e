"""The page about the Python API: its code runs, in order, and says what it says it does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import ppcheck
from ppcheck.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_pages_code_runs_on_what_init_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "docs/python.md", "exec"), names)
    run, change = names["run"], names["change"]
    assert run.passes
    assert names["same"] == run
    assert f"{names['claim'].statistics['recovery'].estimate:.2f}" == "0.58"
    assert [claim.id for claim in change.worse] == ["pain-mover"]
    assert all(entry.error is None for entry in names["spec"].entries)


def test_every_public_name_is_on_the_page() -> None:
    for name in ppcheck.__all__:
        if name != "Run":
            assert f"ppcheck.{name}" in PAGE, name
