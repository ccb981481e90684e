from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord
from ppcheck.report.map.audited import UNSAID, course_of, outline
from tests.report.mapped import attending, flow, moved, patched, path, role
from tests.report.runs import HOSTILE, claim


def drawn(*rows: list[ClaimRecord | None]) -> dict[str, Any]:
    """The one picture of claims by checkpoints."""
    outlines = [[None if one is None else outline(one) for one in row] for row in rows]
    picture: dict[str, Any]
    (picture,) = course_of(outlines)["pictures"]
    return picture


def said(picture: dict[str, Any], name: str) -> list[Any]:
    """What is said of the component of this name."""
    (node,) = [node for node in picture["nodes"] if node["name"] == name]
    return list(node["claims"])


def test_a_component_has_one_place_and_a_state_for_each_checkpoint() -> None:
    found = drawn([patched("L1H1"), None, patched("L1H1", verdict=Verdict.FAILS)])
    states = course_of([])["states"]
    ((row, digits, figures, leads),) = said(found, "L1H1")
    assert (row, figures, leads) == (0, [], [])
    assert [states[int(each)] if each != UNSAID else "" for each in digits] == [
        *("holds", "", "fails"),
    ]
    assert [len(layout["at"]) for layout in found["layouts"]] == [1] * len(found["layouts"])


def test_all_who_ever_play_a_role_stand_on_it_and_the_best_leads() -> None:
    found = drawn([role("L1H1"), role("L1H3", expected="L1H1"), role("L1H1")])
    ((_, old, _, led_first),) = said(found, "L1H1")
    ((_, new, figures, led_then),) = said(found, "L1H3")
    assert (old[1], new[0], new[2]) == (UNSAID, UNSAID, UNSAID)
    assert (led_first, led_then) == ([0, 2], [1])
    assert figures == ["", "strength 0.4 [0.35, ∞]", ""]
    assert [arrow["kind"] for arrow in found["arrows"]] == ["attention", "attention"]


def test_an_expected_head_does_not_lead_while_nobody_plays_the_role() -> None:
    nobody = role("L1H1", facts={"players": [], "played_by": "L1H1"}, verdict=Verdict.FAILS)
    ((_, _, _, leads),) = said(drawn([nobody, role("L1H1")]), "L1H1")
    assert leads == [1]


def test_what_has_no_token_of_its_own_stands_at_one_place_at_every_checkpoint() -> None:
    looks: list[ClaimRecord | None] = [attending("L1H1", "feeling", "intensity"), None]
    found = drawn(looks, [None, path("L1H1 → logits")])
    assert [node["about"] for node in found["nodes"] if node["name"] == "L1H1"] == [
        "head in layer 1, at feeling",
    ]


def test_heat_is_that_of_each_checkpoint() -> None:
    found = drawn([flow(), None], [patched("L1H1"), patched("L1H1")])
    assert found["heat"][0]
    assert found["heat"][1] == []
    assert found["flows"] == [0]


def test_checkpoints_without_records_are_left_out_and_models_share_their_pictures() -> None:
    row = [outline(patched("L1H1", model="a")), None, outline(patched("L1H1", model="b"))]
    found = course_of([row])
    assert found["checkpoints"] == [0, 2]
    assert len(found["pictures"]) == 1


def test_an_audit_about_no_component_has_no_picture() -> None:
    assert course_of([[outline(claim(check="contrast"))]])["pictures"] == []
    assert course_of([]) == course_of(())


def test_an_outline_says_of_a_map_what_its_record_says() -> None:
    for record in (role("L1H3", expected="L1H1"), path("L0H1 → L1H1"), patched("L1H1", at="a")):
        assert drawn([record])["nodes"] == drawn([outline(record)])["nodes"]
        assert all(not one.values for one in outline(record).statistics.values())


def test_no_character_of_a_spec_goes_into_a_picture_as_it_is() -> None:
    for text in HOSTILE:
        rows = [patched("L1H1", on=text, spec=text)], [attending("L1H1", "final", text)]
        found = str(course_of([list(map(outline, row)) for row in rows]))
        assert "\x1b" not in found
        assert "\u202e" not in found


RECORDS = [
    None,
    *(role("L1H1", verdict=verdict) for verdict in Verdict),
    role("L1H3", "L1H1", comparison=moved("L0H1", "L0H2")),
    role("L2H*"),
    role("x"),
    path("L0H1 → L1H1"),
]


@given(st.lists(st.lists(st.sampled_from(RECORDS), min_size=3, max_size=3), max_size=4))
def test_every_claim_has_a_digit_or_a_gap_for_each_checkpoint(
    rows: list[list[ClaimRecord | None]],
) -> None:
    outlines = [[None if one is None else outline(one) for one in row] for row in rows]
    for picture in course_of(outlines)["pictures"]:
        assert len(picture["heat"]) == 3
        for item in [*picture["nodes"], *picture["arrows"]]:
            for row, digits, figures, leads in item["claims"]:
                assert row < len(rows)
                assert len(digits) == 3
                assert len(figures) in (0, 3)
                assert all(digits[at] != UNSAID for at in leads)
