from __future__ import annotations

from pathlib import Path

import pytest

from ppcheck.measure.registry import CHECKS
from ppcheck.spec.survey import Survey, survey

pytestmark = pytest.mark.trust

SPEC = """\
ppcheck: 1
titel: two of these lines are wrong
prompts:
  felt:
    template: "{who} feels {what} and is"
    vary: {who: [she, he], what: {pain: [pain], joy: [joy]}}
    choices: {sad: sad, glad: glad}
    pairs: {what: [pain, joy]}
  lost:
    template: "{who} feels {what}"
    rows: nothing.csv
    choices: {sad: sad, glad: glad}
  mistyped:
    templat: "{who}"
  spare:
    template: "hello {who}"
    vary: {who: [one, two]}
    choices: {sad: sad, glad: glad}
claims:
  - {id: one, says: s, check: contrast, on: "felt[z=1]", metric: p(sad), expect: {size: "> 2"}}
  - {id: two, says: s, check: contrst, on: felt, metric: p(sad), expect: {difference: "> 0.2"}}
  - {id: three, says: s, check: contrast, on: felt, metric: p(sad), expect: {difference: "> 0.2"}}
  - {id: four, says: s, check: contrast, on: mistyped, metric: p(sad), expect: {difference: "> 0"}}
"""


def surveyed(folder: Path, text: str) -> Survey:
    path = folder / "a.pp.yaml"
    path.write_text(text, encoding="utf-8")
    return survey(path, CHECKS)


def test_all_that_is_wrong_is_found_in_one_round_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = surveyed(tmp_path, SPEC)
    lines = [line for error in found.problems for line in str(error).splitlines()]
    said = [line.partition("a.pp.yaml:")[2] for line in lines]
    for expected in (
        "1: the key 'title' is missing",
        "2: unknown key 'titel'",
        "11: there is no file 'nothing.csv'",
        "14: unknown key 'templat'",
        "20: there is no variable 'z'",
        "20: this claim gives no statistic 'size'",
        "21: unknown check 'contrst'",
    ):
        assert any(line.startswith(expected) for line in said), expected
    assert [int(line.partition(":")[0]) for line in said] == [1, 2, 11, 14, 20, 20, 21]
    assert [entry.id for entry in found.entries] == ["three"]
    assert list(found.grids) == ["felt", "spare"]


def test_prompts_that_no_claim_is_about_are_named(tmp_path: Path) -> None:
    found = surveyed(tmp_path, SPEC)
    assert [(error.line, error.message) for error in found.unused] == [
        (9, "no claim is about the prompts 'lost'"),
        (15, "no claim is about the prompts 'spare'"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("[1, 2]", "a spec has the keys"),
        ("a: [", "not YAML"),
        ("ppcheck: 1\ntitle: t\nprompts: 3\nclaims: 4", "prompts: expected"),
    ],
)
def test_a_file_that_is_no_spec_is_one_problem(tmp_path: Path, text: str, message: str) -> None:
    found = surveyed(tmp_path, text)
    assert len(found.problems) == 1
    assert message in str(found.problems[0])
    assert not found.entries
