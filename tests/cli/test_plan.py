"""`ppcheck plan`: what a run would measure, and what is known already."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ppcheck.cli import main
from tests.plugin.conftest import SPEC as DEMO

DOUBLE = "--ppcheck-dtype=float64"


@pytest.fixture
def demo_spec(tmp_path: Path) -> Path:
    """A spec in a project whose cache is empty."""
    (tmp_path / ".pytest_cache" / "d" / "ppcheck").mkdir(parents=True)
    path = tmp_path / "specs" / "game.pp.yaml"
    path.parent.mkdir()
    path.write_text(DEMO)
    return path


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same spec, after a run in double precision whose measurements lie in its cache."""
    root = tmp_path_factory.mktemp("measured")
    path = root / "specs" / "game.pp.yaml"
    path.parent.mkdir()
    path.write_text(DEMO)
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={root}", DOUBLE, str(path)]
    subprocess.run(command, cwd=root, capture_output=True, check=False)
    return path


def test_a_plan_says_what_a_run_would_do(
    demo_spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(demo_spec.parent), "--model", "demo"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("demo\n  asked for     8 measurements by 4 claims\n")
    assert "  known         4, in the cache or asked for twice\n" in text


def test_a_plan_says_what_is_known_already(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(measured), DOUBLE]) == 0
    text = capsys.readouterr().out
    assert "  known         8, in the cache or asked for twice\n  to measure    0\n" in text
    assert "FLOP" not in text


def test_a_plan_leaves_out_specs_about_other_models(
    demo_spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo_spec.write_text(DEMO.replace("prompts:", "models: [gpt2]\nprompts:", 1))
    assert main(["plan", str(demo_spec), "--model", "demo", "--model", "demo@blunted"]) == 0
    text = capsys.readouterr().out
    assert text.count("0 measurements by 0 claims") == 2


@pytest.mark.parametrize(
    ("change", "model", "message"),
    [
        (("check: choice", "check: chioce"), "demo", "unknown check 'chioce'"),
        (("", ""), "demo@blunt", "blunted"),
    ],
)
def test_what_cannot_be_planned_is_one_line(
    demo_spec: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    model: str,
    message: str,
) -> None:
    demo_spec.write_text(DEMO.replace(*change))
    assert main(["plan", str(demo_spec), "--model", model]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert message in line


def test_a_plan_of_a_folder_without_specs_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(tmp_path)]) == 1
    assert "there is no spec" in capsys.readouterr().out


def test_a_plan_takes_the_options_of_a_run(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for options, known in (([DOUBLE], 8), ([], 4), ([DOUBLE, "--ppcheck-no-cache"], 4)):
        assert main(["plan", str(measured), "--ppcheck-memory=1GB", *options]) == 0
        assert f"  known         {known}, " in capsys.readouterr().out
    assert main(["plan", str(measured), "--ppcheck-device=cuda:9"]) == 1
    assert "no device 'cuda:9'" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["plan", str(measured), "--ppcheck-memory=lots"])
    assert "'lots' is not a size: write 4GB" in capsys.readouterr().err
