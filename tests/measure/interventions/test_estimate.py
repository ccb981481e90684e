"""Rankings by gradients: what a planted circuit gives, and where they mislead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ppcheck.errors import MeasurementError
from ppcheck.measure.checks.circuit import Circuit
from ppcheck.measure.core.check import Bench
from ppcheck.measure.core.metrics import readout
from ppcheck.measure.interventions.estimate import Estimated
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.prompts.selection import Selection
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Sites
from ppcheck.subject.interventions.cell import Cell
from tests.measure.hooks import courier
from tests.measure.lab import Model, Plant, bench, by_name, claim, estimates, problems

METRIC = "logit_diff(a, b)"
OTHERS = {"on": "game[feeling=pain]", "reference": "game"}


@pytest.fixture
def told(planted: Callable[[Plant], Model]) -> Bench:
    """One fourth of the effect is L0H0's alone, three fourths need L1H1 too; see `courier`."""
    return bench(planted(courier))


def ranked(bench_of: Bench, ranking: str, **fields: Any) -> Any:
    usual: dict[str, Any] = {"ablation": "corrupted", "metric": METRIC}
    return claim("circuit", ranking=ranking, **{**usual, **fields}).measure(bench_of)


@pytest.mark.parametrize("method", ["attribution", "integrated_gradients"])
@pytest.mark.parametrize("ablation", ["corrupted", "resample"])
def test_gradients_find_the_planted_circuit(told: Bench, method: str, ablation: str) -> None:
    fields = OTHERS if ablation == "resample" else {}
    wanted = ranked(told, f"effect by {method}", ablation=ablation, **fields)
    assert set(wanted.facts.ranking[:2]) == {"L0H0", "L1H1"}
    assert wanted.facts.extras["ranked_by"] == f"effect by {method}"
    others = [v for n, v in wanted.facts.effects.items() if n not in ("L0H0", "L1H1")]
    assert max(map(abs, others)) < 0.01 < wanted.facts.effects["L1H1"]
    assert by_name(wanted)["cpr"].statistic.n_units == 3
    assert estimates(wanted)["cpr"] > 0.5


def test_integrated_gradients_come_nearer_to_the_effects_than_one_gradient(told: Bench) -> None:
    effects = {
        ranking: ranked(told, ranking).facts.effects
        for ranking in ("effect", "effect by attribution", "effect by integrated_gradients")
    }
    exact = effects.pop("effect")
    misses = {
        ranking: sum(abs(found[node] - exact[node]) for node in exact)
        for ranking, found in effects.items()
    }
    assert misses["effect by integrated_gradients"] < misses["effect by attribution"]


def test_zero_and_mean_are_estimated_as_edits(told: Bench) -> None:
    for ablation in ("zero", "mean"):
        fields = {"ablation": ablation, "on": "game[feeling=pain]"}
        if ablation == "mean":
            fields["reference"] = "game"
        order = ranked(told, "size by attribution", **fields).facts.ranking
        assert set(order[:2]) == {"L0H0", "L1H1"}, ablation


def test_a_ranking_by_gradients_asks_for_no_run_of_each_node(told: Bench) -> None:
    class Counting:
        """Counts the cells that are run, and those that are estimated."""

        def __init__(self, subject: Any) -> None:
            self.subject, self.run, self.estimated = subject, 0, 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.subject, name)

        def patch(self, target: Any, source: Any, cells: Any, readout: Any) -> Any:
            self.run += len(cells)
            return self.subject.patch(target, source, cells, readout)

        def estimate_patch(self, target: Any, source: Any, cells: Any, *more: Any) -> Any:
            self.estimated += len(cells)
            return self.subject.estimate_patch(target, source, cells, *more)

    counting = Counting(told.subject)
    ranked(Bench(counting, told.grid, told.seed), "effect by attribution")  # type: ignore[arg-type]
    assert counting.estimated == 6
    assert counting.run == 1 + 3  # nothing, and the curve's points of one, three and no node


def test_what_is_estimated_is_added_to_the_untouched_metric(tiny: Model) -> None:
    on = bench(tiny)
    clean, corrupted = on.pairs(Selection.parse("game"), None)
    reader = readout(Metric.parse(METRIC), clean, on.grid.prompt_set.pool)
    (cell,) = (Cell((site,), Position("all")) for site in on.subject.sites(Sites.parse("L1H0")))
    found = Estimated(on.subject).patch(clean, corrupted, [cell], reader)[0]
    gained = on.subject.estimate_patch(clean, corrupted, [cell], reader)[0]
    np.testing.assert_allclose(found - on.subject.read(clean, reader), gained, atol=1e-12)
    assert np.abs(gained).max() > 1e-3


def test_without_a_gap_there_is_nothing_to_rank_by(told: Bench) -> None:
    """Over pain and neutral alike, what others have in place of a prompt's own adds up to none."""
    with pytest.raises(MeasurementError, match="add up to 0"):
        ranked(told, "effect by attribution", ablation="resample")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"ranking": "effect by integrated_gradients", "ablation": "mean"},
            "from one input to another: they need ablation corrupted or resample, and mean has no",
        ),
        (
            {"ranking": "effect by attribution", "metric": "log_prob(a)"},
            "attribution needs a logit_diff, a p or a log_p as the (first) metric",
        ),
    ],
)
def test_where_there_is_no_gradient_is_seen_without_a_model(
    fields: dict[str, Any], message: str
) -> None:
    usual = {"ablation": "zero", "metric": METRIC, "expect": {"gap": "> 0"}}
    assert message in problems(claim("circuit", **{**usual, **fields}))["ranking"]


def test_an_unknown_method_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown method 'atribution'.*attribution"):
        claim("circuit", ranking="effect by atribution", ablation="zero", metric=METRIC)


def test_a_ranking_reads_back_as_it_was_written() -> None:
    for text in ("effect", "size", "effect by attribution", "size by integrated_gradients"):
        wanted = claim("circuit", ranking=text, ablation="resample", metric=METRIC)
        assert isinstance(wanted, Circuit)
        assert str(wanted.ranking) == text
