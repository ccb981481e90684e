from __future__ import annotations

from ppcheck.spec.problem import Problem, problems_with, renamed, within


def test_a_key_inside_another_is_the_claims_own_and_the_one_inside() -> None:
    assert Problem("expect.largest@p(a.b)", "").keys == ["expect", "largest@p(a.b)"]
    assert Problem("site", "").keys == ["site"]


def test_problems_of_a_part_are_placed_inside_it_or_under_another_key() -> None:
    def found() -> list[Problem]:
        return list(problems_with("position", ["it is missing", "it is twice there"]))

    assert found() == [
        Problem("position", "it is missing"),
        Problem("position", "it is twice there"),
    ]
    assert [each.key for each in within("effect", iter(found()))] == ["effect.position"] * 2
    assert list(renamed("at", iter(found()[:1]))) == [Problem("at", "it is missing")]
