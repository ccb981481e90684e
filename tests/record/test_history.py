"""What goes into a store comes out, once, whoever adds it and whatever befalls them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ppcheck.errors import HistoryError
from ppcheck.judge.verdict import Verdict
from ppcheck.record.course import ClaimKey
from ppcheck.record.history import add, identity
from ppcheck.record.reading import read_held, validated_run
from ppcheck.report.claims import deciding
from tests.record.histories import kept, measured, on_day, only, store, told
from tests.report.runs import HOSTILE, claim

VERSION_1 = Path(__file__).with_name("run-1.json")


def test_what_a_run_says_of_a_claim_comes_back(tmp_path: Path) -> None:
    record = on_day(3, measured(0.1 + 0.2, facts={"prompts_sha256": "ab"}, fingerprint="cd"))
    found = only(store(tmp_path, record))
    assert found.key == ClaimKey("specs/a.pp.yaml", "mover", "demo")
    (point,) = found.points
    assert point.mark.started.isoformat() == "2026-11-03T10:00:00"
    assert point.mark.commit == "03" * 20
    assert point.mark.verdict is Verdict.HOLDS
    assert point.detail.weights_sha256 == record.model["weights_sha256"]
    assert (point.detail.prompts_sha256, point.detail.fingerprint) == ("ab", "cd")
    name, written = next(iter(record.claims[0].statistics.items()))
    bare = {"values": (), "units": (), "worst": (), "n_opposite": None}
    assert point.detail.shown == name
    assert point.statistic == written.model_copy(update=bare)
    assert point.statistic.estimate == 0.1 + 0.2, "to the last bit"


def test_adding_a_record_twice_changes_nothing(tmp_path: Path) -> None:
    record = on_day(3, measured(0.4))
    database = store(tmp_path, record)
    assert not kept(database, record)
    assert only(database).runs == 1


def test_the_record_and_its_file_are_the_same_in_every_layout_and_version(tmp_path: Path) -> None:
    record = on_day(3, measured(0.4))
    text = record.to_json()
    assert identity(json.loads(text)) == identity(json.loads(json.dumps(json.loads(text))))
    assert identity(json.loads(text)) != identity(json.loads(on_day(4, measured(0.4)).to_json()))
    held = read_held(VERSION_1)
    database = store(tmp_path)
    assert add(database, validated_run(held, VERSION_1), identity(held), deciding)
    assert not add(database, validated_run(held, VERSION_1), identity(held), deciding)
    assert [one.last.verdict for one in told(database)] == [Verdict.HOLDS, Verdict.FAILS]


def test_runs_are_in_the_order_in_which_they_ran_whenever_they_were_added(tmp_path: Path) -> None:
    zone = {"started": "2026-11-04T01:00:00+05:00"}  # still the third in UTC
    records = [on_day(day, measured(day / 10)) for day in (5, 1, 4)]
    database = store(tmp_path, *records, on_day(4, measured(0.3), **zone))
    estimates = [point.statistic and point.statistic.estimate for point in only(database).points]
    assert estimates == [0.1, 0.3, 0.4, 0.5]


def test_only_the_last_runs_are_told_and_the_change_from_the_run_before_them(
    tmp_path: Path,
) -> None:
    database = store(tmp_path, *(on_day(day, measured(day**2)) for day in range(1, 8)))
    found = only(database, last=2)
    assert found.runs == 7
    assert found.first.started.day == 1
    assert [point.change for point in found.points] == [11, 13]


def test_models_and_specs_are_kept_apart(tmp_path: Path) -> None:
    claims = [measured(0.4), measured(0.5, model="other"), measured(0.6, spec="b.pp.yaml")]
    database = store(tmp_path, on_day(1, *claims))
    assert [one.key for one in told(database)] == [
        ClaimKey("b.pp.yaml", "mover", "demo"),
        ClaimKey("specs/a.pp.yaml", "mover", "demo"),
        ClaimKey("specs/a.pp.yaml", "mover", "other"),
    ]
    assert only(database, None, "other").key.model == "other"
    assert only(database, "b.pp.yaml::mover").key.spec == "b.pp.yaml"


@pytest.mark.trust
def test_a_spec_that_was_named_from_another_folder_is_the_same_claim(tmp_path: Path) -> None:
    names = ("a.pp.yaml", "../specs/a.pp.yaml", "specs/a.pp.yaml")
    runs = [on_day(day, measured(day / 10, spec=name)) for day, name in enumerate(names, 1)]
    database = store(tmp_path, *runs)
    found = only(database)
    assert (found.key.spec, found.runs) == ("specs/a.pp.yaml", 3)
    assert [point.change for point in found.points[1:]] == [pytest.approx(0.1)] * 2
    assert only(database, "specs/a.pp.yaml::mover").runs == 3
    assert only(database, None, "demo", "gap").runs == 3


@pytest.mark.trust
def test_specs_that_stand_in_one_run_are_never_the_same(tmp_path: Path) -> None:
    both = [measured(0.4, spec="a.pp.yaml"), measured(0.5, spec="demo/a.pp.yaml")]
    database = store(tmp_path, on_day(1, *both), on_day(2, measured(0.6, spec="a.pp.yaml")))
    assert {one.key.spec: one.runs for one in told(database)} == {
        "a.pp.yaml": 2,
        "demo/a.pp.yaml": 1,
    }


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("mover", ["mover"]),
        ("move*", ["mover", "mover-too"]),
        ("over-", ["mover-too"]),
        ("specs/a.pp.yaml::*", ["mover", "mover-too", "other"]),
        ("a.pp.yaml::other", ["other"]),
    ],
)
def test_a_pattern_is_a_name_else_a_glob_else_a_part(
    tmp_path: Path, pattern: str, found: list[str]
) -> None:
    claims = [measured(0.4, id=name) for name in ("mover", "mover-too", "other")]
    database = store(tmp_path, on_day(1, *claims))
    assert [one.key.claim for one in told(database, pattern)] == found


def test_another_statistic_can_be_asked_for(tmp_path: Path) -> None:
    database = store(tmp_path, on_day(1, measured(0.4)), on_day(2, measured(0.5)))
    found = only(database, None, None, "gap")
    assert found.name == "gap"
    assert [one and one.estimate for one in found.curve] == [0.8, 1.0]
    assert found.points[1].change == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("mvoer",), "no claim in the history is called 'mvoer': did you mean 'mover'?"),
        ((None, "gpt2"), "no model in the history is called 'gpt2': there is demo"),
        (("mover", None, "recvery"), "no statistic .* 'recvery': did you mean 'recovery'?"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    tmp_path: Path, asked: tuple[str | None, ...], message: str
) -> None:
    database = store(tmp_path, on_day(1, measured(0.4)))
    with pytest.raises(HistoryError, match=message):
        told(database, *asked)


@pytest.mark.parametrize("text", [*HOSTILE, "nul\0 in it", "'; DROP TABLE ppcheck_runs; --"])
def test_any_text_can_be_kept(tmp_path: Path, text: str) -> None:
    hostile = claim(id=text, spec=text, model=text, says=text, reason=text)
    record = on_day(1, hostile, commit=text)
    database = store(tmp_path)
    assert add(database, record, "a" * 64, deciding)
    found = only(database)
    assert found.key.claim == text.replace("\0", "\\x00").replace("\ud800", "\\ud800")
    assert found.points[0].detail.says == found.key.model == found.key.claim


def test_a_store_without_runs_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no run has been added yet"):
        told(store(tmp_path))


def test_a_run_that_cannot_be_kept_leaves_nothing(tmp_path: Path) -> None:
    database = store(tmp_path, on_day(1, measured(0.4)))
    with pytest.raises(HistoryError, match="NOT NULL"):
        add(database, on_day(2, measured(float("nan"))), "b" * 64, deciding)
    with pytest.raises(HistoryError, match="`started` is not a time: 'noon'"):
        add(database, on_day(2, measured(0.4), started="noon"), "b" * 64, deciding)
    assert only(database).runs == 1


def test_a_claim_over_a_family_is_found_by_the_member_that_decided(tmp_path: Path) -> None:
    days = [("recovery[L1H1]", 0.4), ("recovery[L1H3]", 0.6), ("recovery[L1H3]", 0.5)]
    records = [on_day(day, measured(e, name=name)) for day, (name, e) in enumerate(days, 1)]
    found = only(store(tmp_path, *records))
    assert found.name == "recovery[L1H3]"
    assert [one and one.estimate for one in found.curve] == [None, 0.6, 0.5]
    assert [point.change for point in found.points] == [None, None, pytest.approx(-0.1)]


WRITER = """
import sys
from pathlib import Path
from tests.record.histories import *
me = int(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
database = Database(SQLITE, Path(sys.argv[2]), create=True)
for day in range(1, 6):
    claims = [measured(day / 10, id=f"claim-{n}") for n in range(40)]
    assert kept(database, on_day(day, *claims, seconds=float(me)))
"""


def started(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.slow
def test_eight_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [started(WRITER, str(number), str(tmp_path)) for number in range(8)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n", "they begin together, to make the store too"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [writer.communicate() for writer in writers] == [("", "")] * 8
    assert [writer.returncode for writer in writers] == [0] * 8
    found = told(store(tmp_path), last=100)
    assert [one.runs for one in found] == [40] * 40
    assert all(point.statistic is not None for one in found for point in one.points)


KILLED = """
import sys, time
from pathlib import Path
import sqlalchemy
from tests.record.histories import *
database = Database(SQLITE, Path(sys.argv[1]), create=True)
kept(database, on_day(1, measured(0.1)))

@sqlalchemy.event.listens_for(sqlalchemy.Engine, "after_cursor_execute")
def wait(connection, cursor, statement, *_):
    if sys.argv[2] in statement:
        print("in the middle", flush=True)
        time.sleep(60)

kept(database, on_day(2, *(measured(0.2, id=f"claim-{n}") for n in range(5000))))
"""


@pytest.mark.parametrize("after", ["INTO ppcheck_runs", "INTO ppcheck_statistics"])
def test_a_writer_that_is_killed_leaves_the_store_whole(tmp_path: Path, after: str) -> None:
    writer = started(KILLED, str(tmp_path), after)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "in the middle\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert writer.returncode == -signal.SIGKILL
    database = store(tmp_path)
    assert [point.mark.started.day for point in only(database).points] == [1]
    assert kept(database, on_day(3, measured(0.3)))
    assert only(database).runs == 2
