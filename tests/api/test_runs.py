"""What a run gives: records by name, a table, a data frame, a file, a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

import ppcheck
from ppcheck.errors import BaselineError
from ppcheck.judge.compare import Change
from ppcheck.report.text import printable


@pytest.fixture(scope="module")
def demo(project: Path, cache: Path) -> ppcheck.Run:
    return ppcheck.run(project / "specs" / "a.pp.yaml", cache=cache)


@pytest.fixture(scope="module")
def blunted(project: Path, cache: Path) -> ppcheck.Run:
    return ppcheck.run(project / "specs" / "a.pp.yaml", "demo@blunted", cache=cache)


def test_claims_are_had_by_number_and_by_id(run: ppcheck.Run, demo: ppcheck.Run) -> None:
    assert len(run) == len(list(run)) == 10
    assert run[-1] is run.claims[-1]
    assert demo["sure"] is demo.claims[0]
    with pytest.raises(KeyError, match="no claim is called 'shure': did you mean 'sure'"):
        demo["shure"]
    with pytest.raises(KeyError, match="4 claims are called 'sure': specs/a"):
        run["sure"]


def test_a_run_shows_itself_as_the_table_of_the_terminal(demo: ppcheck.Run) -> None:
    first, second, *_ = repr(demo).splitlines()
    assert first == "specs/a.pp.yaml  on demo"
    assert second.startswith("✓  sure")
    assert "1 of 3 claims does not pass: 1 could not be measured" in repr(demo)


def test_a_saved_run_is_read_back_whole(demo: ppcheck.Run, tmp_path: Path) -> None:
    demo.save(tmp_path / "run.json")
    assert ppcheck.load_record(tmp_path / "run.json") == demo
    with pytest.raises(BaselineError, match="is not a run record"):
        ppcheck.load_record(tmp_path / "none.json")


def test_runs_are_compared_claim_by_claim_whether_loaded_or_saved(
    demo: ppcheck.Run, blunted: ppcheck.Run, tmp_path: Path
) -> None:
    found = ppcheck.compare(demo, blunted)
    change = found["deterred"].comparison
    assert change is not None
    assert (change.change, change.baseline) == (Change.REGRESSED, "demo")
    assert [claim.id for claim in found.worse] == ["deterred"]
    assert not found.passes
    assert (demo.worse, ppcheck.compare(demo, demo).worse) == ((), ())
    demo.save(tmp_path / "old.json")
    saved = ppcheck.compare(tmp_path / "old.json", blunted)
    assert [claim.id for claim in saved.worse] == ["deterred"]
    assert f"against {printable(str(tmp_path / 'old.json'))}" in repr(saved)


def test_a_frame_has_a_row_for_each_claim_or_each_statistic(run: ppcheck.Run) -> None:
    assert len(run.to_pandas()) == len(run)
    assert set(run.to_pandas("statistic")["claim"]) == {"sure", "deterred"}
    with pytest.raises(ValueError, match="rows are by 'claim' or by 'statistic'"):
        run.to_pandas("claims")  # type: ignore[arg-type]


def test_a_notebook_shows_the_table(demo: ppcheck.Run) -> None:
    assert "<table>" in demo._repr_html_()
