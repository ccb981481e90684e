"""What pictures know of the baseline: drawings where they were kept, else figures of members."""

from __future__ import annotations

from typing import Any

from ppcheck.judge.compare import Change
from ppcheck.record.run import Comparison
from ppcheck.report.pictures import pictures
from tests.report.compared import KNOWN, against, compared_pictures, step
from tests.report.runs import HEADS, claim


def drawn(name: str, kind: str) -> dict[str, Any]:
    (found,) = (each for each in compared_pictures() if each.id == name)
    picture: dict[str, Any] = pictures(found)[kind][0]
    return picture


def test_maps_curves_and_flow_have_what_was_drawn_then() -> None:
    assert drawn("map", "maps")["then"] == [[0.1] * 4] * 4
    assert drawn("flow", "flow")["then"] == [[0.1] * 4] * 4
    assert drawn("curve", "curves")["lines"][0]["then"] == [1, 1, 1]
    for name, kind in (("map", "maps"), ("curve", "curves"), ("flow", "flow")):
        assert drawn(name, kind)["lacking"] == ""


def test_what_the_baseline_did_not_keep_is_said() -> None:
    picture = drawn("lost", "curves")
    assert "then" not in picture["lines"][0]
    assert picture["lacking"] == "then: not kept in the baseline"


def test_cells_are_those_of_the_figures_that_were_compared() -> None:
    steps = {"recovery[L1H1]": step(0.6, 0.05), "recovery[L2H0]": step(0.7, 0.2)}
    one = claim(facts=KNOWN | {"maps": {"recovery": HEADS}}, comparison=against(steps))
    (picture,) = pictures(one)["maps"]
    assert picture["then"][1] == [None, 0.6, None, None]
    assert picture["then"][2][0] == 0.7
    assert picture["lacking"] == "then: 2 of 16 values were kept in the baseline"


def test_figures_of_something_else_than_the_map_are_not_drawn_in_it() -> None:
    steps = {"damage[L1H1]": step(0.6, 0.5)}
    one = claim(facts=KNOWN | {"maps": {"recovery": HEADS}}, comparison=against(steps))
    (picture,) = pictures(one)["maps"]
    assert "then" not in picture


def test_who_led_then_stands_in_its_own_cell() -> None:
    steps = {"recovery[L2H0]": step(0.7, 0.2, was="recovery[L1H1]")}
    one = claim(facts=KNOWN | {"maps": {"recovery": HEADS}}, comparison=against(steps))
    (picture,) = pictures(one)["maps"]
    assert picture["then"][1][1] == 0.7
    assert picture["then"][2][0] is None


def test_a_new_claim_has_no_then() -> None:
    new = Comparison(change=Change.NEW, baseline="good.json")
    (picture,) = pictures(claim(facts=KNOWN | {"maps": {"recovery": HEADS}}, comparison=new))[
        "maps"
    ]
    assert "then" not in picture
    assert "lacking" not in picture


def test_a_curve_that_was_drawn_at_other_places_is_known_at_those_it_shares() -> None:
    was = {"p(a)": {"x": [2.0, 3.0], "x_label": "dose", "y": [0.2, 0.3]}}
    now = {"p(a)": {"x": [1.0, 2.0], "x_label": "dose", "y": [0.4, 0.5]}}
    comparison = against({"recovery": step(0.6, 0.4)}, {"curves": was})
    (picture,) = pictures(claim(facts=KNOWN | {"curves": now}, comparison=comparison))["curves"]
    assert picture["lines"][0]["then"] == [None, 0.2]
    assert picture["lacking"] == "then: 1 of 2 values were kept in the baseline"
