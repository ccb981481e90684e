from __future__ import annotations

from pathlib import Path

import pytest

from ppcheck.errors import BaselineError
from ppcheck.record.reading import read_run
from tests.record.test_run import run

EXAMPLE = Path(__file__).parents[2] / "reports" / "example.json"


def test_a_record_on_disk_is_the_one_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(run().to_json(), encoding="utf-8")
    assert read_run(path) == run()


def test_the_committed_example_which_an_earlier_version_wrote_can_be_read() -> None:
    assert [str(claim.verdict) for claim in read_run(EXAMPLE).claims] == ["holds"] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is no run record: .*No such file.*--ppcheck-json FILE"),
        ("[1", "is no run record: Expecting"),
        ("[]", "is no run record: its schema is None, not 'ppcheck.run/1'"),
        (
            '{"schema": "ppcheck.run/9"}',
            "is no run record: its schema is 'ppcheck.run/9', not 'ppcheck.run/1'",
        ),
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
