from __future__ import annotations

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord
from ppcheck.report.map.axes import in_order
from ppcheck.report.map.panel import MOST_ARROWS, MOST_NODES, Node, Panel, panel
from ppcheck.report.map.told import told
from tests.report.mapped import attending, crowd, flow, moved, patched, path, role
from tests.report.runs import difference, statistic


def panel_of(*claims: ClaimRecord) -> Panel:
    said = {n: one for n, claim in enumerate(claims) if (one := told(claim)) is not None}
    flows = [n for n, claim in enumerate(claims) if claim.check == "flow"]
    return panel(dict(enumerate(claims)), said, flows)


def node(found: Panel, name: str) -> Node:
    (one,) = [each for each in found.nodes if each.at.component.name == name]
    return one


def test_a_component_has_the_worst_verdict_of_its_claims_and_names_it_first() -> None:
    found = panel_of(patched("L1H1"), patched("L1H1", verdict=Verdict.FAILS), patched("L1H1"))
    (one,) = found.nodes
    assert one.state == "fails"
    assert [cited.number for cited in one.claims] == [1, 0, 2]


def test_what_has_no_token_of_its_own_stands_where_another_claim_has_it() -> None:
    found = panel_of(path("L1H1 → logits"), attending("L1H1", "feeling", "intensity"))
    assert node(found, "L1H1").at.column == "feeling"


def test_so_does_what_another_claim_has_moved_from() -> None:
    found = panel_of(role("L1H3", expected="L1H1"), path("L1H1 → logits"))
    assert node(found, "L1H1").at.column == "final"


def test_a_claim_about_many_or_about_nothing_being_there_gives_no_place() -> None:
    many = patched(*(f"L0H{n}" for n in range(9)))
    nothing = patched("L0H1", statistics={"recovery": statistic(bound="-0.1..0.1")})
    found = panel_of(path("L0H1 → L1H1"), many, nothing)
    assert [each.at.column for each in found.nodes if each.at.component.name == "L0H1"] == [
        "",
        "final",
    ]


def test_what_no_claim_has_at_a_token_stands_in_a_column_of_its_own_at_the_right() -> None:
    found = panel_of(path("L0H1 → L1H1"), patched("L2H0"))
    assert node(found, "L0H1").at.column == ""
    assert found.columns == ("final", "")


def test_columns_are_in_the_order_of_the_template_and_what_is_read_comes_first() -> None:
    found = panel_of(patched("L1H1", at="feeling"), patched("L1H1", at="opening"), patched("L2H0"))
    assert found.columns == ("opening", "feeling", "final")
    assert in_order(["a", "b", "final", ""], ["a", "b"], [("b", "a")]) == ["b", "a", "final", ""]
    assert in_order(["a", "b"], [], [("a", "b"), ("b", "a")]) == ["a", "b"]
    tokens = ["final", "token -2", "previous", "token 0", "felt"]
    assert in_order(tokens, [], []) == ["token 0", "felt", "token -2", "previous", "final"]


def test_rows_are_the_halves_of_every_layer_between_embedding_and_logits() -> None:
    found = panel_of(path("embed → L1H0", "L1H0 → logits"))
    assert found.rows[:-1] == (-1, 0, 1, 2, 3)
    assert found.rows[-1] > 3


def test_heat_is_what_the_stream_carries_from_nothing_to_all() -> None:
    found = panel_of(patched("L1H1"), flow())
    assert found.heat["feeling", 0] == 1.0
    assert found.heat["final", 0] == 0.0
    assert found.heat["final", 1] == 0.9
    assert found.columns == ("feeling", "final")


def test_the_place_that_was_left_is_hollow_and_leads_to_the_new() -> None:
    found = panel_of(role("L1H3", expected="L1H1"))
    old, new = node(found, "L1H1"), node(found, "L1H3")
    assert old.hollow
    assert not new.hollow
    assert [cited.number for cited in old.claims] == [0]
    ends = [(each.tail, each.head) for each in found.arrows if each.kind == "moved"]
    assert ends == [(old.at, new.at)]


def test_a_place_that_was_left_and_has_claims_is_not_hollow() -> None:
    found = panel_of(role("L1H3", expected="L1H1"), patched("L1H1", verdict=Verdict.FAILS))
    old = node(found, "L1H1")
    assert (old.was, old.hollow, old.state) == (True, False, "fails")


def test_a_component_says_what_became_of_it_unless_nothing_did() -> None:
    worse = patched("L1H1", comparison=difference(Change.REGRESSED))
    same = patched("L1H2", comparison=difference(Change.UNCHANGED))
    found = panel_of(worse, same, patched("L1H3", comparison=moved("L1H0", "L1H3")))
    assert node(found, "L1H1").change is Change.REGRESSED
    assert node(found, "L1H1").state == "regressed"
    assert node(found, "L1H2").change is None
    assert node(found, "L1H3").change is Change.MOVED


def test_an_arrow_denies_only_where_all_its_claims_do() -> None:
    none = {"recovery": statistic(bound="-0.1..0.1")}
    denied = panel_of(path("L1H1 → L2H0", statistics=none))
    assert denied.arrows[0].denies
    both = panel_of(path("L1H1 → L2H0", statistics=none), path("L1H1 → L2H0"))
    assert not both.arrows[0].denies


def test_what_is_named_among_many_is_minor() -> None:
    found = panel_of(patched("L1H1"), patched(*(f"L0H{n}" for n in range(9))))
    assert not node(found, "L1H1").minor
    assert node(found, "L0H3").minor
    assert not found.is_crowded


def test_a_crowd_is_known_as_one_and_its_arrows_have_ends() -> None:
    found = panel_of(*crowd())
    assert found.is_crowded
    assert (len(found.nodes), len(found.arrows)) == (60, 150)
    standing = {each.at for each in found.nodes}
    assert all(each.head in standing for each in found.arrows)
    assert all(each.tail in standing for each in found.arrows if not each.looks_at)


def test_beyond_what_can_be_read_the_rest_is_counted() -> None:
    found = panel_of(*(patched(f"L{n // 20}H{n % 20}") for n in range(MOST_NODES + 7)))
    assert (len(found.nodes), found.hidden) == (MOST_NODES, 7)
    assert len(found.arrows) <= MOST_ARROWS
