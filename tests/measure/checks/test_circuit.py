from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.circuits.faithfulness import FRACTIONS
from ppcheck.measure.core.check import Bench
from tests.measure.hooks import Change, courier, difference, put, seen
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    bench,
    by_name,
    claim,
    curve_of,
    estimates,
    game,
    last,
    problems,
    read_back,
    sides_of,
    texts_of,
    verdict,
)

METRIC = "logit_diff(a, b)"
FEW = game(vary={**GAME["vary"], "start": ["here"], "strength": ["mild", "severe"]})
H = "transformer.h"
PLACES = {n: (f"{H}.{n}.attn.c_proj<", f"{H}.{n}.mlp.c_proj") for n in (0, 1)}
EVERYTHING = tuple(place for places in PLACES.values() for place in places)
NODES = ("L0H0", "L0H1", "L1H0", "L1H1", "mlp_out.L0", "mlp_out.L1")


def by_hooks(
    model: Model, text: str, instead: Mapping[str, Tensor], kept: Collection[str]
) -> float:
    """A minus B where all nodes but ``kept`` take the values of ``instead``, by place."""

    def held(layer: int) -> Change:
        def change(now: Tensor) -> Tensor:
            for head in (0, 1):
                if f"L{layer}H{head}" not in kept:
                    columns = slice(8 * head, 8 * head + 8)
                    now = put(columns, instead[PLACES[layer][0]], slice(None))(now)
            return now

        return change

    changes: dict[str, Change] = {PLACES[layer][0]: held(layer) for layer in (0, 1)}
    for layer in (0, 1):
        if f"mlp_out.L{layer}" not in kept:
            changes[PLACES[layer][1]] = put(slice(None), instead[PLACES[layer][1]], slice(None))
    return float(difference(seen(model, text, changes)["logits"].numpy()))


def without(*names: str) -> tuple[str, ...]:
    return tuple(node for node in NODES if node not in names)


def test_a_circuit_in_corrupted_surroundings_is_as_by_hooks_on_the_plain_model(
    tiny: Model,
) -> None:
    nodes = ["L1H0", "L1H1", "mlp_out.L0"]
    wanted = claim(
        "circuit", nodes=nodes, ablation="corrupted", metric=METRIC, random=0, subsets=1
    ).measure(bench(tiny, FEW))
    found = estimates(wanted)
    pairs = [sides_of(pair) for pair in by_name(wanted)["gap"].examples]
    clean, corrupted = (difference(last(tiny, side)) for side in zip(*pairs, strict=True))
    others = [seen(tiny, other, {}, *EVERYTHING) for _, other in pairs]

    def metric(kept: Collection[str]) -> np.ndarray:
        runs = zip(pairs, others, strict=True)
        return np.array([by_hooks(tiny, text, other, kept) for (text, _), other in runs])

    gap = (clean - corrupted).sum()
    assert found["gap"] == pytest.approx((clean - corrupted).mean(), abs=1e-5)
    circuit = metric(nodes)
    faithful = (circuit - corrupted).sum() / gap
    assert found["faithfulness"] == pytest.approx(faithful, abs=1e-4)
    necessity = (clean - metric(without(*nodes))).sum() / gap
    assert found["necessity"] == pytest.approx(necessity, abs=1e-4)
    for node in nodes:
        less = metric([other for other in nodes if other != node])
        lost = (circuit - less).sum() / gap
        assert found[f"minimality {node}"] == pytest.approx(lost, abs=1e-4)
        apart = (metric(without(node)) - less).sum() / gap
        assert found[f"incompleteness without {node}"] == pytest.approx(apart, abs=1e-4)
    ((name, some),) = (item for item in wanted.facts.extras["without"].items() if len(item[1]) > 1)
    assert name == f"without {'+'.join(some)}"
    less = metric([node for node in nodes if node not in some])
    apart = (metric(without(*some)) - less).sum() / gap
    assert found[f"incompleteness {name}"] == pytest.approx(apart, abs=1e-4)
    assert wanted.facts.extras["faithfulness_of_nothing"] == pytest.approx(0, abs=1e-5)
    assert min(abs(share) for share in (faithful, necessity)) > 0.01


