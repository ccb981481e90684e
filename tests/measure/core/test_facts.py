from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from ppcheck.measure.core.facts import AttentionRow, Curve, CurvePoint, Facts, Map

DRAWN = Map(rows=("L0",), columns=("H0", "H1"), values=((0.5, None),))


def written(facts: Facts) -> str:
    return facts.model_dump_json()


def test_facts_are_one_flat_object_of_what_was_given_in_its_order() -> None:
    facts = Facts(searched=2, extras={"mode": "noise"}, maps={"drop": DRAWN}, set_=("L0H0",))
    assert list(json.loads(written(facts))) == ["searched", "mode", "maps", "set"]
    assert written(Facts()) == "{}"


def test_facts_are_read_back_to_the_last_byte() -> None:
    row = AttentionRow(head="L1H1", from_="final", tokens=("so",), weights=(1,))
    facts = Facts(
        extras={"eps": [-1.0, 0, 1]},
        curves={"by dose": Curve(y=(1.5, 2), x=(0, 1)), "at final": (CurvePoint(x=0, y=0.5),)},
        patterns=(row,),
        from_="final",
        work=(3, 2),
    )
    text = written(facts)
    assert '{"y":[1.5,2],"x":[0,1]}' in text
    assert Facts.read(json.loads(text)) == facts
    assert written(Facts.read(json.loads(text))) == text


def test_facts_are_joined_in_order_and_the_later_ones_count() -> None:
    facts = Facts(units=8, extras={"by": "position"}) | Facts(extras={"draws": 4}, units=4, kept=())
    assert written(facts) == '{"units":4,"by":"position","draws":4,"kept":[]}'
    assert (facts.units, facts.extras) == (4, {"by": "position", "draws": 4})


def test_what_an_earlier_version_kept_under_a_name_is_kept_and_drawn_by_nobody() -> None:
    held = {"curves": 240, "maps": {"drop": {"rows": 1}}, "searched": "all", "kept": ["L0H0"]}
    facts = Facts.read(held)
    assert (facts.curves, facts.maps, facts.searched, facts.kept) == ({}, {}, None, ("L0H0",))
    assert json.loads(written(facts)) == held


def test_a_check_cannot_write_what_has_another_form() -> None:
    with pytest.raises(ValidationError, match="maps"):
        Facts(maps={"drop": 3})
    with pytest.raises(ValidationError, match="position"):
        Facts(position="final")  # type: ignore[call-arg]
    assert Facts.read("none") == "none"


def test_the_schema_is_flat_and_open_to_what_checks_add() -> None:
    schema = Facts.model_json_schema()
    assert schema["additionalProperties"] is True
    assert {"maps", "from", "set"} <= schema["properties"].keys()
    assert "extras" not in schema["properties"]
