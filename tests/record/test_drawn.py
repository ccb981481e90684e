"""What a claim drew goes into the baseline and comes back with a comparison."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.measure.core.facts import Facts
from ppcheck.record.baseline import Baseline, read_baseline, write_baseline
from ppcheck.record.comparison import compared
from ppcheck.record.drawn import MOST, drawn, from_bytes, to_bytes
from tests.record.test_comparison import record

HEADS = {"rows": ["L0", "L1"], "columns": ["H0"], "values": [[0.123456789], [None]]}
CURVE = {"x": [0, 1], "y": [0.5, 0.25], "x_label": "dose"}
FACTS = {"prompts_sha256": "1", "maps": {"recovery": HEADS}, "curves": {"p(a)": CURVE}}


def test_a_baseline_keeps_what_was_drawn(tmp_path: Path) -> None:
    path = tmp_path / "good.json"
    write_baseline(path, Baseline({"name": "demo"}, {"a": record(facts=FACTS), "b": record()}))
    assert "maps" not in path.read_text()
    found = read_baseline(path)
    assert found is not None
    then = compared(record(facts=FACTS), found.claims["a"], "good.json").then
    assert then.maps["recovery"].values == ((0.1235,), (None,))
    assert then.curves["p(a)"] == Facts.read({"curves": {"p(a)": CURVE}}).curves["p(a)"]
    assert compared(record(), found.claims["b"], "good.json").then == Facts()


def test_a_baseline_written_before_drawings_were_kept_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "good.json"
    save = np.savez_compressed

    def without(stream: io.BytesIO, *, drawn: object, **arrays: Any) -> None:
        del drawn
        save(stream, **arrays)

    monkeypatch.setattr("ppcheck.record.baseline.np.savez_compressed", without)
    write_baseline(path, Baseline({}, {"a": record(facts=FACTS)}))
    found = read_baseline(path)
    assert found is not None
    assert found.claims["a"].facts.maps == {}


def test_too_large_a_drawing_is_not_kept() -> None:
    many = {f"L0N{number}": 0.5 for number in range(MOST + 1)}
    found = drawn(Facts.read(FACTS | {"effects": many}))
    assert found.effects == {}
    assert list(found.maps) == ["recovery"]


def test_the_same_drawings_are_the_same_bytes_whatever_their_order() -> None:
    one, other = Facts.read(FACTS), Facts()
    first, second = to_bytes({"a": one, "b": other}), to_bytes({"b": other, "a": one})
    assert first.tobytes() == second.tobytes()
    assert list(from_bytes(first)) == ["a"]
