"""A plan: what a run then asks of the model, told without asking it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from ppcheck.measure.core.check import Bench, Check
from ppcheck.measure.plan import Plan, plan
from ppcheck.measure.recorder import Recorder
from ppcheck.measure.registry import CHECKS
from ppcheck.report.plan import plan_text
from ppcheck.spec.load import load_spec
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.measure.lab import Model, bench
from tests.measure.lab import claim as claim_of
from tests.plugin.conftest import SPEC

MORE = """
  - id: heads
    says: Heads.
    check: patch
    on: game
    site: L2H*
    mode: denoise
    metric: METRIC
    expect: {recovery: "> 0"}
  - id: all-heads
    says: More heads.
    check: patch
    on: game
    site: L*H*
    mode: denoise
    metric: METRIC
    top: 1
    expect: {recovery: "> 0"}
  - id: looks
    says: Heads look.
    check: attention
    on: game
    site: L1H*
    to: feeling=pain
    against: feeling=neutral
    expect: {difference: "> 0"}
  - id: neurons
    says: Neurons tell.
    check: neuron
    on: game
    site: L1N*
    position: feeling[-1]
    separates: {feeling: [pain, neutral]}
    dose: dose
    top: 1
    metric: METRIC
    expect: {auroc: "> 0.9"}
  - id: dose
    says: Doses tell.
    check: dose_response
    on: game
    metric: p(b)
    dose: dose
    expect: {spearman: "< 0"}
