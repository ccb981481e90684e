from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppcheck.errors import MeasurementError
from ppcheck.measure.interventions.ablation import Ablation, sources
from ppcheck.spec.sites.position import Position
from ppcheck.subject.load import load, resolve
from ppcheck.subject.model.settings import Settings
from tests.measure.lab import (
    GAME,
    Model,
    bench,
    by_name,
    claim,
    estimates,
    game,
)


@given(
    order=st.permutations(range(48)),
    kept=st.integers(2, 48),
    draws=st.integers(1, 5),
    seed=st.integers(0, 9),
)
@settings(max_examples=25, deadline=None)
def test_each_draw_is_a_derangement_whatever_the_order_of_the_prompts(
    tiny: Model, order: list[int], kept: int, draws: int, seed: int
) -> None:
    prompts = bench(tiny).grid.prompts[:48]
    some = [prompts[number] for number in order if number < kept]
    encoded = tiny.subject.encode(some)
    everything = Position("all")
    drawn = sources(encoded, Ablation("resample", encoded, "position", draws), everything, seed)
    for others in drawn:
        assert sorted(p.text for p in others) == sorted(p.text for p in some)
        assert all(one.text != other.text for one, other in zip(some, others, strict=True))
    back = tiny.subject.encode(prompts[:kept])
    again = sources(back, Ablation("resample", back, "position", draws), everything, seed)
    for one, other in zip(drawn, again, strict=True):
        taken, same = (
            {prompt.text: source.text for prompt, source in zip(sides, found, strict=True)}
            for sides, found in ((some, one), (prompts[:kept], other))
        )
        assert taken == same


METRIC = "logit_diff(a, b)"
LENGTHS = game(vary={**GAME["vary"], "start": ["here", "there now", "on", "then we"]})


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(draws=st.integers(1, 4), seed=st.integers(0, 9))
def test_sources_of_a_reference_have_the_prompts_length(tiny: Model, draws: int, seed: int) -> None:
    on = bench(tiny, LENGTHS)
    target, reference = (
        on.subject.encode([p for p in on.grid.prompts if p.words["feeling"].label == label])
        for label in ("pain", "neutral")
    )
    how = Ablation("resample", reference, "position", draws)
    for others in sources(target, how, Position("all"), seed):
        for prompt, other in zip(target.prompts, others, strict=True):
            assert other.words["feeling"].label == "neutral"
            assert len(prompt.text.split()) == len(other.text.split())


@pytest.mark.parametrize("ablation", ["mean", "resample"])
def test_prompts_of_every_length_are_ablated_by_their_likes(tiny: Model, ablation: str) -> None:
    wanted = claim("ablate", site="L0H1", ablation=ablation, metric=METRIC)
    both = estimates(wanted.measure(bench(tiny, LENGTHS)))
    alone = [
        estimates(wanted.measure(bench(tiny, game(vary={**GAME["vary"], "start": list(starts)}))))[
            "value"
        ]
        for starts in (("here", "on"), ("there now", "then we"))
    ]
    assert both["value"] == pytest.approx(np.mean(alone), abs=1e-6)


MIXED = game(
    vary={
        "start": {"one": ["here", "on"], "two": ["there now"]},
        "strength": {"one": ["mild"], "two": ["so firm"]},
        "feeling": GAME["vary"]["feeling"],
    }
)
SIZES = ("one", "two")
AT_BOTH: dict[str, Any] = {"site": "embed", "position": ["start", "strength"], "metric": METRIC}


def test_sources_have_as_many_tokens_in_each_part_of_a_position(tiny: Model) -> None:
    """Two words and one are three tokens, and so are one and two, but other ones."""
    encoded = tiny.subject.encode(bench(tiny, MIXED).grid.prompts)
    where = Position.parse(AT_BOTH["position"])
    for others in sources(encoded, Ablation("resample", encoded, "position", 3), where, 0):
        for prompt, other in zip(encoded.prompts, others, strict=True):
            assert [prompt.words[name].label for name in AT_BOTH["position"]] == [
                other.words[name].label for name in AT_BOTH["position"]
            ]


def test_a_mean_at_several_parts_is_of_prompts_with_as_many_tokens_in_each(tiny: Model) -> None:
    # In double precision: sums over other batches round otherwise in single, by 1e-6.
    exact = bench(load(resolve(str(tiny.path)), Settings(dtype="float64")), MIXED)
    values = [
        by_name(claim("ablate", ablation="mean", on=on, **AT_BOTH).measure(exact))
        for on in ("game", *(f"game[start={a}, strength={b}]" for a, b in product(SIZES, SIZES)))
    ]
    together, *alone = (of["value"].statistic.values() for of in values)
    assert sorted(together) == pytest.approx(sorted(np.concatenate(alone)), abs=1e-6)


def test_what_has_no_likes_cannot_be_ablated(tiny: Model) -> None:
    vary = {**GAME["vary"], "start": ["here", "there now"]}
    on = bench(tiny, game(vary=vary))
    shared = {"on": "game[start=here]", "reference": "game[start!=here]", "metric": METRIC}
    with pytest.raises(MeasurementError, match=r"no prompt of the reference has as many.*pooled"):
        claim("ablate", site="L0H0", ablation="mean", **shared).measure(on)
    with pytest.raises(MeasurementError, match="no other prompt of the reference has the 6 tokens"):
        claim("ablate", site="L0H0", ablation="resample", **shared).measure(on)
    pooled = claim("ablate", site="L0H0", ablation="mean", by="pooled", **shared)
    assert estimates(pooled.measure(on))
    one = game(vary={"start": ["here"], "strength": ["mild"], "feeling": ["pain"]}, pairs={})
    alone = claim("ablate", site="L0H0", ablation="resample", metric=METRIC)
    with pytest.raises(MeasurementError, match="no other prompt"):
        alone.measure(bench(tiny, one))
