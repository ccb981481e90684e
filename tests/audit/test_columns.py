"""Runs of checkpoints, to one row a claim."""

from __future__ import annotations

import pytest

from ppcheck.audit.columns import column, rows
from ppcheck.judge.verdict import Verdict
from ppcheck.record.audit import AuditedClaim
from ppcheck.record.run import ClaimRecord
from tests.report.runs import claim, run, statistic


def row(*claims: ClaimRecord) -> AuditedClaim:
    (found,) = rows([column(run([each])) for each in claims])
    return found.claim


def test_a_claim_has_a_cell_for_each_checkpoint_and_none_where_there_is_none() -> None:
    first = column(run([claim(id="a", line=9), claim(Verdict.FAILS, id="b", line=2)]))
    last = column(run([claim(Verdict.ERROR, id="a", line=9)]))
    b, a = (found.claim for found in rows([first, None, last]))
    assert (a.id, b.id) == ("a", "b")
    assert [cell and cell.verdict for cell in a.cells] == [Verdict.HOLDS, None, Verdict.ERROR]
    assert [cell and cell.verdict for cell in b.cells] == [Verdict.FAILS, None, None]
    assert a.cells[2] is not None
    assert a.cells[2].reason == "specs/a.pp.yaml:3: it is error"


def test_a_cell_has_of_each_family_the_member_nearest_to_breaking_its_bound() -> None:
    family = {
        "recovery[L0H0]": statistic(estimate=0.9),
        "recovery[L0H1]": statistic(Verdict.FAILS, estimate=0.1),
        "recovery[L0H2]": statistic(Verdict.FAILS, estimate=0.2),
        "gap": statistic(None, bound=None),
    }
    cell = row(claim(Verdict.FAILS, statistics=family)).cells[0]
    assert cell is not None
    assert cell.statistics.keys() == {"recovery"}
    assert (cell.statistics["recovery"].name, cell.deciding) == ("recovery[L0H1]", "recovery")


def test_who_is_expected_to_play_has_a_curve_but_does_not_decide_a_role_that_moved() -> None:
    mover = claim(
        Verdict.MOVED,
        expect={"strength": ">= 1"},
        statistics={
            "strength[L1H3]": statistic(bound=">= 1", estimate=2.0),
            "played_by[L1H1]": statistic(Verdict.FAILS, bound=">= 1", estimate=0.2),
        },
        facts={"players": ["L1H3"]},
    )
    found = row(mover)
    assert found.bounds == {"strength": ">= 1", "played_by": ">= 1"}
    assert found.cells[0] is not None
    assert found.cells[0].passes
    assert found.cells[0].deciding == "strength"
    assert found.cells[0].players == ("L1H3",)


def test_a_bound_is_known_though_the_claim_was_first_measured_later() -> None:
    unmeasured = claim(Verdict.ERROR, id="claim-holds", expect={"strength": ">= 1"})
    told = {"played_by[L1H1]": statistic(bound=">= 1")}
    assert "played_by" in row(unmeasured, claim(statistics=told), unmeasured).bounds


def test_only_claims_that_look_for_someone_have_players() -> None:
    named = claim(facts={"kept": ["L1H1"]})
    chosen = claim(facts={"kept": ["L1H1"], "looked_at": 20})
    assert [each and each.players for each in row(named, chosen).cells] == [None, ("L1H1",)]


@pytest.mark.trust
def test_a_spec_that_checkpoints_name_differently_is_one_row() -> None:
    named = [claim(spec=name) for name in ("specs/a.pp.yaml", "a.pp.yaml", "../specs/a.pp.yaml")]
    found = row(*named)
    assert found.spec == "specs/a.pp.yaml"
    assert [cell is not None for cell in found.cells] == [True] * 3
