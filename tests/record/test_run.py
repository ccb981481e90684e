from __future__ import annotations

import pytest
from pydantic import ValidationError

from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord, RunRecord, StatisticRecord


def run() -> RunRecord:
    open_ended = StatisticRecord(
        estimate=1 / 3, low=None, high=0.5, n=9, confidence=0.95, method="bca", family=1
    )
    claim = ClaimRecord(
        id="x",
        spec="a.pp.yaml",
        line=3,
        check="patch",
        family="patching",
        model="demo",
        verdict=Verdict.NOT_APPLICABLE,
        statistics={"recovery[L0H1]": open_ended},
    )
    return RunRecord(
        started="2026-01-01T00:00:00+00:00",
        seconds=1.5,
        peak_memory_mb=100,
        model={"name": "demo"},
        models={"demo": {"name": "demo"}},
        claims=(claim,),
    )


def test_a_record_reads_back_as_it_was_written() -> None:
    assert RunRecord.model_validate_json(run().to_json()) == run()


def test_a_record_names_its_schema_first() -> None:
    assert run().to_json().lstrip("{\n ").startswith('"schema": "ppcheck.run/3"')


def test_a_record_of_another_version_is_refused() -> None:
    with pytest.raises(ValidationError):
        RunRecord.model_validate_json(run().to_json().replace("ppcheck.run/3", "ppcheck.run/4"))
