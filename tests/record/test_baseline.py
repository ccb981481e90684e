from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppcheck.errors import BaselineError
from ppcheck.judge.verdict import Verdict
from ppcheck.record.baseline import Baseline, blessed, read_baseline, write_baseline
from tests.record.test_comparison import record

MODEL = {"name": "demo"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "baseline.json"


def baseline(**claims: float) -> Baseline:
    return Baseline(MODEL, {name: record(shift) for name, shift in claims.items()})


def test_it_reads_back_what_a_comparison_needs(path: Path) -> None:
    write_baseline(path, baseline(a=0.0, b=0.1))
    found = read_baseline(path)
    assert found is not None
    assert found.model == MODEL
    for name, shift in (("a", 0.0), ("b", 0.1)):
        old, new = found.claims[name], record(shift)
        assert old.statistics["recovery"].units == new.statistics["recovery"].units
        assert old.statistics["recovery"].estimate == pytest.approx(
            new.statistics["recovery"].estimate, rel=1e-5
        )
        assert (old.verdict, old.fingerprint) == (new.verdict, new.fingerprint)


def test_the_same_claims_give_the_same_bytes_whatever_their_order(path: Path) -> None:
    write_baseline(path, baseline(a=0.0, b=0.1))
    first = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    write_baseline(path, baseline(b=0.1, a=0.0))
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == first


def test_one_changed_figure_is_a_diff_of_that_claim_alone(path: Path) -> None:
    write_baseline(path, baseline(a=0.0, b=0.1))
    before = path.read_text().splitlines()
    write_baseline(path, baseline(a=0.0, b=0.2))
    changed = [
        new for old, new in zip(before, path.read_text().splitlines(), strict=True) if old != new
    ]
    assert [line.split(":")[0].strip() for line in changed] == ['"units_sha256"', '"estimate"']


def test_blessing_keeps_what_was_not_measured_and_takes_no_error() -> None:
    before = baseline(a=0.0, b=0.1)
    now = {"b": record(0.2), "c": record(verdict=Verdict.ERROR), "d": record(0.3)}
    after = blessed(before, now, MODEL)
    assert after.claims == {"a": record(0.0), "b": record(0.2), "d": record(0.3)}


def test_no_file_is_no_baseline(path: Path) -> None:
    assert read_baseline(path) is None


def test_a_baseline_whose_units_are_gone_or_others_is_an_error(path: Path) -> None:
    write_baseline(path, baseline(a=0.0))
    (sidecar,) = path.parent.glob("*.npz")
    data = sidecar.read_bytes()
    sidecar.write_bytes(data[:-1])
    with pytest.raises(BaselineError, match="is not what was written with baseline"):
        read_baseline(path)
    sidecar.unlink()
    with pytest.raises(BaselineError, match="cannot be read: commit both"):
        read_baseline(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no baseline"),
        ("[]", "its schema is None"),
        (
            json.dumps({"schema": "ppcheck.run/1"}),
            "'ppcheck.run/1', not 'ppcheck.baseline/1'. Write it",
        ),
        (json.dumps({"schema": "ppcheck.baseline/9"}), "of version 9, .* up to version 1: use"),
    ],
)
def test_what_is_no_baseline_is_refused(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(BaselineError, match=message):
        read_baseline(path)


def test_a_crash_between_the_files_leaves_the_old_baseline_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_baseline(path, baseline(a=0.0))
    whole = read_baseline(path)

    def crash(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("ppcheck.record.baseline.write_whole", _first_then(crash))
    with pytest.raises(KeyboardInterrupt):
        write_baseline(path, baseline(a=0.5))
    assert read_baseline(path) == whole


def _first_then(crash: object) -> object:
    from ppcheck.record.files import write_whole

    calls: list[Path] = []

    def write(path: Path, content: str | bytes) -> None:
        calls.append(path)
        if len(calls) > 1:
            crash()  # type: ignore[operator]
        write_whole(path, content)

    return write