"""


def claims(tmp_path: Path, metric: str = "logit_diff(a, b)") -> dict[str, tuple[Check, Grid]]:
    path = tmp_path / "game.pp.yaml"
    path.write_text(SPEC + MORE.replace("METRIC", metric).removeprefix("\n"))
    return {
        entry.id: (cast("Check", entry.claim), entry.grid)
        for entry in load_spec(path, CHECKS).entries
        if entry.grid is not None
    }


@pytest.mark.parametrize("metric", ["logit_diff(a, b)", "kl", "rank(a)", "log_prob(a)"])
def test_a_run_asks_for_just_what_was_planned_and_then_nothing_is_left(
    demo: Subject, tmp_path: Path, metric: str
) -> None:
    some, store = claims(tmp_path, metric), Memory()
    if metric != "logit_diff(a, b)":
        del some["neurons"]  # which one is kept depends on what is measured
    before = plan(demo, some, store)
    asked = known = 0
    for claim, grid in some.values():
        memo = Memo(demo, store)
        claim.measure(Bench(memo, grid, 0))
        asked, known = asked + memo.asked, known + memo.known
    assert before.refused == {}
    assert before.known == known
    assert before.asked == asked
    assert before.to_measure == asked - known
    after = plan(demo, some, store)
    assert (after.asked, after.requests, after.speed) == (asked, (), None)
    assert after.known == asked


PATHS: dict[str, dict[str, Any]] = {
    "path": {"sender": "L0H*", "receiver": ["L1H*.q", "mlp_out.L1", "logits"], "mode": "denoise"},
    "circuit": {"nodes": ["L0H*", "mlp_out.L0"], "ablation": "corrupted", "random": 5},
    "circuit of edges": {"edges": ["embed -> L0H1", "L0H1 -> logits"], "ablation": "corrupted"},
}


@pytest.mark.parametrize("check", PATHS)
def test_paths_and_circuits_ask_for_just_what_was_planned(tiny: Model, check: str) -> None:
    on, store = bench(tiny), Memory()
    wanted = claim_of(check.split(maxsplit=1)[0], metric="logit_diff(a, b)", **PATHS[check])
    before = plan(tiny.subject, {"it": (wanted, on.grid)}, store)
    memo = Memo(tiny.subject, store)
    wanted.measure(Bench(memo, on.grid, 0))
    assert before.refused == {}
    assert (before.asked, before.guessed) == (memo.asked, ())
    after = plan(tiny.subject, {"it": (wanted, on.grid)}, store)
    assert (after.asked, after.requests) == (memo.asked, ())


def test_a_ranking_that_is_yet_to_be_found_is_a_guess(tiny: Model) -> None:
    on = bench(tiny)
    for ranking, guessed in (("effect", ("it",)), (["L1H0"], ())):
        wanted = claim_of("circuit", metric="p(a)", ablation="corrupted", ranking=ranking)
        assert plan(tiny.subject, {"it": (wanted, on.grid)}, Memory()).guessed == guessed


def test_overlapping_sweeps_are_counted_once(demo: Subject, tmp_path: Path) -> None:
    some = claims(tmp_path)
    both = plan(demo, {name: some[name] for name in ("heads", "all-heads")}, Memory())
    all_heads = plan(demo, {"all-heads": some["all-heads"]}, Memory())
    cells = demo.shape.n_layers * demo.shape.n_heads
    assert both.members("patch") == all_heads.members("patch") == cells
    assert both.replayed.tolist() == all_heads.replayed.tolist()
    assert both.prompts == all_heads.prompts


@pytest.mark.parametrize("check", ["patch", "circuit of edges"])
def test_another_metric_of_the_same_cells_is_planned_as_no_runs(tiny: Model, check: str) -> None:
    on, name = bench(tiny), check.split(maxsplit=1)[0]
    settings = PATHS.get(check) or {"site": "L*H*", "mode": "denoise"}
    some = {
        metric: (claim_of(name, metric=metric, **settings), on.grid)
        for metric in ("logit_diff(a, b)", "prob(a)")
    }
    alone = plan(tiny.subject, {"it": some["logit_diff(a, b)"]}, Memory())
    both, store = plan(tiny.subject, some, Memory()), Memory()
    assert both.refused == {}
    assert sum(r.runs for r in both.requests) == sum(r.runs for r in alone.requests) > 0
    asked = known = 0
    for claim, grid in some.values():
        memo = Memo(tiny.subject, store)
        claim.measure(Bench(memo, grid, 0))
        asked, known = asked + memo.asked, known + memo.known
    assert (both.asked, both.to_measure) == (asked, asked - known)


def test_the_model_answers_nothing_but_a_sample_that_tells_its_speed(
    demo: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method in ("read", "log_probs", "capture", "attention", "patch"):
        monkeypatch.setattr(LoadedSubject, method, None)
    found = plan(demo, claims(tmp_path), Memory())
    assert found.speed is not None
    assert found.seconds == pytest.approx(found.flops / found.speed)
    assert found.seconds > 0


def test_what_cannot_be_measured_is_said_and_the_others_are_planned(
    demo: Subject, tmp_path: Path
) -> None:
    some = claims(tmp_path, "logit_diff(a, b)")
    path = tmp_path / "more.pp.yaml"
    path.write_text(SPEC.replace("resid_post.L3", "resid_post.L30"))
    entry = load_spec(path, CHECKS).entries[3]
    assert entry.grid is not None
    some["outside"] = (cast("Check", entry.claim), entry.grid)
    found = plan(demo, some, Memory())
    assert list(found.refused) == ["outside"]
    assert "it has 4 layers" in found.refused["outside"]
    assert "  not planned   outside: resid_post.L30 is outside demo" in plan_text(found)


def test_the_same_claims_have_the_same_plan(demo: Subject, tmp_path: Path) -> None:
    def counts(found: Plan) -> tuple[object, ...]:
        return found.asked, found.to_measure, found.flops, found.replayed.tolist()

    some = claims(tmp_path)
    assert counts(plan(demo, some, Memory())) == counts(plan(demo, some, Memory()))


def test_a_guess_is_said_to_be_one(demo: Subject, tmp_path: Path) -> None:
    text = plan_text(plan(demo, claims(tmp_path), Memory()))
    assert "what is found by looking, and so what is measured of it: all-heads, neurons" in text
    for line in (
        "asked for",
        "known",
        "prompts",
        "tokens by layer: L0",
        "FLOP/s",
    ):
        assert line in text


def test_the_costliest_claims_are_named_and_what_fewer_units_would_spare(
    demo: Subject, tmp_path: Path
) -> None:
    some = claims(tmp_path)
    found = plan(demo, some, Memory())
    every = (request.flops(demo.info, demo.shape) for request in found.requests)
    assert found.flops == pytest.approx(sum(every))
    first = max(found.shares, key=lambda share: share.flops)
    lines = dict(line.strip().split("  ", 1) for line in plan_text(found).splitlines()[1:])
    assert lines["costly"].strip().startswith(f"{first.claim} {first.flops / found.flops:.0%}, ")
    assert "cheaper" not in lines
    many = replace(found, shares=tuple(replace(share, units=480) for share in found.shares))
    (cheaper,) = [line for line in plan_text(many).splitlines() if "cheaper" in line]
    assert "`sample: 120` of the 480 units of " in cheaper
    assert cheaper.endswith("with intervals 2.0 times as wide")


def test_made_up_numbers_have_the_shapes_of_the_real_ones(demo: Subject, tmp_path: Path) -> None:
    from ppcheck.spec.sites.site import Sites

    (_, grid), recorder = claims(tmp_path)["heads"], Recorder(demo)
    encoded = demo.encode(grid.prompts[:3])
    sites = demo.sites(
        Sites.parse(["L0H0", "L0H0.k", "L1N3", "resid_mid.L0", "embed", "mlp_out.L1"])
    )
    for made_up, real in zip(
        recorder.capture(encoded, sites, [0, 0, 0]),
        demo.capture(encoded, sites, [0, 0, 0]),
        strict=True,
    ):
        assert made_up.shape == real.shape
    assert recorder.log_distribution(encoded).shape == demo.log_distribution(encoded).shape
    edits = [(Edit(sites[0], FINAL, Operation.ADD, np.ones(demo.shape.d_head)),), ()]
    for one, other in zip(
        recorder.activations(encoded, sites, FINAL, edits),
        demo.activations(encoded, sites, FINAL, edits),
        strict=True,
    ):
        assert one.shape == other.shape
    for pooled in (True, False):
        for one, other in zip(
            recorder.means(encoded, sites, FINAL, pooled=pooled),
            demo.means(encoded, sites, FINAL, pooled=pooled),
            strict=True,
        ):
            assert one.shape == other.shape


def test_edits_cost_the_tokens_from_the_first_layer_and_token_that_they_change(
    demo: Subject, tmp_path: Path
) -> None:
    (_, grid), recorder = claims(tmp_path)["heads"], Recorder(demo)
    encoded = demo.encode(grid.prompts[:3])
    direction = np.ones(demo.shape.d_model)
    late = Edit(Site(Kind.RESID_POST, 2), FINAL, Operation.ADD, direction)
    early = Edit(Site(Kind.MLP_OUT, 1), Position("all"), Operation.REMOVE, direction)
    recorder.activations(encoded, [late.site], FINAL, [(late,), (late, early), ()])
    whole = sum(map(len, encoded.ids))
    assert recorder.requests[0].replayed.tolist() == [0, whole, 3 + whole, 6]
