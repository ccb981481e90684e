"""`ppcheck history` on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ppcheck.cli import main
from tests.record.histories import measured, on_day

VERSION_1 = Path(__file__).parents[1] / "record" / "run-1.json"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the commands run: `a.json` and `b.json` are records of two days."""
    monkeypatch.chdir(tmp_path)
    for day, name in enumerate(("a.json", "b.json"), 1):
        Path(name).write_text(on_day(day, measured(day / 10)).to_json(), encoding="utf-8")
    return tmp_path


def test_records_are_added_once_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "add", "a.json", "b.json"]) == 0
    assert capsys.readouterr().out == "a.json: 1 claim added\nb.json: 1 claim added\n"
    assert Path("reports/history.db").exists()
    assert main(["history", "add", "b.json", str(VERSION_1)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "b.json: the store has this run already"
    assert second.endswith("run-1.json: 2 claims added")
    assert main(["history", "show"]) == 0
    assert "✓  mover  recovery 0.2" in capsys.readouterr().out
    assert main(["history", "show", "mov", "--last", "1"]) == 0
    assert "the last 1 of 2 runs" in capsys.readouterr().out
    assert main(["history", "show", "--statistic=gap", "--model=de*", "--json"]) == 0
    claims = json.loads(capsys.readouterr().out)["claims"]
    assert {each["id"]: each["points"][-1]["estimate"] for each in claims} == {
        "mover": 0.4,
        "first-head-suffices": pytest.approx(2.5, abs=0.01),
    }


def test_a_record_that_cannot_be_read_is_said_and_the_others_are_added(
    capsys: pytest.CaptureFixture[str],
) -> None:
    later = on_day(1, measured(0.1)).to_json().replace("ppcheck.run/3", "ppcheck.run/4")
    Path("later.json").write_text(later, encoding="utf-8")
    assert main(["history", "add", "none.json", "later.json", "a.json"]) == 1
    none, of_later, added = capsys.readouterr().out.splitlines()
    assert none.startswith("none.json is not a run record: ")
    assert of_later.startswith("later.json is of version 4, and this ppcheck reads run records up")
    assert added == "a.json: 1 claim added"


def test_a_record_that_cannot_be_kept_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.json").write_text(on_day(1, measured(0.1), started="noon").to_json(), encoding="utf-8")
    assert main(["history", "add", "a.json", "b.json"]) == 1
    refused, added = capsys.readouterr().out.splitlines()
    assert refused == "a.json was not added: the record's `started` is not a time: 'noon'"
    assert added == "b.json: 1 claim added"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mvoer"], "no claim in the history is called 'mvoer': did you mean 'mover'?\n"),
        (["--model=gpt2"], "no model in the history is called 'gpt2': there is demo\n"),
        (["--store=sqlite:///none.db"], "sqlite:///none.db: there is no such file. A run with"),
        (["--store=sqlite:///a.json"], "sqlite:///a.json: file is not a database\n"),
    ],
)
def test_what_cannot_be_shown_is_one_line_and_exit_status_1(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["history", "add", "a.json"]) == 0
    capsys.readouterr()
    assert main(["history", "show", *arguments]) == 1
    text = capsys.readouterr().out
    assert text.startswith(message)
    assert text.count("\n") == 1


def test_a_store_that_cannot_be_written_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("b.json").read_bytes()
    assert main(["history", "add", "a.json", "b.json", "--store=sqlite:///b.json"]) == 1
    assert capsys.readouterr().out == "sqlite:///b.json: file is not a database\n"
    assert Path("b.json").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--store=reports/h.db", "'reports/h.db' is not a URL of a store: write sqlite:///FILE"),
        ("--last=0", "'0' is not a whole number of 1 or more"),
    ],
)
def test_an_option_that_means_nothing_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], option: str, message: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["history", "show", option])
    assert message in capsys.readouterr().err


def test_the_other_commands_do_not_import_the_database() -> None:
    code = (
        "import sys; from ppcheck.cli import main; main(['schema']);"
        "assert 'sqlalchemy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
