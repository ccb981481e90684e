from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppcheck.errors import BaselineError
from ppcheck.record.baseline import read_baseline
from ppcheck.record.reading import FORMAT, read_run
from tests.record.test_run import run

VERSION_1 = Path(__file__).with_name("run-1.json")
EXAMPLE = Path(__file__).parents[2] / "reports" / "example.json"


def test_a_record_on_disk_is_the_one_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(run().to_json(), encoding="utf-8")
    assert read_run(path) == run()


@pytest.mark.parametrize(
    ("path", "verdicts"), [(VERSION_1, ["holds", "fails"]), (EXAMPLE, ["holds"] * 3)]
)
def test_a_record_of_version_1_can_be_read_and_says_all_that_it_said(
    path: Path, verdicts: list[str]
) -> None:
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["schema"] == "ppcheck.run/1"
    found = read_run(path)
    assert [str(claim.verdict) for claim in found.claims] == verdicts
    assert found.commit is None
    read = json.loads(found.to_json())
    assert written["models"] == read["models"]
    for old, new in zip(written["claims"], read["claims"], strict=True):
        assert old["statistics"].keys() == new["statistics"].keys()
        assert new | old | {"statistics": new["statistics"]} == new
        for name, statistic in old["statistics"].items():
            assert new["statistics"][name] | statistic == new["statistics"][name]


def test_the_current_version_is_the_one_that_runs_write() -> None:
    assert json.loads(run().to_json())["schema"] == FORMAT.schema


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is not a run record: .*No such file.*--ppcheck-json FILE"),
        ("[1", "is not a run record: Expecting"),
        ("[]", "is not a run record: its schema is None, not 'ppcheck.run/3'. A run writes one"),
        (
            '{"schema": "ppcheck.run/9"}',
            "is of version 9, and this ppcheck reads run records up to version 3: use the ppcheck",
        ),
        ('{"schema": "ppcheck.run/0"}', "is not a run record: its schema is 'ppcheck.run/0'"),
        ('{"schema": "ppcheck.run/1.5"}', "is not a run record: its schema is 'ppcheck.run/1.5'"),
        ('{"schema": "ppcheck.run/1", "seconds": 1}', "is damaged at started: Field required"),
    ],
)
def test_what_is_no_record_is_refused_with_the_file_and_the_reason(
    tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=f"run.json {message}"):
        read_run(path)


@pytest.mark.trust
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda held: held["claims"].append(held["claims"][0]), "stands twice on"),
        (
            lambda held: next(iter(held["claims"][0]["statistics"].values())).update(
                verdict="fails"
            ),
            "and one of its statistics does not",
        ),
        (
            lambda held: next(iter(held["claims"][0]["statistics"].values())).update(
                estimate=float("nan")
            ),
            "NaN is not a number",
        ),
    ],
)
def test_a_record_that_was_edited_or_damaged_is_refused(
    tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    held = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    change(held)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(BaselineError, match=message):
        read_run(path)


@pytest.mark.trust
def test_json_of_any_depth_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(BaselineError, match="nested too deep"):
        read_run(path)
    with pytest.raises(BaselineError, match="nested too deep"):
        read_baseline(path)