def test_a_circuit_among_means_is_as_by_hooks_on_the_plain_model(tiny: Model) -> None:
    on = bench(tiny, FEW)
    wanted = claim(
        "circuit",
        on="game[feeling=pain]",
        nodes=["L0H1", "mlp_out.L1"],
        ablation="mean",
        reference="game",
        metric=METRIC,
        random=0,
    ).measure(on)
    runs = [seen(tiny, text, {}, *EVERYTHING) for text in texts_of(on)]
    means: dict[str, Tensor] = {}
    for place in EVERYTHING:
        total: Any = sum(run[place] for run in runs)
        means[place] = total / len(runs)
    texts = by_name(wanted)["gap"].examples
    whole = difference(last(tiny, texts))
    nothing, circuit = (
        np.array([by_hooks(tiny, text, means, kept) for text in texts])
        for kept in ((), ("L0H1", "mlp_out.L1"))
    )
    found = estimates(wanted)
    assert found["gap"] == pytest.approx((whole - nothing).mean(), abs=1e-5)
    share = (circuit - nothing).sum() / (whole - nothing).sum()
    assert found["faithfulness"] == pytest.approx(share, abs=1e-4)
    assert wanted.facts.extras["reference_prompts"] == 8
    assert "outside a circuit is set to the mean over `game`, at all" in wanted.notes[0]


@pytest.fixture
def told(planted: Callable[[Plant], Model]) -> Bench:
    """One fourth of the effect is L0H0's alone, three fourths need L1H1 too; see `courier`."""
    return bench(planted(courier))


PLANTED: dict[str, Any] = {"nodes": ["L0H0", "L1H1"], "metric": METRIC, "ablation": "corrupted"}


@pytest.mark.parametrize("ablation", ["corrupted", "mean", "zero", "resample"])
def test_a_planted_circuit_is_worked_out_by_hand(told: Bench, ablation: str) -> None:
    """With the other five pairs of heads f is 1/4 (two that have L0H0) and 0: 1/10 on average."""
    wanted = claim("circuit", **{**PLANTED, "ablation": ablation}, on="game[feeling=pain]")
    if ablation in ("mean", "resample"):
        wanted = wanted.model_copy(update={"reference": claim("choice", choice="a").on})
    measurement = wanted.measure(told)
    found = estimates(measurement)
    assert found.pop("gap") > 0.05
    assert found == {
        "faithfulness": pytest.approx(1, abs=0.01),
        "necessity": pytest.approx(1, abs=0.01),
        "minimality L0H0": pytest.approx(1, abs=0.01),
        "minimality L1H1": pytest.approx(0.75, abs=0.01),
        "incompleteness without L0H0": pytest.approx(0, abs=0.01),
        "incompleteness without L1H1": pytest.approx(0, abs=0.01),
        "over_random": pytest.approx(0.9, abs=0.02),
        "beats_random": 1,
    }
    assert sorted(measurement.facts.extras["random"]) == pytest.approx(
        [0, 0, 0, 0.25, 0.25], abs=0.01
    )
    assert read_back(measurement.facts) == measurement.facts


@pytest.mark.parametrize(
    ("nodes", "expect", "expected"),
    [
        (["L0H0", "L1H1"], {"faithfulness": ">= 0.95", "minimality": ">= 0.5"}, Verdict.HOLDS),
        (["L0H0", "L1H1", "L1H0"], {"minimality": ">= 0.5"}, Verdict.FAILS),
        (["L0H1", "L1H0", "mlp_out.L0"], {"faithfulness": ">= 0.05"}, Verdict.FAILS),
        (["L0H1", "L1H0"], {"necessity": ">= 0.05"}, Verdict.FAILS),
        (["L0H0", "L1H0"], {"over_random": ">= 0.2"}, Verdict.FAILS),
    ],
)
def test_only_the_circuit_that_was_planted_passes(
    told: Bench, nodes: list[str], expect: dict[str, str], expected: Verdict
) -> None:
    wanted = claim("circuit", **{**PLANTED, "nodes": nodes}, expect=expect)
    assert verdict(wanted, told) == expected


