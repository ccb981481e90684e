"""Files that a process was writing when it was killed, or that two were writing at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ppcheck.record.baseline import Baseline, read_baseline, write_baseline
from tests.record.test_comparison import record

DEADLY = """
import os, sys
from pathlib import Path
from tests.record.test_killed import baseline
from ppcheck.record.baseline import write_baseline

left = int(sys.argv[2])

def deadly(real):
    def call(*args, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return real(*args, **more)
    return call

for owner, name in ((os, "fsync"), (Path, "chmod"), (Path, "replace"), (Path, "unlink")):
    setattr(owner, name, deadly(getattr(owner, name)))
write_baseline(Path(sys.argv[1]), baseline(0.1))
"""
BLESSING = """
import sys, time
from pathlib import Path
from ppcheck.record.baseline import LocatedClaim, blessed, read_baseline, write_baseline
from ppcheck.record.files import folder_locked
from tests.record.test_comparison import record

path, own = Path(sys.argv[1]), sys.argv[2]
spec = path.with_name("a.pp.yaml")
for number in range(5):
    with folder_locked(path.parent):
        before = read_baseline(path)
        time.sleep(0.01)
        run = [LocatedClaim(record(0.1, id=f"{own}{number}"), spec, ())]
        write_baseline(path, blessed(before, run, {"name": "demo"}, path.parent))
"""


def baseline(shift: float) -> Baseline:
    return Baseline({"name": "demo"}, {"a": record(shift), "b": record(shift)})


def script(text: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", text, *arguments])


def estimate(path: Path) -> float:
    found = read_baseline(path)
    assert found is not None
    return found.claims["a"].statistics["recovery"].estimate


@pytest.mark.parametrize("calls", range(8))
def test_a_baseline_that_was_being_written_is_the_old_one_or_the_new_one(
    tmp_path: Path, calls: int
) -> None:
    """Seven calls make it: each of two files is synced, made readable and put in place, and the
    units of the old one are removed.
    """
    path = tmp_path / "good.json"
    write_baseline(path, baseline(0.0))
    old = estimate(path)
    killed = script(DEADLY, str(path), str(calls)).wait(timeout=60)
    assert killed == (-signal.SIGKILL if calls < 7 else 0)
    assert (estimate(path) == old) is (calls < 6)
    write_baseline(path, baseline(0.2))
    assert estimate(path) > old


def test_two_that_bless_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "good.json"
    both = [script(BLESSING, str(path), own) for own in "ab"]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    found = read_baseline(path)
    assert found is not None
    names = [f"a.pp.yaml::{own}{number}" for own in "ab" for number in range(5)]
    assert sorted(found.claims) == names
    assert len(list(tmp_path.glob("*.npz"))) == 1
