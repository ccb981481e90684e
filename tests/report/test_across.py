"""What becomes of a claim from checkpoint to checkpoint, in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.judge.verdict import Verdict
from ppcheck.record.audit import Status
from ppcheck.report.across import (
    FELL,
    Trajectory,
    TrajectoryKind,
    completeness,
    short_names,
    tally_of_courses,
)
from tests.report.audits import LETTERS, audit, checkpoints, claim, falling, missing

NAMES = [f"s{n}" for n in range(30)]


def course(verdicts: str) -> Trajectory:
    return Trajectory(claim(verdicts).cells)


@pytest.mark.parametrize(
    ("verdicts", "kind", "words"),
    [
        ("hhhh", TrajectoryKind.ALWAYS, "holds throughout"),
        ("hmhm", TrajectoryKind.ALWAYS, "holds throughout"),
        ("h.nh", TrajectoryKind.ALWAYS, "holds throughout"),
        ("fiih", TrajectoryKind.STARTS, "holds at s3 alone"),
        ("ffhh", TrajectoryKind.STARTS, "holds from s2 on"),
        ("hhfe", TrajectoryKind.STOPS, "holds up to s1"),
        ("fhhf", TrajectoryKind.CHANGES, "holds from s1 to s2"),
        ("hfih", TrajectoryKind.CHANGES, "holds from s0 to s3, but not at 2 between"),
        ("fhfh", TrajectoryKind.CHANGES, "holds from s1 to s3, but not at 1 between"),
        ("ffie", TrajectoryKind.NEVER, "holds nowhere"),
        ("nn.n", TrajectoryKind.UNASKED, "not applicable"),
        ("..", TrajectoryKind.UNASKED, "not applicable"),
    ],
)
def test_a_claim_holds_from_its_first_checkpoint_to_its_last(
    verdicts: str, kind: TrajectoryKind, words: str
) -> None:
    found = course(verdicts)
    assert (found.kind, found.words(NAMES)) == (kind, words)


@given(st.text(st.sampled_from([*LETTERS, "."]), min_size=1, max_size=12))
def test_first_and_last_are_where_it_holds_and_nothing_beyond_does(verdicts: str) -> None:
    held = [at for at, letter in enumerate(verdicts) if letter in "hm"]
    assert course(verdicts).span == ((held[0], held[-1]) if held else None)


def moves(verdicts: str, *players: str) -> list[str]:
    return Trajectory(claim(verdicts, [each.split() for each in players]).cells).moved(NAMES)


def test_a_role_moves_where_another_plays_it() -> None:
    assert moves("hhmm", "L1H1", "L1H1", "L1H3", "L1H3") == ["L1H1 → L1H3 at s2"]
    assert moves("hmh", "L1H1", "L1H3", "L1H1") == ["L1H1 → L1H3 at s1", "L1H3 → L1H1 at s2"]


def test_a_role_moves_over_checkpoints_at_which_nobody_plays_it() -> None:
    assert moves("hffm", "L1H1", "", "L0H0", "L1H3") == ["L1H1 → L1H3 at s3"]


def test_those_who_come_and_go_at_its_margin_do_not_move_a_role() -> None:
    assert moves("hhh", "L2H0 L1H1 L1H2", "L2H0 L1H1", "L2H0 L1H2") == []
    assert moves("hh", "L2H0 L1H1", "L1H1 L2H0") == []


def test_a_new_best_player_moves_a_role_and_those_who_stay_are_not_named() -> None:
    assert moves("hm", "L2H0 L1H1", "L2H1 L1H1") == ["L2H0 → L2H1 at s1"]
    assert moves("hh", "L1H1", "L1H3 L1H1") == ["L1H1 → L1H3, L1H1 at s1"]


def test_checkpoints_of_one_model_are_called_by_their_revisions() -> None:
    assert short_names(audit([claim("hh")])) == ["step0", "step1"]
    two = [*checkpoints(1), *checkpoints(1, "other")]
    assert short_names(audit([claim("hh")], two)) == ["demo@step0", "other@step0"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["/m/base.gguf", "/m/base.gguf+run/checkpoint-1"], ["base.gguf", "checkpoint-1"]),
        (["base+a/step-9", "base+b/step-9", "demo"], ["base+a/step-9", "base+b/step-9", "demo"]),
        (["x/base+y/a/1", "x/base+y/b/1"], ["a/1", "b/1"]),
        (["org/small", "org/large"], ["small", "large"]),
        (["./candidate/", "./old/"], ["candidate", "old"]),
        (["org/small"], ["org/small"]),
    ],
)
def test_checkpoints_are_called_by_the_end_of_their_path_that_tells_them_apart(
    labels: list[str], names: list[str]
) -> None:
    (one,) = checkpoints(1)
    named = [one.model_copy(update={"label": label}) for label in labels]
    assert short_names(audit([claim("h" * len(labels))], named)) == names


def test_what_is_missing_is_named_with_its_reason() -> None:
    some = [*checkpoints(5), missing("demo@nowhere", "there is no such revision")]
    assert completeness(audit([claim("hhhhh.")], some)) == (
        "5 of 6 checkpoints; missing: demo@nowhere: there is no such revision"
    )
    assert completeness(audit([claim("hhhhh")])) == "5 checkpoints"
    waits = some[0].model_copy(update={"status": Status.WAITING})
    assert completeness(audit([claim("h")], [waits])) == "0 of 1 checkpoint; 1 yet to be run"


def test_claims_are_counted_by_how_they_fare() -> None:
    found = [claim("hh"), claim("hm", [["a"], ["b"]]), claim("hf"), claim("fh"), claim("nn")]
    assert tally_of_courses(found) == (
        "5 claims: 2 always hold, 1 starts to hold, 1 stops holding, 1 not applicable; "
        "1 moves to another component"
    )
    assert Verdict.MOVED in {cell.verdict for cell in found[1].cells if cell}


@pytest.mark.trust
def test_a_figure_that_fell_is_told_though_the_claim_holds_throughout() -> None:
    found = Trajectory.of(falling(0.9, 0.56))
    assert (found.kind, found.marks) == (TrajectoryKind.ALWAYS, ["✓", FELL])
    assert found.fell(NAMES) == ["recovery 0.9 → 0.56 (-38 %) at s1"]
    assert tally_of_courses([falling(0.9, 0.56), falling(0.9, 0.9)]) == (
        "2 claims: 2 always hold; 1 falls while holding"
    )


@pytest.mark.trust
@pytest.mark.parametrize(
    ("estimates", "at"),
    [
        ((0.9, 0.82, 0.74, 0.66), [3]),
        ((0.9, 0.5, 0.9, 0.5), [1, 3]),
        ((0.5, 0.9), []),
        ((0.9, 0.75), []),
        ((0.9, 0.6, 0.35), [1, 2]),
    ],
)
def test_a_figure_falls_from_its_best_however_many_steps_that_takes(
    estimates: tuple[float, ...], at: list[int]
) -> None:
    assert [fall.at for fall in Trajectory.of(falling(*estimates)).falls] == at


@pytest.mark.trust
def test_what_a_claim_allows_itself_or_says_by_failing_is_not_told_as_a_fall() -> None:
    assert not Trajectory.of(falling(0.9, 0.56, tolerance={"recovery": 0.4})).falls
    assert not Trajectory.of(falling(0.9, 0.56, verdict=Verdict.FAILS)).falls
    upwards = falling(0.2, 0.56, bounds={"recovery": "<= 0.7"})
    assert Trajectory.of(upwards).fell(NAMES) == ["recovery 0.2 → 0.56 (+180 %) at s1"]