ROUTES = ["embed -> L0H0.v", "L0H0 -> L1H1.v", "L0H0 -> logits", "L1H1 -> logits"]


def test_planted_edges_are_worked_out_by_hand(told: Bench) -> None:
    """One fourth goes straight from L0H0 to the logits, three fourths by L1H1's value."""
    wanted = claim("circuit", edges=ROUTES, ablation="corrupted", metric=[METRIC, "p(a)"])
    measurement = wanted.measure(told)
    found = {k: v for k, v in estimates(measurement).items() if "@" not in k}
    assert found.pop("gap") > 0.05
    assert found.pop("over_random") > 0.9
    assert found.pop("beats_random") == 1
    apart = {name: found.pop(name) for name in list(found) if name.startswith("incompleteness")}
    assert found == {
        "faithfulness": pytest.approx(1, abs=0.01),
        "necessity": pytest.approx(1, abs=0.01),
        "minimality embed → L0H0.v": pytest.approx(1, abs=0.01),
        "minimality L0H0 → L1H1.v": pytest.approx(0.75, abs=0.01),
        "minimality L0H0 → logits": pytest.approx(0.25, abs=0.01),
        "minimality L1H1 → logits": pytest.approx(0.75, abs=0.01),
    }
    assert len(apart) == 8
    np.testing.assert_allclose(list(apart.values()), 0, atol=0.01)
    assert measurement.facts.extras["circuit"] == [edge.replace("->", "→") for edge in ROUTES]
    assert measurement.facts.extras["among"] == 46
    drawn = measurement.facts.maps[f"faithfulness lost in {METRIC}"]
    assert drawn.rows == ("embed", "L0H0", "L1H1")
    assert drawn.columns == ("L0H0.v", "L1H1.v", "logits")
    assert drawn.values[1] == (None, *map(approximately, (0.75, 0.25)))
    assert "what of 46 edges is outside a circuit brings what its sender" in measurement.notes[0]
    assert read_back(measurement.facts) == measurement.facts


def approximately(share: float) -> Any:
    return pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(
    ("edges", "expect", "expected"),
    [
        (ROUTES, {"faithfulness": ">= 0.95", "minimality": ">= 0.2"}, Verdict.HOLDS),
        ([*ROUTES, "embed -> L0H0.q"], {"minimality": ">= 0.1"}, Verdict.FAILS),
        (
            ["embed -> L0H0", "L0H0 -> L1H1.q", "L1H1 -> logits"],
            {"necessity": "<= 0.9"},
            Verdict.FAILS,
        ),
        (["embed -> L0H1", "L0H1 -> logits"], {"faithfulness": ">= 0.05"}, Verdict.FAILS),
        (["embed -> L0H1", "L0H1 -> logits"], {"over_random": ">= 0.05"}, Verdict.FAILS),
    ],
)
def test_only_the_edges_that_were_planted_pass(
    told: Bench, edges: list[str], expect: dict[str, str], expected: Verdict
) -> None:
    wanted = claim("circuit", edges=edges, ablation="corrupted", metric=METRIC, expect=expect)
    assert verdict(wanted, told) == expected


def test_all_edges_are_no_circuit(tiny: Model) -> None:
    ends = product(("embed", "L*H*", "mlp_out.L*"), ("L*H*", "mlp_out.L*", "logits"))
    edges = [f"{sender} -> {receiver}" for sender, receiver in ends]
    wanted = claim("circuit", edges=edges, ablation="corrupted", metric=METRIC)
    with pytest.raises(MeasurementError, match="the circuit is all edges of the model"):
        wanted.measure(bench(tiny, FEW))


