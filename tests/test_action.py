"""The GitHub action and the pre-commit hook that the repository offers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    held: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return held


def run(action: dict[str, Any], folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The action's own script, with inputs as GitHub would set them."""
    (step,) = [step for step in action["runs"]["steps"] if step.get("id") == "run"]
    values = {name: one.get("default", "") for name, one in action["inputs"].items()} | inputs
    variables = {name: values[name.lower()] for name in step["env"]}
    outside = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "step")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=os.environ | variables | outside | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_input_reaches_the_script_as_a_variable_and_never_as_text_of_it(
    action: dict[str, Any],
) -> None:
    (step,) = [step for step in action["runs"]["steps"] if step.get("id") == "run"]
    assert {name.lower() for name in step["env"]} == action["inputs"].keys()
    assert "${{" not in step["run"]


@pytest.mark.slow
def test_the_script_runs_specs_with_a_space_and_a_quote_in_names_and_leaves_its_files(
    action: dict[str, Any], tmp_path: Path
) -> None:
    spec = ROOT / "specs" / "demo" / "behaviour.pp.yaml"
    (tmp_path / "mine.pp.yaml").write_text(spec.read_text(encoding="utf-8"), encoding="utf-8")
    done = run(
        action,
        tmp_path,
        specs="mine.pp.yaml",
        model="demo",
        options="-k pain-deters -q",
        report="it's here",
        baseline="base line.json",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "it's here" / "run.json").read_text(encoding="utf-8"))
    assert [claim["id"] for claim in record["claims"]] == ["pain-deters"]
    assert "no baseline yet" in done.stdout
    page = (tmp_path / "it's here" / "index.html").read_text(encoding="utf-8")
    assert "The one claim holds" in page
    assert (tmp_path / "step").read_text(encoding="utf-8").startswith("#")
    assert (tmp_path / "output").read_text(encoding="utf-8").splitlines() == [
        "record=it's here/run.json",
        "summary=it's here/summary.md",
    ]


def test_a_failing_run_fails_the_step(action: dict[str, Any], tmp_path: Path) -> None:
    assert run(action, tmp_path, specs="nowhere", model="demo").returncode != 0


WRITTEN = [
    ROOT / "action.yml",
    ROOT / "docs" / "ci.md",
    ROOT / "docs" / "tutorial.md",
    ROOT / "ppcheck" / "cli" / "starter" / "ppcheck.yml",
    *(ROOT / ".github" / "workflows").glob("*.yml"),
]


@pytest.mark.trust
@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.name)
def test_every_action_of_others_is_pinned_by_the_hash_of_a_commit(file: Path) -> None:
    uses = re.findall(r"^[\s-]*uses: +(\S+)(.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    outside = [(one, rest) for one, rest in uses if not one.startswith(("./", "OWNER/"))]
    assert outside
    for one, version in outside:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", one), one
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", version), f"{one} names no version"


def test_the_hook_takes_specs_and_the_projects_own_ppcheck() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    done = subprocess.run(
        ["pre-commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")],
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        check=False,
    )
    assert done.returncode == 0
    assert (hook["entry"], hook["language"]) == ("ppcheck validate", "system")
