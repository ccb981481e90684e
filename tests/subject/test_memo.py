"""The memo: equal to the subject behind it to the last bit, which is asked for nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.metrics import DivergenceReadout, VocabularyReadout
from ppcheck.spec.expectations.metric import Reading
from ppcheck.spec.sites.edge import Edge
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.interventions.readout import Readout
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.interventions.writing import Writing
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.memo import Memo, Memory
from ppcheck.subject.subject import Subject
from ppcheck.subject.tokens.encoding import Encoded

IDS = [[3, 9, 4, 17], [30, 2, 5, 5], [6, 6, 41, 8]]
TWINS = [[3, 1, 4, 17], [30, 7, 5, 5], [6, 2, 41, 8]]
SECOND = Position.parse("1")


class Watched(LoadedSubject):
    """Counts the members that it is asked to measure, by method."""

    def __init__(self, subject: LoadedSubject) -> None:
        super().__init__(subject.info, subject.shape, subject._tokens, subject._engine)
        self.asked: list[tuple[str, int]] = []

    def endings(self, prompts: Any) -> Floats:
        self.asked.append(("endings", len(prompts)))
        return super().endings(prompts)

    def read_after(self, prompts: Any, readout: Any) -> Floats:
        self.asked.append(("read_after", len(prompts)))
        return super().read_after(prompts, readout)

    def replies(self, prompts: Any, numbers: Any, writing: Any) -> Integers:
        self.asked.append(("replies", len(prompts)))
        return super().replies(prompts, numbers, writing)

    def capture(self, encoded: Any, sites: Any, at: Any) -> list[Floats]:
        self.asked.append(("capture", len(sites)))
        return super().capture(encoded, sites, at)

    def attention(self, encoded: Any, heads: Any, links: Any) -> Floats:
        self.asked.append(("attention", len(heads)))
        return super().attention(encoded, heads, links)

    def patch(self, target: Any, source: Any, cells: Any, readout: Any) -> Floats:
        self.asked.append(("patch", len(cells)))
        return super().patch(target, source, cells, readout)

    def intervene(self, encoded: Any, cells: Any, readout: Any) -> Floats:
        self.asked.append(("intervene", len(cells)))
        return super().intervene(encoded, cells, readout)

    def rewire(self, clean: Any, corrupted: Any, wirings: Any, readout: Any) -> Floats:
        self.asked.append(("rewire", len(wirings)))
        return super().rewire(clean, corrupted, wirings, readout)

    def activations(
        self, encoded: Any, sites: Any, position: Any, cells: Any = ((),)
    ) -> list[Floats]:
        self.asked.append(("activations", len(cells)))
        return super().activations(encoded, sites, position, cells)

    def means(self, encoded: Any, sites: Any, position: Any, *, pooled: bool) -> list[Floats]:
        self.asked.append(("means", len(sites)))
        return super().means(encoded, sites, position, pooled=pooled)


@pytest.fixture
def watched(tiny: Callable[[str], LoadedSubject]) -> Watched:
    return Watched(tiny("gpt2"))


@pytest.fixture
def pair(watched: Watched, ids_prompts: Any) -> tuple[Encoded, Encoded]:
    return watched.encode(ids_prompts(IDS)), watched.encode(ids_prompts(TWINS))


def cells(subject: Subject, sites: str, position: Position = FINAL) -> list[Cell]:
    return [Cell((site,), position) for site in subject.sites(Sites.parse(sites))]


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
        subject.patch(first, second, cells(subject, "L*H*", SECOND), readout),
        subject.intervene(first, added(subject, 1.0), readout),
        subject.rewire(first, second, wirings(), readout),
        *subject.activations(first, mixed, SECOND, [(), *added(subject, 2.0)]),
        *subject.means(first, mixed, FINAL, pooled=True),
    ]


def wirings() -> list[Wiring]:
    edges = [Edge(Site(Kind.EMBED), Site(Kind.VALUE, 0, 1)), Edge(Site(Kind.HEAD, 0, 1), None)]
    some = [frozenset(edges), frozenset(edges[1:])]
    return [Wiring(each, keeps=keeps) for each in some for keeps in (True, False)]


def added(subject: Subject, scale: float) -> list[tuple[Edit, ...]]:
    """Cells that add to one head each."""
    vector = np.full(subject.shape.d_head, scale)
    heads = subject.sites(Sites.parse("L*H*"))
    return [(Edit(head, SECOND, Operation.ADD, vector),) for head in heads]


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
    methods = ("endings", "endings", "capture", "attention", "patch")
    edited = ("intervene", "rewire", "activations", "means")
    counts = (3, 2, 3, 4, 4, 4, 4, 5, 3)
    assert watched.asked == list(zip(methods + edited, counts, strict=True))
    assert (memo.asked, memo.known) == (30, 30)


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


def test_what_is_asked_again_counts_once(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    memo = Memo(watched, Memory())
    for _ in range(3):
        memo.read(pair[0], logit_diff(3))
    assert (memo.asked, memo.known) == (1, 0)


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


def test_progress_is_told_by_what_measures(
    watched: Watched, pair: tuple[Encoded, Encoded], logit_diff: Any
) -> None:
    said: list[str] = []
    memo = Memo(watched, Memory())
    memo.progress = lambda what, *_: said.append(what)
    memo.read(pair[0], logit_diff(3))
    memo.read(pair[0], logit_diff(3))
    assert said == ["read"]


class Below:
    """A store below, which keeps all, and what it was asked."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Floats] = {}
        self.asked: list[str] = []

    def load(self, family: str, members: Iterable[str]) -> dict[str, Floats]:
        wanted = list(members)
        self.asked += wanted
        return {name: self.kept[family, name] for name in wanted if (family, name) in self.kept}

    def save(self, family: str, found: Mapping[str, Floats]) -> None:
        self.kept |= {(family, name): array for name, array in found.items()}


def test_memory_asks_below_only_for_what_it_has_not() -> None:
    below = Below()
    below.save("f", {"b": np.ones(1), "c": np.ones(2)})
    memory = Memory(below)
    memory.save("f", {"a": np.zeros(1)})
    assert memory.load("f", ["a", "b", "d"]).keys() == {"a", "b"}
    assert memory.load("f", ["a", "b"]).keys() == {"a", "b"}
    assert below.asked == ["b", "d"]
    assert ("f", "a") in below.kept


steps = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz")), max_size=30)


@given(steps, st.integers(0, 10))
@settings(max_examples=50)
def test_memory_stays_within_its_limit_and_never_makes_anything_up(
    saved: Sequence[tuple[str, str]], limit: int
) -> None:
    memory = Memory(limit=limit * 8)
    for family, name in saved:
        memory.save(family, {name: np.full(2, ord(family) + ord(name))})
        held = [memory.load(f, "xyz") for f in "abcde"]
        assert sum(array.nbytes for each in held for array in each.values()) <= limit * 8
    for family in "abcde":
        for name, array in memory.load(family, "xyz").items():
            assert (family, name) in saved
            assert (array == ord(family) + ord(name)).all()


def test_memory_forgets_first_what_was_used_longest_ago() -> None:
    memory = Memory(limit=16)
    memory.save("a", {"x": np.zeros(1)})
    memory.save("b", {"x": np.zeros(1)})
    memory.load("a", ["x"])
    memory.save("c", {"x": np.zeros(1)})
    assert [bool(memory.load(family, ["x"])) for family in "abc"] == [True, False, True]