def spare(model: Any) -> None:
    """L0H1 brings as much to the logits as L0H0 does; nobody passes it on."""
    import torch

    courier(model)
    with torch.no_grad():
        first, second = model.transformer.h
        second.attn.c_proj.weight.zero_()
        first.attn.c_attn.bias[8] = first.attn.c_attn.bias[0]
        first.attn.c_attn.weight[:, 24] = first.attn.c_attn.weight[:, 16]
        first.attn.c_attn.weight[:, 40] = first.attn.c_attn.weight[:, 32]
        first.attn.c_proj.weight[8] = first.attn.c_proj.weight[0]


def test_a_circuit_that_leaves_out_the_spare_part_is_incomplete(
    planted: Callable[[Plant], Model],
) -> None:
    """Without its head the model still does half, the circuit nothing (Wang et al. 2022)."""
    wanted = claim("circuit", **{**PLANTED, "nodes": "L0H0"})
    found = estimates(wanted.measure(bench(planted(spare))))
    assert found["faithfulness"] == pytest.approx(0.5, abs=0.01)
    assert found["necessity"] == pytest.approx(0.5, abs=0.01)
    assert found["incompleteness without L0H0"] == pytest.approx(0.5, abs=0.01)


def test_the_areas_of_a_planted_curve_are_worked_out_by_hand(told: Bench) -> None:
    """Of six nodes the curve keeps 0 up to 10 %, then 1, 3 and 6: f is 0, 1/4, 1 and 1.

    Under it are 0.1 (0 + 1/4) / 2 + 0.3 (1/4 + 1) / 2 + 0.5 = 0.7, and the rest of 0.999 above.
    """
    wanted = claim(
        "circuit", ablation="corrupted", metric=[METRIC, "p(a)"], ranking=["L0H0", "L1H1"]
    )
    measurement = wanted.measure(told)
    found = estimates(measurement)
    assert found.keys() == {"cpr", "cmd", "gap", "cpr@p(a)", "cmd@p(a)", "gap@p(a)"}
    assert found["cpr"] == pytest.approx(0.7, abs=0.01)
    assert found["cmd"] == pytest.approx(0.299, abs=0.01)
    assert measurement.facts.ranking[:2] == ("L0H0", "L1H1")
    assert len(measurement.facts.ranking) == 6
    curve = curve_of(measurement, f"faithfulness in {METRIC}")
    assert curve.x == FRACTIONS
    assert curve.y == pytest.approx([0] * 7 + [0.25, 1, 1], abs=0.01)
    assert (np.diff([curve.low, curve.y, curve.high], axis=0) >= 0).all()


@pytest.mark.parametrize("by", ["effect", "size"])
def test_a_ranking_is_made_on_one_half_and_judged_on_the_other(told: Bench, by: str) -> None:
    wanted = claim("circuit", ablation="corrupted", metric=METRIC, ranking=by).measure(told)
    assert wanted.facts.ranking[:2] == ("L0H0", "L1H1")
    assert wanted.facts.effects["L1H1"] == pytest.approx(0.75, abs=0.01)
    assert "positive where ablating" in wanted.facts.extras["sign"]
    assert by_name(wanted)["cpr"].statistic.n_units == 3
    assert by_name(wanted)["gap"].statistic.n_units == 6
    assert estimates(wanted)["cpr"] == pytest.approx(0.7, abs=0.01)
    assert any("one half of the units" in note for note in wanted.notes)


def opposing(model: Any) -> None:
    """L0H1 works against L0H0, half as strongly."""
    import torch

    spare(model)
    with torch.no_grad():
        model.transformer.h[0].attn.c_proj.weight[8] *= -0.5


