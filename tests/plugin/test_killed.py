"""Runs that are killed while they measure or write what they found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ppcheck.record.baseline import read_baseline
from ppcheck.record.reading import read_run

OUTPUTS = (
    *("--ppcheck-json=run.json", "--ppcheck-markdown=run.md", "--ppcheck-report=page"),
    *("--ppcheck-baseline=good.json", "--ppcheck-bless", "--ppcheck-no-cache"),
)
FILES = ("run.json", "run.md", "page/index.html", "good.json")
DEADLY = """
import os
from pathlib import Path

left, real = {calls}, Path.replace

def replace(self, target):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)
    return real(self, target)

Path.replace = replace
"""


def held(folder: Path) -> dict[str, str]:
    """What each file holds; every one of them is whole."""
    read_run(folder / "run.json")
    assert read_baseline(folder / "good.json") is not None
    assert (folder / "page/index.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    return {name: (folder / name).read_text(encoding="utf-8") for name in FILES}


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_writes_leaves_every_earlier_file_whole(
    pytester: pytest.Pytester, spec: Path
) -> None:
    """It is killed before each of the five files is put in its place, the baseline being two."""
    pytester.runpytest_inprocess(spec, *OUTPUTS)
    before = held(pytester.path)
    for calls, written in enumerate([0, 1, 2, 3, 3]):
        pytester.makepyfile(deadly=DEADLY.format(calls=calls))
        killed = pytester.runpytest_subprocess(
            "-p", "deadly", spec, *OUTPUTS, "--model=demo@blunted"
        )
        assert killed.ret == -signal.SIGKILL
        after = held(pytester.path)
        changed = [name for name in FILES if after[name] != before[name]]
        assert set(changed) <= set(FILES[:written]), calls
        if calls == written:
            assert len(changed) == written
    result = pytester.runpytest_inprocess(spec, *OUTPUTS)
    result.stdout.fnmatch_lines(["blessed: good.json holds 4 claims*"])


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_measures_leaves_files_as_they_were(
    pytester: pytest.Pytester, spec: Path
) -> None:
    pytester.runpytest_inprocess(spec, *OUTPUTS)
    before = held(pytester.path)
    pytester.makepyfile(
        deadly="""
        import os
        from ppcheck.subject.loaded import LoadedSubject

        def patch(self, *args):
            os.kill(os.getpid(), 9)

        LoadedSubject.patch = patch
        """
    )
    caching = [option for option in OUTPUTS if option != "--ppcheck-no-cache"]
    killed = pytester.runpytest_subprocess("-p", "deadly", spec, *caching)
    assert killed.ret == -signal.SIGKILL
    assert held(pytester.path) == before
    pytester.runpytest_inprocess(spec, *caching).assert_outcomes(passed=3, failed=1)


@pytest.fixture
def whole(pytester: pytest.Pytester, spec: Path) -> dict[str, Any]:
    """The claims of a run that nobody disturbs."""
    pytester.runpytest_inprocess(spec, "--ppcheck-no-cache", "--ppcheck-json=run.json")
    return claims(pytester)


def claims(pytester: pytest.Pytester) -> dict[str, Any]:
    """The last run's records by id."""
    record = json.loads((pytester.path / "run.json").read_text(encoding="utf-8"))
    return {claim["id"]: claim for claim in record["claims"]}


def assert_goes_on(
    pytester: pytest.Pytester, spec: Path, whole: dict[str, Any], done: list[str]
) -> None:
    """The next run finds the same as one that nobody disturbed, and measures nothing twice."""
    pytester.runpytest_inprocess(spec, "--ppcheck-json=run.json")
    found = claims(pytester)
    own = ("asked", "known", "seconds")
    for name, claim in found.items():
        assert {key: claim[key] for key in claim if key not in own} == {
            key: whole[name][key] for key in whole[name] if key not in own
        }
        assert claim["known"] == claim["asked"] or name not in done
    assert sum(claim["known"] for claim in found.values()) > 0


@pytest.mark.slow
@pytest.mark.parametrize("reported", [1, 2, 3])
def test_a_run_that_is_killed_after_some_claims_leaves_a_cache_that_knows_them(
    pytester: pytest.Pytester, spec: Path, whole: dict[str, Any], reported: int
) -> None:
    command = [sys.executable, "-um", "pytest", "-v", spec.name]
    done = []
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "PASSED" in line or "FAILED" in line:
                done.append(line.partition("::")[2].split()[0])
            if len(done) == reported:
                os.kill(run.pid, signal.SIGKILL)
                break
    assert run.returncode == -signal.SIGKILL
    assert_goes_on(pytester, spec, whole, done)


@pytest.mark.slow
@pytest.mark.parametrize("calls", range(1, 12, 3))
def test_a_run_that_is_killed_while_it_writes_its_cache_leaves_one_that_serves(
    pytester: pytest.Pytester, spec: Path, whole: dict[str, Any], calls: int
) -> None:
    pytester.makepyfile(deadly=DEADLY.format(calls=calls))
    killed = pytester.runpytest_subprocess("-p", "deadly", spec)
    assert killed.ret == -signal.SIGKILL
    assert_goes_on(pytester, spec, whole, [])
