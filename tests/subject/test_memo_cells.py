"""Patched, edited and rewired cells in the memo: each is run once, whatever is read of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ppcheck.arrays import Floats
from ppcheck.measure.core.metrics import DivergenceReadout, VocabularyReadout
from ppcheck.spec.expectations.metric import Reading
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Operation
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded
from tests.subject.watched import IDS, SECOND, TWINS, Watched, added, cells, wirings

Cells = Callable[[Subject, tuple[Encoded, Encoded], Readout], Floats]


def patched(subject: Subject, pair: tuple[Encoded, Encoded], readout: Readout) -> Floats:
    return subject.patch(*pair, cells(subject, "L*H*", SECOND), readout)


def edited(subject: Subject, pair: tuple[Encoded, Encoded], readout: Readout) -> Floats:
    return subject.intervene(pair[0], added(subject, 1.0), readout)


def rewired(subject: Subject, pair: tuple[Encoded, Encoded], readout: Readout) -> Floats:
    return subject.rewire(*pair, wirings(), readout)


def metrics(subject: Subject, pair: tuple[Encoded, Encoded], logit_diff: Any) -> list[Readout]:
    """Of other tokens each, or of the whole vocabulary."""
    chances = VocabularyReadout(Reading.PROB, np.full((3, 1), 5), "sum")
    kl = DivergenceReadout(subject.log_distribution(pair[0]))
    return [logit_diff(3), logit_diff(3, (2, 30)), chances, kl]


@pytest.mark.parametrize("run", [patched, edited, rewired])
def test_no_metric_runs_a_cell_again(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any, run: Cells
) -> None:
    some = metrics(watched, pair, logit_diff)
    plain = [run(watched, pair, metric) for metric in some]
    watched.asked.clear()
    store, known = Memory(), []
    for metric, expected in zip(some, plain, strict=True):
        memo = Memo(watched, store)
        np.testing.assert_allclose(run(memo, pair, metric), expected, rtol=0, atol=1e-5)
        known.append((memo.asked, memo.known))
    assert len(watched.asked) == 1
    assert known == [(4, 0), (4, 4), (4, 4), (4, 4)]


def test_another_metric_runs_the_cells_that_are_new(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    memo = Memo(watched, Memory())
    memo.patch(*pair, cells(memo, "L0H1", SECOND), logit_diff(3))
    again = patched(memo, pair, logit_diff(3, (2, 30)))
    assert watched.asked == [("patch", 1), ("patch", 3)]
    assert (memo.asked, memo.known) == (5, 1)
    expected = patched(watched, pair, logit_diff(3, (2, 30)))
    np.testing.assert_allclose(again, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("limit", [4 * 3 * 16 * 8, 4 * 3 * 16 * 8 - 1])
def test_endings_of_more_cells_than_the_limit_allows_are_not_kept(
    watched: Watched,
    pair: tuple[Encoded, Encoded],
    logit_diff: Any,
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
) -> None:
    monkeypatch.setattr("ppcheck.subject.memo.ENDINGS_LIMIT", limit)
    memo, fit = Memo(watched, Memory()), limit % 2 == 0
    for _ in range(2):
        patched(memo, pair, logit_diff(3))
        patched(memo, pair, logit_diff(3, (2, 30)))
    assert watched.asked == [("patch", 4)] * (1 if fit else 2)
    assert (memo.asked, memo.known) == (8, 4 if fit else 0)


@pytest.mark.parametrize("run", [patched, edited])
def test_a_model_without_endings_keeps_what_was_read_of_cells(
    tiny: Callable[[str], LoadedSubject], ids_prompts: Any, logit_diff: Any, run: Cells
) -> None:
    watched = Watched(tiny("bloom"))
    memo = Memo(watched, Memory())
    pair = memo.encode(ids_prompts(IDS)), memo.encode(ids_prompts(TWINS))
    for _ in range(2):
        for tokens in ((7, 11), (2, 30)):
            found = run(memo, pair, logit_diff(3, tokens))
            plain = run(tiny("bloom"), pair, logit_diff(3, tokens))
            np.testing.assert_allclose(found, plain, rtol=0, atol=1e-5)
    assert len(watched.asked) == 2
    assert memo.known == 0


def test_edits_go_by_what_they_do_whatever_their_order(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    memo, readout = Memo(watched, Memory()), logit_diff(3)
    (one,), (two,) = added(memo, 1.0)[:2]
    memo.intervene(pair[0], [(one, two), (two, one)], readout)
    assert watched.asked == [("intervene", 1)]
    for other in (
        (replace(one, vector=2 * one.vector), two),
        (replace(one, operation=Operation.SET), two),
        (replace(one, position=FINAL), two),
        (one,),
    ):
        before = len(watched.asked)
        memo.intervene(pair[0], [other], readout)
        assert len(watched.asked) == before + 1


def test_overlapping_sweeps_measure_only_what_is_missing(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    store, readout = Memory(), logit_diff(3)
    memos = [Memo(watched, store) for _ in range(3)]
    few, all_four, again = (
        memo.patch(*pair, cells(memo, sites), readout)
        for memo, sites in zip(memos, ("L0H1", "L*H*", "L1H1"), strict=True)
    )
    assert watched.asked == [("patch", 1), ("patch", 3)]
    np.testing.assert_array_equal(all_four[1], few[0])
    np.testing.assert_array_equal(again[0], all_four[3])
    assert [(memo.asked, memo.known) for memo in memos] == [(1, 0), (4, 1), (1, 1)]


def test_positions_go_by_the_tokens_that_they_name(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    memo, readout = Memo(watched, Memory()), logit_diff(3)
    for position in ("final", "-1", "3", "1", "-3", "all"):
        memo.patch(*pair, cells(memo, "L0H0", Position.parse(position)), readout)
    assert watched.asked == [("patch", 1)] * 3


def test_the_order_of_sites_patched_together_and_repeats_make_no_new_cell(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    memo = Memo(watched, Memory())
    one, two = memo.sites(Sites.parse("L0H*"))
    same = [Cell((one, two), FINAL), Cell((two, one), FINAL), Cell((one, two), FINAL)]
    values = memo.patch(*pair, same, logit_diff(3))
    assert watched.asked == [("patch", 1)]
    assert (values == values[0]).all()
