"""`ppcheck audit` on real checkpoints: what is run, kept, missing, interrupted and said."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ppcheck.audit.folder import Folder
from ppcheck.cli import main
from ppcheck.cli.audit import STOPPED
from ppcheck.demo import weights_path
from ppcheck.record.audit import AuditRecord
from ppcheck.record.reading import read_run
from tests.audit.conftest import SPEC

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    path = Path("small.pp.yaml")
    path.write_text(SPEC, encoding="utf-8")
    return path


def written(out: str = "out") -> AuditRecord:
    return AuditRecord.model_validate_json(Path(out, "audit.json").read_text(encoding="utf-8"))


def copied(name: str) -> Path:
    return Path(shutil.copytree(weights_path(), name))


@pytest.mark.slow
def test_what_cannot_be_loaded_is_named_and_the_others_are_audited(
    capsys: pytest.CaptureFixture[str],
) -> None:
    copied("copied")
    weights = copied("broken") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    models = ["demo", "demo@{tuned,rewired,blunted}", "./copied", "./broken"]
    asked = [argument for model in models for argument in ("--model", model)]
    command = ["audit", "small.pp.yaml", *asked, "--out", "out", "--workers", "2", "--pages"]
    assert main(command) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "5 of 6 checkpoints; missing: ./broken: cannot load ./broken: SafetensorError" in said
    assert "pain-deters ✓✓✓✗✓· holds from demo to ./copied, but not at 1 between" in said
    assert "pain-mover ✓✓→✗✓·" in said
    assert "L1H1 → L1H3 at demo@rewired; L1H3 → L1H1 at ./copied" in said
    record = written()
    assert [each.status for each in record.checkpoints] == ["done"] * 5 + ["missing"]
    assert [each.label for each in record.checkpoints][:2] == ["demo", "demo@tuned"]
    deters, mover = record.claims
    assert deters.cells[0] is not None
    assert deters.cells[0].deciding == "difference"
    assert [cell and cell.players for cell in mover.cells][1:3] == [("L1H1",), ("L1H3",)]
    for checkpoint in record.checkpoints[:5]:
        run = read_run(Path("out", "checkpoints", f"{checkpoint.file}.json"))
        assert list(run.models) == [checkpoint.label]
        assert Path("out", "checkpoints", f"{checkpoint.file}.html").is_file()
    page = Path("out", "index.html").read_text(encoding="utf-8")
    assert "0 of 2 claims hold at every checkpoint" in page

    assert main([*command[:-1]]) == 1
    assert "5 of 6 checkpoints are there already" in capsys.readouterr().out


@pytest.mark.slow
def test_after_a_kill_only_what_is_missing_is_run_and_earlier_files_stay_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["audit", "small.pp.yaml", "--model", "demo{,@tuned,@rewired}", "--out", "out"]
    with subprocess.Popen([sys.executable, "-m", "ppcheck", *arguments]) as auditor:
        first = Path("out", "checkpoints", "demo.json")
        wait_for(first.is_file)
        wait_for(Path("out", "checkpoints", "demo@tuned.log").is_file)
        auditor.kill()
    before = first.read_bytes(), first.stat().st_mtime_ns
    assert written().schema_ == "ppcheck.audit/2"
    assert main(arguments) == 0
    assert "1 of 3 checkpoints are there already" in capsys.readouterr().out
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before
    assert {each.status for each in written().checkpoints} == {"done"}


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_audit_stops_its_runs_and_says_how_to_go_on(number: int) -> None:
    command = [sys.executable, "-m", "ppcheck", "audit", "small.pp.yaml", "--out", "out"]
    command += ["--model", "demo{,@tuned}", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as auditor:
        wait_for(lambda: len(psutil.Process(auditor.pid).children()) == 2)
        children = psutil.Process(auditor.pid).children(recursive=True)
        auditor.send_signal(number)
        said, _ = auditor.communicate(timeout=30)
    assert auditor.returncode == STOPPED
    assert "stopped: 0 of 2 checkpoints are in out, and the same command resumes from there" in said
    assert not psutil.wait_procs(children, timeout=5)[1]
    assert {each.status for each in written().checkpoints} == {"waiting"}


@pytest.mark.slow
def test_a_run_that_is_killed_is_missing_with_its_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deadly.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{tmp_path}")
    monkeypatch.setenv("PYTEST_PLUGINS", "deadly")
    assert main(["audit", "small.pp.yaml", "--out", "out"]) == 1
    said = capsys.readouterr().out
    assert "0 of 1 checkpoint; missing: demo: its process was ended by SIGKILL" in said


@pytest.mark.slow
def test_a_model_that_no_claim_is_about_is_missing_with_the_reason(
    spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec.write_text(SPEC.replace("prompts:\n", "models: [gpt2]\nprompts:\n", 1), encoding="utf-8")
    assert main(["audit", "small.pp.yaml", "--out", "out"]) == 1
    assert "none of the claims is about it: the spec is about gpt2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["missing.pp.yaml"], "missing.pp.yaml is not a spec"),
        (["."], "there is no spec"),
        (["small.pp.yaml", "--model", "step{0..}"], "write {a..b}, {a..b:step} or {x,y,z}"),
        (["small.pp.yaml", "--model", "./a", "--revisions", "main"], "has no revisions"),
        (["small.pp.yaml", "--workers", "0"], "'0' is not a whole number of 1 or more"),
        (["small.pp.yaml", "--retries", "2"], "--retries is for --engine ray"),
        (["small.pp.yaml", "--engine", "ray", "--workers", "2"], "--workers is for --engine local"),
        (["small.pp.yaml", "--engine", "ray", "--gpus", "1.5"], "is not a share of a GPU"),
        (["small.pp.yaml", "--engine", "ray", "--model", "./a"], "give its whole path"),
        (["small.pp.yaml", "--ppcheck-memory", "lots"], "'lots' is not a size"),
    ],
)
def test_bad_use_is_said_before_anything_is_run(
    spec: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    if arguments == ["."]:
        spec.unlink()
    with pytest.raises(SystemExit) as ended:
        main(["audit", *arguments, "--out", "out"])
    assert ended.value.code == 2
    assert why in capsys.readouterr().err
    assert not Path("out").exists()


def test_two_audits_in_one_folder_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    with Folder(Path("out")).locked():
        assert main(["audit", "small.pp.yaml", "--out", "out"]) == 1
    assert "another audit is at work in out" in capsys.readouterr().out
    assert not Path("out", "audit.json").exists()


def test_a_file_that_is_no_audits_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    other: dict[str, Any] = {"schema": "ppcheck.run/1"}
    Path("out").mkdir()
    Path("out", "audit.json").write_text(json.dumps(other))
    assert main(["audit", "small.pp.yaml", "--out", "out"]) == 1
    assert "give another --out" in capsys.readouterr().out
    assert json.loads(Path("out", "audit.json").read_text()) == other


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)
