from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppcheck.errors import BaselineError
from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.baseline import (
    Baseline,
    LocatedClaim,
    blessed,
    read_baseline,
    write_baseline,
)
from ppcheck.record.comparison import compared
from ppcheck.record.run import ClaimRecord
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


def measured(folder: Path, name: str, *records: ClaimRecord) -> list[LocatedClaim]:
    ids = tuple(one.id for one in records)
    return [LocatedClaim(one, folder / name, ids) for one in records]


def ids(baseline: Baseline) -> dict[str, str]:
    return {key: record.id for key, record in baseline.claims.items()}


def test_blessing_keeps_what_was_not_measured_and_takes_no_error(tmp_path: Path) -> None:
    first = measured(tmp_path, "x.pp.yaml", record(id="a"), record(0.1, id="b"))
    before = blessed(None, first, MODEL, tmp_path)
    error = record(id="c", verdict=Verdict.ERROR)
    again = measured(tmp_path, "x.pp.yaml", record(0.2, id="b"), error, record(0.3, id="d"))
    after = blessed(before, again, MODEL, tmp_path)
    assert after.claims["x.pp.yaml::a"] == before.claims["x.pp.yaml::a"]
    assert after.claims["x.pp.yaml::b"].statistics == record(0.2).statistics
    assert set(after.claims) == {f"x.pp.yaml::{name}" for name in "abd"}


@pytest.mark.trust
def test_blessing_takes_out_what_is_not_applicable_any_more_and_nothing_of_other_specs(
    tmp_path: Path,
) -> None:
    first = [
        *measured(tmp_path, "x.pp.yaml", record(id="a"), record(id="b")),
        *measured(tmp_path, "y.pp.yaml", record(id="a")),
    ]
    before = blessed(None, first, MODEL, tmp_path)
    lost = record(id="a", verdict=Verdict.NOT_APPLICABLE)
    after = blessed(before, measured(tmp_path, "x.pp.yaml", lost), MODEL, tmp_path)
    assert set(after.claims) == {"x.pp.yaml::b", "y.pp.yaml::a"}


@pytest.mark.trust
def test_specs_are_named_from_the_baselines_own_folder(tmp_path: Path) -> None:
    run = measured(tmp_path, "specs/x.pp.yaml", record(spec="whatever/x.pp.yaml", id="a"))
    folder = tmp_path / "baselines"
    found = blessed(None, run, MODEL, folder)
    assert ids(found) == {"../specs/x.pp.yaml::a": "a"}
    assert {claim.spec for claim in found.claims.values()} == {"../specs/x.pp.yaml"}
    assert found.name_of(tmp_path / "specs/x.pp.yaml", ("a",)) == "../specs/x.pp.yaml"


@pytest.mark.trust
@pytest.mark.parametrize("name", ["x.pp.yaml", "specs/x.pp.yaml", "../specs/x.pp.yaml"])
def test_a_baseline_that_named_its_specs_otherwise_is_found_out_and_named_rightly_when_blessed(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "project/specs/x.pp.yaml"
    path.parent.mkdir(parents=True)
    path.touch()
    folder = tmp_path / "project"
    known = {f"{name}::{id_}": record(spec=name, id=id_) for id_ in "ab"}
    old = Baseline(MODEL, known, folder)
    assert old.name_of(path, ("a", "b")) == name
    run = measured(path.parent, path.name, record(0.2, id="a"))
    after = blessed(
        old, [LocatedClaim(one.record, one.path, ("a", "b")) for one in run], MODEL, folder
    )
    assert ids(after) == {"specs/x.pp.yaml::a": "a", "specs/x.pp.yaml::b": "b"}


@pytest.mark.trust
def test_a_baseline_of_version_1_is_read_and_compared(path: Path) -> None:
    run = measured(path.parent, "specs/x.pp.yaml", record(id="a", spec="specs/x.pp.yaml"))
    write_baseline(path, blessed(None, run, MODEL, path.parent))
    held = json.loads(path.read_text())
    held["schema"] = "ppcheck.baseline/1"
    for claim in held["claims"].values():
        del claim["measures"]
    path.write_text(json.dumps(held))
    found = read_baseline(path)
    assert found is not None
    old = found.claims["specs/x.pp.yaml::a"]
    assert compared(record(-0.15, id="a"), old, "baseline.json").change is Change.REGRESSED
    other = compared(record(id="a", fingerprint="g"), old, "baseline.json")
    assert other.reason == "what the claim measures differs"


@pytest.mark.trust
def test_a_spec_that_is_still_there_is_never_taken_for_another_of_the_same_name(
    tmp_path: Path,
) -> None:
    for name in ("x.pp.yaml", "specs/x.pp.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    known = Baseline(MODEL, {"x.pp.yaml::a": record(spec="x.pp.yaml", id="a")}, tmp_path)
    assert known.name_of(tmp_path / "specs/x.pp.yaml", ("a",)) == "specs/x.pp.yaml"


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
        ("{", "is not a baseline"),
        ("[]", "its schema is None"),
        (
            json.dumps({"schema": "ppcheck.run/1"}),
            "'ppcheck.run/1', not 'ppcheck.baseline/2'. Write it",
        ),
        (json.dumps({"schema": "ppcheck.baseline/9"}), "of version 9, .* up to version 2: use"),
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
