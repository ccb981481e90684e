"""Checkpoints on a real Ray of this machine's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ppcheck.audit.cluster import Cluster
from ppcheck.audit.folder import Folder
from ppcheck.audit.job import Ended
from ppcheck.audit.plan import AuditSettings, audit_plan
from ppcheck.cli import main
from ppcheck.cli.audit import STOPPED
from ppcheck.errors import AuditError
from ppcheck.record.reading import read_run

ROOT = Path(__file__).parents[2]
DYING = """
import os
from pathlib import Path

tries = Path({count!r})
tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
if len(tries.read_text()) <= {deaths}:
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def cluster(spec: Path, names: Sequence[str], retries: int = 0) -> Cluster:
    planned = audit_plan([spec], names, AuditSettings(seed=0, dtype="float32", device="cpu"))
    return Cluster(planned, Folder(Path("out")), retries=retries)


def ended(engine: Cluster) -> dict[str, Ended]:
    return {each.checkpoint.label: each for each in engine.run(engine.plan.checkpoints)}


@pytest.mark.slow
def test_records_come_back_from_tasks_and_what_cannot_be_run_says_why(
    spec: Path, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["audit", "specs", "--model", "demo", "--model", "demo@nowhere", "--out", "out"]
    assert main([*command, "--model", str(broken), "--engine", "ray"]) == 1
    said = capsys.readouterr().out
    assert "1 of 3 checkpoints" in said
    assert "missing: demo@nowhere: the demo model has no revision 'nowhere'" in said
    assert "SafetensorError" in said
    run = read_run(Path("out", "checkpoints", "demo.json"))
    assert [claim.spec for claim in run.claims] == [spec.as_posix()] * 2
    assert "2 passed" in Path("out", "checkpoints", "demo.log").read_text(encoding="utf-8")
    assert main([*command, "--model", str(broken), "--engine", "local"]) == 1
    assert "1 of 3 checkpoints are there already" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_whose_process_dies_is_tried_again_as_often_as_is_asked(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / "tries"
    (tmp_path / "dying.py").write_text(DYING.format(count=str(count), deaths=2))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{tmp_path}")
    monkeypatch.setenv("PYTEST_PLUGINS", "dying")
    given_up = ended(cluster(spec, ["demo"], retries=1))["demo"]
    assert count.read_text() == "xx"
    assert given_up.reason is not None
    assert "its process was ended by SIGKILL" in given_up.reason
    count.unlink()
    engine = cluster(spec, ["demo"], retries=2)
    assert ended(engine)["demo"].reason is None
    assert count.read_text() == "xxx"
    assert len(read_run(engine.folder.staged(engine.plan.checkpoints[0])).claims) == 2


def test_without_ray_it_says_what_to_install(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AuditError, match=r"pip install 'ppcheck\[ray\]'"):
        ended(cluster(spec, ["demo"]))


@pytest.mark.slow
def test_an_address_without_a_cluster_is_said(
    spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["audit", str(spec), "--out", "out", "--engine", "ray", "--address"]
    assert main([*arguments, "auto"]) == 1
    assert "there is no Ray cluster at auto" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_audit_leaves_nothing_running(spec: Path, number: int) -> None:
    command = [sys.executable, "-m", "ppcheck", "audit", str(spec), "--out", "out"]
    command += ["--engine", "ray"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as auditor:
        until = time.monotonic() + 60
        while not (runs := runs_below(auditor.pid)):
            assert time.monotonic() < until
            time.sleep(0.1)
        auditor.send_signal(number)
        said, _ = auditor.communicate(timeout=60)
    assert auditor.returncode == STOPPED
    assert "stopped: 0 of 1 checkpoints are in out" in said
    assert not psutil.wait_procs(runs, timeout=10)[1]


def runs_below(pid: int) -> list[psutil.Process]:
    """The processes of checkpoints that a Ray started by process ``pid`` has started in turn."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.Error):
            found += [process] if "--model=demo" in process.cmdline() else []
    return found