def test_a_node_that_works_against_the_others_is_last_by_effect_and_second_by_size(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(opposing))
    orders = {}
    for by in ("effect", "size"):
        wanted = claim("circuit", ablation="corrupted", metric=METRIC, ranking=by)
        orders[by] = wanted.measure(on).facts.ranking
    assert (orders["effect"][0], orders["effect"][-1]) == ("L0H0", "L0H1")
    assert orders["size"][:2] == ("L0H0", "L0H1")


def test_what_is_no_part_or_all_of_the_nodes_cannot_be_compared(tiny: Model) -> None:
    on = bench(tiny, FEW)
    usual = {"ablation": "zero", "metric": METRIC}
    with pytest.raises(MeasurementError, match=r"mlp_out\.L0 of the circuit is not among L\*H\*"):
        claim("circuit", nodes=["L0H0", "mlp_out.L0"], among="L*H*", **usual).measure(on)
    with pytest.raises(MeasurementError, match="nothing is outside it"):
        claim("circuit", nodes=["L*H*", "mlp_out.L*"], **usual).measure(on)
    with pytest.raises(MeasurementError, match=r"no other circuit.*`random: 0`"):
        claim("circuit", nodes="L*H*", **usual).measure(on)
    with pytest.raises(MeasurementError, match="of the ranking is not among L0H"):
        claim("circuit", among="L0H*", ranking=["L1H0"], **usual).measure(on)
    assert estimates(claim("circuit", nodes="L*H*", random=0, **usual).measure(on))


def test_prompts_need_no_pairs_where_nothing_is_taken_from_corrupted_ones(tiny: Model) -> None:
    prompts = game(vary=FEW["vary"], pairs={})
    expect = {"gap": "> 0"}
    wanted = claim("circuit", nodes="L0H0", ablation="mean", metric=METRIC, expect=expect)
    on = bench(tiny, prompts)
    assert not problems(wanted, prompts)
    wanted.expand(on.grid)
    assert estimates(wanted.measure(on))
    corrupted = claim("circuit", nodes="L0H0", ablation="corrupted", metric=METRIC)
    assert "needs `pairs`" in problems(corrupted, prompts)["check"]


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        (
            {"nodes": "L0H0.q"},
            "nodes",
            "L0H0.q is not a node: name heads such as L1H2, and mlp_out",
        ),
        ({"among": ["L*H*", "resid_post.L0"]}, "among", "resid_post.L0 is not a node"),
        ({"ranking": ["L0N3"]}, "ranking", "L0N3 is not a node"),
        ({"nodes": None}, "nodes", "name the circuit's nodes or `edges`, or a `ranking`"),
        ({"edges": "embed -> L0H0"}, "nodes", "`nodes` is of circuits of nodes: leave out it or"),
        ({"nodes": None, "edges": "embed -> L0H0"}, "ablation", "says: not zero"),
        ({"nodes": None, "edges": "embed -> L0H0", "ranking": "size"}, "ranking", "leave out it"),
        ({"nodes": None, "edges": "embed -> L0H0", "position": "final"}, "position", "leave out"),
        ({"nodes": None, "ranking": "size", "random": 5}, "random", "compares with a circuit"),
        ({"pairs": {"feeling": ["pain", "neutral"]}}, "pairs", "corrupted, not for zero"),
        ({"reference": "game"}, "reference", "mean or resample, not for zero"),
        ({"ablation": "corrupted", "draws": 2}, "draws", "resample, not for corrupted"),
        ({"position": "previous"}, "position", "attention only"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    usual = {"nodes": "L0H0", "ablation": "zero", "metric": METRIC, "expect": {"gap": "> 0"}}
    assert message in problems(claim("circuit", **{**usual, **fields}))[key]


def test_an_unknown_ranking_says_what_a_ranking_is() -> None:
    with pytest.raises(ValueError, match="a ranking is `effect` or `size`, `effect by"):
        claim("circuit", ranking="efect", ablation="zero", metric=METRIC)
