from __future__ import annotations

import pytest

from ppcheck.judge.verdict import Verdict
from ppcheck.report.map.sites import MOST_OF_ONE
from ppcheck.report.map.told import Told, told
from tests.report.mapped import GAME, attending, flow, moved, patched, path, role
from tests.report.runs import claim, hostile, statistic


def said(record: object) -> Told:
    found = told(record)  # type: ignore[arg-type]
    assert found is not None
    return found


def places(found: Told) -> list[tuple[str, str]]:
    return [(each.at.component.name, each.at.column) for each in found.mentions]


def links(found: Told) -> list[tuple[str, str, str, str]]:
    return [
        (each.tail.component.name, each.tail.column, each.head.component.name, each.head.column)
        for each in found.tellings
    ]


def test_a_patched_head_stands_where_it_is_patched() -> None:
    assert places(said(patched("L1H1", at="feeling"))) == [("L1H1", "feeling")]


def test_a_feature_stands_where_its_record_says_that_its_dictionary_acts() -> None:
    facts = {"kept": ["sae.x[4]"], "position": "feeling", "features": {"sae.x": "resid_post.L1"}}
    (mention,) = said(patched("sae.x[4]", facts=facts)).mentions
    assert (mention.at.component.shape, mention.at.component.layer) == ("feature", 1)
    assert mention.at.column == "feeling"
    assert told(patched("sae.x[4]")) is None


def test_the_best_of_those_who_play_a_role_leads_while_it_is_played() -> None:
    two = {"kept": ["L1H3", "L1H1"], "players": ["L1H3", "L1H1"], "played_by": "L1H1"}
    assert [each.leads for each in said(role("L1H3", facts=two)).mentions] == [True, False]
    fails = said(role("L1H3", facts=two, verdict=Verdict.FAILS))
    assert [each.leads for each in fails.mentions] == [False, False]


def test_a_head_that_looks_is_reached_from_the_token_that_it_reads() -> None:
    found = said(attending("L1H1", "final", "feeling=pain"))
    assert places(found) == [("L1H1", "final")]
    assert links(found) == [("", "feeling", "L1H1", "final")]
    assert found.order == (("feeling", "final"),)


def test_a_role_stands_at_the_component_that_plays_it() -> None:
    found = said(role("L1H3", expected="L1H1"))
    assert places(found) == [("L1H3", "final")]
    assert links(found) == [("", "feeling", "L1H3", "final")]
    ((then, now),) = found.moves
    assert (then.component.name, now.component.name) == ("L1H1", "L1H3")


def test_a_role_that_nobody_plays_is_drawn_at_who_was_expected() -> None:
    nobody = role("L1H3").facts.model_copy(update={"players": (), "played_by": "L1H1"})
    assert places(said(role("L1H3", facts=nobody))) == [("L1H1", "final")]


def test_a_path_leads_from_its_sender_to_its_receiver() -> None:
    found = said(path("mlp_out.L0 → L1H1.k", "L1H1 → logits", position="feeling"))
    assert links(found) == [
        ("mlp_out.L0", "feeling", "L1H1", ""),
        ("L1H1", "feeling", "logits", "final"),
    ]
    assert found.tellings[0].ports == ("k",)


def test_an_mlp_reads_its_own_token() -> None:
    (link,) = links(said(path("L0H1 → mlp_out.L0", position="feeling")))
    assert link == ("L0H1", "feeling", "mlp_out.L0", "feeling")


def test_edges_along_query_key_and_value_are_one_arrow() -> None:
    names = [f"embed → L0H1.{port}" for port in "qkv"]
    edges = claim(
        check="circuit",
        measures=GAME,
        statistics={f"minimality[{name}]": statistic() for name in names},
    )
    (arrow,) = said(edges).tellings
    assert arrow.ports == ("q", "k", "v")


def test_sites_that_are_patched_together_are_each_drawn() -> None:
    found = said(path("L1H0 → mlp_out.L[1-3]"))
    assert [head for _, _, head, _ in links(found)] == ["mlp_out.L1", "mlp_out.L2", "mlp_out.L3"]


def test_no_path_leads_down() -> None:
    assert links(said(path("mlp_out.L1 → L[0-2]H*"))) == [("mlp_out.L1", "", "L2H*", "")]


def test_each_of_a_family_has_its_own_verdict_and_figure() -> None:
    statistics = {
        "recovery[L1H1]": statistic(Verdict.FAILS, estimate=0.1),
        "recovery[L1H2]": statistic(),
    }
    family = patched("L1H1", "L1H2", verdict=Verdict.FAILS, statistics=statistics)
    first, second = said(family).mentions
    assert (first.state, second.state) == ("fails", "holds")
    assert first.figure == "recovery 0.1 [0.35, ∞]"


def test_who_plays_a_role_has_its_own_strength_and_the_state_of_the_role() -> None:
    (player,) = said(role("L1H3", expected="L1H1")).mentions
    assert (player.state, player.figure) == ("moved", "strength 0.4 [0.35, ∞]")


def test_of_a_long_family_the_worst_and_largest_are_drawn() -> None:
    names = [f"L{n}H0" for n in range(40)]
    family = patched(*names)
    facts = family.facts.model_copy(update={"effects": dict.fromkeys(names, 0.0) | {"L30H0": 1}})
    statistics = dict(family.statistics) | {"recovery[L35H0]": statistic(Verdict.FAILS)}
    shown = places(said(family.model_copy(update={"facts": facts, "statistics": statistics})))
    assert len(shown) == MOST_OF_ONE
    assert {("L30H0", "final"), ("L35H0", "final")} <= set(shown)


@pytest.mark.parametrize(
    ("bound", "denied"),
    [(">= 0.3", False), ("-0.1..0.1", True), ("<= 0.5", True), ("<= -0.2", False)],
)
def test_a_bound_around_zero_says_that_there_is_next_to_nothing(bound: str, denied: bool) -> None:
    record = patched("L1H1", statistics={"recovery": statistic(bound=bound)})
    assert said(record).denies is denied


def test_what_moved_since_the_baseline_leads_from_the_old_place_to_the_new() -> None:
    ((then, now),) = said(patched("L1H3", comparison=moved("L1H1", "L1H3"))).moves
    assert (then.component.name, then.column) == ("L1H1", "final")
    assert now.component.name == "L1H3"


def test_a_probe_stands_at_each_token_that_it_reads() -> None:
    names = ["resid_post.L1 at feeling", "resid_post.L1 at final"]
    assert places(said(patched(*names, at="[feeling, final]"))) == [
        ("resid_post.L1", "feeling"),
        ("resid_post.L1", "final"),
    ]


def test_a_claim_that_was_not_measured_stands_where_its_spec_has_it() -> None:
    error = claim(Verdict.ERROR, measures=GAME | {"site": "[L1H1, mlp_out.L[0-1]]"})
    assert [name for name, _ in places(said(error))] == ["L1H1", "mlp_out.L0", "mlp_out.L1"]


@pytest.mark.parametrize(
    "record",
    [
        claim(check="contrast"),
        flow(),
        patched("L1H1", verdict=Verdict.NOT_APPLICABLE),
        patched("L*H*"),
        *hostile(),
    ],
)
def test_what_is_about_no_component_says_nothing_of_the_map(record: object) -> None:
    assert told(record) is None  # type: ignore[arg-type]
