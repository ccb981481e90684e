"""The memo: equal to the subject behind it to the last bit, which is asked for nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Sites
from ppcheck.subject.interventions.writing import Writing
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded
from tests.subject.watched import IDS, SECOND, Watched, added, cells, wirings


def everything(subject: Subject, pair: tuple[Encoded, Encoded], readout: Any) -> list[Floats]:
    first, second = pair
    heads = subject.sites(Sites.parse("L*H*"))
    mixed = subject.sites(Sites.parse(["L1H0", "L0N3", "resid_post.L0"]))
    links = [[(3, 0), (3, 1)], [], [(2, 2)]]
    return [
        subject.read(first, readout),
        subject.log_distribution(first),
        subject.log_probs(first, [[1, 2], [3], [4, 5]]),
        *subject.capture(first, mixed, [0, 3, 1]),
        subject.attention(first, heads, links),
        subject.evenness(first, heads, [[3], [], [2, 0]]),
        subject.patch(first, second, cells(subject, "L*H*", SECOND), readout),
        subject.intervene(first, added(subject, 1.0), readout),
        subject.rewire(first, second, wirings(), readout),
        *subject.activations(first, mixed, SECOND, [(), *added(subject, 2.0)]),
        *subject.means(first, mixed, FINAL, pooled=True),
    ]


def test_what_is_known_is_bit_for_bit_what_was_measured_and_is_measured_once(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    store, readout = Memory(), logit_diff(3)
    plain = everything(watched, pair, readout)
    watched.asked.clear()
    first = everything(Memo(watched, store), pair, readout)
    for found, expected in zip(first, plain, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    for _ in range(2):
        memo = Memo(watched, store)
        for found, expected in zip(everything(memo, pair, readout), first, strict=True):
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            assert found.tobytes() == expected.tobytes()
    # The second tokens of two answers are after prompts of their own.
    methods = ("endings", "endings", "capture", "attention", "evenness", "patch")
    edited = ("intervene", "rewire", "activations", "means")
    counts = (3, 2, 3, 4, 4, 4, 4, 4, 5, 3)
    assert watched.asked == list(zip(methods + edited, counts, strict=True))
    assert (memo.asked, memo.known) == (34, 34)


def test_no_metric_and_no_selection_runs_a_prompt_again(
    watched: Watched, ids_prompts: Any, logit_diff: Any
) -> None:
    store = Memory()
    whole = Memo(watched, store)
    encoded = whole.encode(ids_prompts(IDS))
    read = whole.read(encoded, logit_diff(3))
    some = Memo(watched, store)
    part = encoded.part([2, 0])
    np.testing.assert_array_equal(some.read(part, logit_diff(2)), read[[2, 0]])
    some.read(part, logit_diff(2, (11, 7)))
    some.log_distribution(part)
    assert watched.asked == [("endings", 3)]
    some.log_probs(part, [[1, 2], [3]])
    assert watched.asked[1:] == [("endings", 1)]


def test_a_reply_is_written_once_whatever_else_is_asked_beside_it(watched: Watched) -> None:
    store, prompts, writing = Memory(), [(3, 4, 5), (7, 8, 9, 10)], Writing(4, temperature=1.0)
    first = Memo(watched, store).replies(prompts, [0, 0], writing)
    memo = Memo(watched, store)
    more = memo.replies([*prompts, *prompts], [0, 0, 1, 1], writing)
    np.testing.assert_array_equal(more[:2], first)
    assert more.dtype == first.dtype == np.int64
    assert watched.asked == [("replies", 2), ("replies", 2)]
    assert (memo.asked, memo.known) == (4, 2)
    memo.replies(prompts, [0, 0], Writing(4, temperature=0.5))
    assert watched.asked[2:] == [("replies", 2)]


def test_a_model_without_endings_keeps_each_reading(
    tiny: Callable[[str], LoadedSubject], ids_prompts: Any, logit_diff: Any
) -> None:
    watched = Watched(tiny("bloom"))
    memo = Memo(watched, Memory())
    encoded = memo.encode(ids_prompts(IDS))
    logits = watched._engine.forward(np.array(IDS), [])[:, -1].double().numpy()
    for _ in range(2):
        read = memo.read(encoded, logit_diff(3))
        np.testing.assert_allclose(read, logits[:, 7] - logits[:, 11], rtol=0, atol=1e-5)
    assert watched.asked == [("read_after", 3)]


def test_what_is_asked_again_counts_once(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    memo = Memo(watched, Memory())
    for _ in range(3):
        memo.read(pair[0], logit_diff(3))
    assert (memo.asked, memo.known) == (1, 0)


def test_another_question_is_never_answered_from_the_memo(
    watched: Watched, pair: tuple[Encoded, Encoded], ids_prompts: Any, logit_diff: Any
) -> None:
    memo, (first, second) = Memo(watched, Memory()), pair
    readout, sites = logit_diff(3), cells(memo, "L0H0")
    memo.patch(first, second, sites, readout)
    for target, source, some, other in (
        (second, first, sites, readout),
        (first, first, sites, readout),
        (first, second, cells(memo, "L0H0.q"), readout),
        (first, second, cells(memo, "L0H0", SECOND), readout),
    ):
        before = len(watched.asked)
        memo.patch(target, source, some, other)
        assert len(watched.asked) == before + 1
    head = memo.sites(Sites.parse("L0H0"))
    for links in ([[(3, 0)]] * 3, [[(3, 1)]] * 3, [[(3, 0), (3, 1)]] * 3):
        memo.attention(first, head, links)
    assert watched.asked[-3:] == [("attention", 1)] * 3
    memo.capture(first, head, [0, 0, 0])
    memo.capture(first, head, [0, 0, 1])
    memo.read(memo.encode(ids_prompts([IDS[0]])), logit_diff(1))
    memo.read(memo.encode(ids_prompts([[*IDS[0], 1], IDS[0][:3]])), logit_diff(2))
    assert watched.asked[-4:] == [("capture", 1), ("capture", 1), ("endings", 1), ("endings", 2)]


def test_another_model_is_never_answered_for(
    tiny: Callable[[str], LoadedSubject], ids_prompts: Any
) -> None:
    store = Memory()
    found = [
        Memo(tiny(name), store).log_distribution(tiny(name).encode(ids_prompts(IDS)))
        for name in ("gpt2", "gptj")
    ]
    assert not np.allclose(found[0], found[1])


def test_what_a_caller_does_to_an_answer_changes_no_later_one(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    memo, readout = Memo(watched, Memory()), logit_diff(3)
    first = memo.read(pair[0], readout)
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(memo.read(pair[0], readout), kept)


def test_an_error_is_raised_each_time_and_nothing_is_kept_of_it(
    watched: Watched, ids_prompts: Any, logit_diff: Any
) -> None:
    memo = Memo(watched, Memory())
    longer = memo.encode(ids_prompts([[1, 2, 3, 4, 5]] * 3))
    target = memo.encode(ids_prompts(IDS))
    for _ in range(2):
        with pytest.raises(MeasurementError, match="different lengths"):
            memo.patch(target, longer, cells(memo, "L0H0", Position.parse("all")), logit_diff(3))
    assert watched.asked == [("patch", 1)] * 2


def test_what_measures_reports_progress(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    said: list[str] = []
    memo = Memo(watched, Memory())
    memo.progress = lambda what, *_: said.append(what)
    memo.read(pair[0], logit_diff(3))
    memo.read(pair[0], logit_diff(3))
    assert said == ["read"]
