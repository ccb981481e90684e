from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ppcheck.judge.compare import Change
from ppcheck.record.run import ClaimRecord
from ppcheck.report.map.drawn import pictures_of
from tests.report.mapped import GAME, attending, crowd, deep, flow, moved, patched, path, role
from tests.report.runs import HOSTILE, claim, difference


def one(*claims: ClaimRecord) -> dict[str, Any]:
    (found,) = pictures_of(claims)
    return found


def test_there_is_a_picture_for_each_set_of_prompts_and_each_variable() -> None:
    doses = GAME | {"pairs.intensity": "[extreme, faint]"}
    elsewhere = GAME | {"prompts.template": "[{other} {feeling}]"}
    claims = [
        patched("L1H1"),
        patched("L1H2", on="game[feeling=pain]", spec="specs/b.pp.yaml"),
        patched("L0H1", measures=doses),
        patched("L0H2", on="words", measures=elsewhere),
    ]
    titles = [found["title"] for found in pictures_of(claims)]
    assert titles == ["feeling in game", "intensity in game", "feeling in words"]


def test_sets_of_one_name_are_told_apart_by_their_file_and_model() -> None:
    claims = [patched("L1H1"), patched("L1H1", model="other")]
    titles = [found["title"] for found in pictures_of(claims)]
    assert titles == ["feeling in game (a.pp.yaml, demo)", "feeling in game (a.pp.yaml, other)"]


def test_a_head_is_in_the_picture_of_what_it_looks_at_where_there_is_one() -> None:
    looks = attending("L0H1", "feeling", "intensity")
    assert one(patched("L1H1"), looks)["title"] == "feeling in game"
    dose = patched("L0H1", at="feeling", measures=GAME | {"dose": "intensity"})
    by_title = {found["title"]: found for found in pictures_of([patched("L1H1"), looks, dose])}
    assert len(by_title["intensity in game"]["arrows"]) == 1


def test_nodes_are_listed_upwards_and_arrows_lead_to_them_by_number() -> None:
    found = one(
        patched("L2H0"), patched("mlp_out.L0", at="feeling"), path("mlp_out.L0 → L2H0"), flow()
    )
    assert [node["name"] for node in found["nodes"]] == ["mlp_out.L0", "L2H0"]
    (arrow,) = found["arrows"]
    assert (arrow["tail"], arrow["head"], arrow["token"]) == (0, 1, None)
    assert found["nodes"][0]["about"] == "MLP in layer 0, at feeling"
    assert found["layers"][2] == ("L2", 4, 5)
    assert [found["columns"][0], 0, 1.0] == ["feeling", *found["heat"][0][1:]]
    assert found["flows"] == [3]


def test_layers_in_which_nothing_stands_are_folded_where_there_are_three_or_more() -> None:
    assert one(*deep())["folds"] == ((2, 11), (13, 19), (22, 26))
    assert one(patched("L0H0"), patched("L3H0"))["folds"] == ()
    assert one(patched("L0H0"), patched("L4H0"))["folds"] == ((1, 3),)


def test_what_was_in_a_layer_keeps_it_unfolded() -> None:
    assert one(patched("L9H1", comparison=moved("L4H1", "L9H1")))["folds"] == ((0, 3), (5, 8))


def test_a_look_starts_at_a_row_and_a_column() -> None:
    found = one(attending("L1H1", "final", "feeling=pain"))
    (arrow,) = found["arrows"]
    assert arrow["token"] == [2, 0]
    assert arrow["about"] == "L1H1 looks from final at feeling=pain"


def test_every_layout_has_a_place_for_every_node() -> None:
    found = one(*crowd())
    assert [layout["width"] for layout in found["layouts"]] == sorted(
        (layout["width"] for layout in found["layouts"]), reverse=True
    )
    for layout in found["layouts"]:
        assert len(layout["at"]) == len(found["nodes"])


def test_what_changed_is_told_by_its_mark_and_its_word() -> None:
    found = one(patched("L1H1", comparison=difference(Change.REGRESSED)))
    assert found["nodes"][0]["change"] == "▼ regressed"
    assert "moved from L1H1 to L1H3" in [
        arrow["about"] for arrow in one(role("L1H3", "L1H1"))["arrows"]
    ]


def test_a_run_about_no_component_has_no_picture() -> None:
    assert pictures_of([claim(check="contrast"), flow()]) == []


def test_no_character_of_a_spec_goes_into_a_picture_as_it_is() -> None:
    for text in HOSTILE:
        record = patched("L1H1", on=text, measures=GAME | {f"pairs.{text}": text}, spec=text)
        found = str(pictures_of([record, attending("L1H1", "final", text)]))
        assert "\x1b" not in found
        assert "\u202e" not in found


def test_pictures_are_the_same_whatever_the_order_of_claims_says_nothing_of() -> None:
    first = pictures_of([patched("L1H1"), patched("L0H0", at="feeling")])
    second = pictures_of([patched("L0H0", at="feeling"), patched("L1H1")])
    assert [node["name"] for node in first[0]["nodes"]] == [
        node["name"] for node in second[0]["nodes"]
    ]
    assert first[0]["layouts"] == second[0]["layouts"]


SITES = ["L0H1", "L1H*", "L[0-2]H1.q", "mlp_out.L1", "L2N7", "resid_post.L0", "embed", "L*H*", "x"]
TOKENS = ["final", "feeling=pain", "[felt, feeling]", "3", "-2", "all", "all but felt", "previous"]
NAMES = st.lists(
    st.sampled_from(SITES) | st.tuples(*2 * [st.sampled_from([*SITES, "logits"])]).map(" → ".join),
    max_size=5,
)
ODD = st.builds(
    lambda names, at, to, check, then: patched(
        *names,
        at=at,
        check=check,
        measures=GAME | {"attends.to": to, "to": to},
        comparison=moved(then, names[0] if names else then),
    ),
    NAMES,
    st.sampled_from(TOKENS),
    st.sampled_from(TOKENS),
    st.sampled_from(["patch", "path", "circuit", "attention", "role", "steer", "probe"]),
    st.sampled_from(SITES),
)


@given(st.lists(ODD, max_size=6))
def test_whatever_claims_name_every_arrow_has_its_ends_and_every_node_a_place(
    claims: list[ClaimRecord],
) -> None:
    for found in pictures_of([*claims, flow()]):
        nodes = range(len(found["nodes"]))
        for arrow in found["arrows"]:
            assert arrow["head"] in nodes
            assert (arrow["tail"] in nodes) is (arrow["token"] is None)
            assert all(number < len(claims) for number, _ in arrow["claims"])
        for layout in found["layouts"]:
            places = [(round(x, 3), round(y, 3)) for x, y in layout["at"]]
            assert len(set(places)) == len(nodes)
            assert len(layout["columns"]) == len(found["columns"])
