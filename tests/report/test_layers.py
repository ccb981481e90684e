"""Families with one member a layer are curves over the layers, with interval, bound and then."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ppcheck.report.layers import is_by_layer, layer_curves
from ppcheck.report.pictures import pictures
from tests.report.compared import (
    KNOWN,
    LAYERS,
    against,
    compared_layers,
    of_layers,
    step,
)
from tests.report.runs import HEADS, claim, statistic


def test_a_family_of_layers_is_a_curve_in_their_order_and_no_bars() -> None:
    found = pictures(of_layers())
    assert list(found) == ["curves"]
    (picture,) = found["curves"]
    assert picture["title"] == "recovery by layer"
    (line,) = picture["lines"]
    assert line["name"] == "resid_post"
    assert line["x"] == list(range(11))
    assert line["y"][9:] == [0.9, 1.0]


def test_it_has_the_interval_of_each_layer_and_the_bound() -> None:
    (picture,) = layer_curves(of_layers())
    assert picture["bound"] == [0.4, None]
    (line,) = picture["lines"]
    assert line["low"][0] == -0.05
    assert "high" not in line


def test_each_site_is_a_line_of_its_own() -> None:
    effects = {f"{site}.L{layer}": 0.1 for layer in range(4) for site in ("attn_out", "mlp_out")}
    (picture,) = pictures(claim(facts=KNOWN | {"effects": effects}))["curves"]
    assert [line["name"] for line in picture["lines"]] == ["attn_out", "mlp_out"]


def test_of_a_few_layers_chosen_among_many_all_that_were_looked_at_are_drawn() -> None:
    chosen = {
        "recovery[resid_post.L9]": statistic(estimate=LAYERS["resid_post.L9"], bound=">= 0.4")
    }
    (picture,) = layer_curves(of_layers(statistics=chosen))
    assert picture["title"] == "recovery by layer"
    (line,) = picture["lines"]
    assert len(line["y"]) == 11
    assert [end is None for end in line["low"]] == [True] * 9 + [False, True]


def test_heads_and_neurons_stay_as_they_are() -> None:
    neurons = claim(facts=KNOWN | {"effects": {f"L{layer}N3": 0.1 for layer in range(9)}})
    assert list(pictures(neurons)) == ["bars"]
    heads = claim(facts=KNOWN | {"maps": {"recovery": HEADS}})
    assert list(pictures(heads)) == ["maps"]


def test_the_baseline_is_the_same_curve_then_with_the_interval_of_the_difference() -> None:
    (picture,) = layer_curves(compared_layers())
    (line,) = picture["lines"]
    assert [round(value, 6) for value in line["then"][:3]] == [0.1, 0.2, 0.3]
    assert [round(value, 6) for value in line["step_high"]] == [-0.05] * 11
    assert picture["lacking"] == ""


def test_layers_that_the_baseline_lacks_are_counted() -> None:
    some = {f"recovery[{name}]": step(0.3, LAYERS[name]) for name in list(LAYERS)[:4]}
    (picture,) = layer_curves(of_layers(comparison=against(some)))
    assert picture["lacking"] == "then: 4 of 11 values were kept in the baseline"


@given(st.lists(st.integers(0, 60), min_size=3, unique=True))
def test_layers_are_in_order_however_they_are_given(layers: list[int]) -> None:
    names = [f"mlp_out.L{layer}" for layer in layers]
    (picture,) = layer_curves(claim(facts=KNOWN | {"effects": dict.fromkeys(names, 0.5)}))
    assert picture["lines"][0]["x"] == sorted(layers)
    assert is_by_layer(names)
    assert not is_by_layer([*names, "L0H1"])
