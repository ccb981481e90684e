"""Runs that are killed while they write what they found, and runs side by side."""

from __future__ import annotations

import signal
from pathlib import Path

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
