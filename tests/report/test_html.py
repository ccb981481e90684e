"""The page without a browser: what it holds, that it is whole, and that text stays text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.cli import main
from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.report.claims import cells
from ppcheck.report.evidence import examples, figures, row, thinned
from ppcheck.report.explanation import explain
from ppcheck.report.github import commands
from ppcheck.report.html import LARGEST, run_page
from ppcheck.report.markdown import markdown
from ppcheck.report.pictures import pictures
from ppcheck.report.terminal import table
from tests.report.runs import (
    HOSTILE,
    claim,
    difference,
    hostile,
    many,
    pictured,
    replied,
    run,
    statistic,
)


class Elements(HTMLParser):
    """Start tags with their attributes, and the text of each script by its id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str | None, str] = {}
        self._inside: str | None = None
        self._is_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._is_script, self._inside = tag == "script", dict(attrs).get("id")

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts[self._inside] = self.scripts.get(self._inside, "") + data


def data(text: str, name: str = "data") -> Any:
    return json.loads(Elements(text).scripts[name])


@pytest.fixture(scope="module")
def broken() -> str:
    """The page of a run in which everything occurs."""
    verdicts = [claim(verdict) for verdict in Verdict]
    regressed = claim(id="worse", comparison=difference(Change.REGRESSED))
    facts = {"played_by": "L1H1", "players": ["L1H3"], "prompts": 4, "units": 2}
    movers = [claim(Verdict.MOVED, facts=facts)] * 2
    return run_page(run([*verdicts, regressed, *movers, *pictured()]))


def test_the_page_is_whole_and_needs_no_other_file(broken: str) -> None:
    elements = Elements(broken)
    assert len(broken.encode()) < LARGEST
    assert not [tag for tag, attributes in elements.tags if "src" in attributes]
    links = [attributes["href"] for _, attributes in elements.tags if attributes.get("href")]
    assert links == ["data:,", "#claims"]
    assert elements.scripts.keys() >= {"data", "plotly", "evidence-0", None}


def test_only_its_own_scripts_may_run_and_nothing_may_be_fetched(broken: str) -> None:
    (policy,) = [
        attributes["content"]
        for tag, attributes in Elements(broken).tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline' data" not in policy
    assert "unsafe-eval" not in policy
    assert "connect-src" not in policy


def test_the_verdict_comes_first(broken: str) -> None:
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", broken)
    assert heading is not None
    assert heading[1] == (
        "4 of 15 claims do not pass: "
        "1 could not be measured, 1 regressed, 1 does not hold, 1 is undecided"
    )
    assert "Mechanism regressed" in broken
    assert "against good.json: 1 regressed" in broken


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([Verdict.HOLDS, Verdict.HOLDS], "All 2 claims hold"),
        ([Verdict.HOLDS, Verdict.FAILS], "1 of 2 claims does not pass: 1 does not hold"),
        ([Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE], "The one claim is undecided"),
        ([Verdict.NOT_APPLICABLE], "No claim was measured"),
    ],
)
def test_one_sentence_says_how_it_went(verdicts: list[Verdict], said: str) -> None:
    assert f">{said}</h1>" in run_page(run([claim(verdict) for verdict in verdicts]))


def test_figures_are_those_of_the_terminal(broken: str) -> None:
    told = {each["id"]: each for each in data(broken)["claims"]}
    held = claim(Verdict.HOLDS)
    assert told[held.id]["measured"] == cells(held)[0] == "recovery 0.4 [0.35, ∞]"
    assert told[held.id]["interval"] == {
        "estimate": 0.4,
        "low": 0.35,
        "high": None,
        "bound": [0.3, None],
    }
    assert told["worse"]["change"]["text"] == "▼ regressed from 0.6"
    assert told["worse"]["difference"] == {
        "name": "recovery",
        "old": "0.6",
        "new": "0.4",
        "bound": "expected >= 0.3",
    }


def test_every_kind_of_picture_is_found() -> None:
    found = [kind for each in pictured() for kind in pictures(each)]
    assert found == ["maps", "curves", "flow", "maps", "separations", "attention", "curves", "bars"]


def test_controls_share_the_picture_of_what_they_control() -> None:
    (picture,) = pictures(pictured()[5])["curves"]
    assert picture["title"] == "auroc in resid_post"
    assert [line["name"] for line in picture["lines"]] == [
        "auroc in resid_post",
        "words alone",
        "shuffled labels",
    ]


def test_a_curve_is_marked_where_it_switches() -> None:
    dose = pictured()[1]
    switching = dose.model_copy(update={"statistics": {"switch_point": statistic(estimate=1.7)}})
    (picture,) = pictures(switching)["curves"]
    assert picture["marks"] == [{"name": "switch_point", "x": 1.7, "low": 0.35, "high": None}]


def test_a_moved_role_says_from_whom_to_whom() -> None:
    facts = {"played_by": "L1H1", "players": ["L1H3"], "prompts": 4, "units": 2}
    mover = claim(Verdict.MOVED, facts=facts, id="some-mover")
    role = mover.model_copy(update={"id": "pain-mover", "check": "role"})
    assert row(mover)["moved"] == ["L1H1", "L1H3"]
    said = re.sub(r"<[^>]+>", "", run_page(run([mover, role])))
    assert "pain-mover and 1 more L1H1 → L1H3" in said


def test_facts_of_earlier_records_draw_nothing() -> None:
    for facts in ({"curves": 240, "maps": None}, {"searched": "all"}, {"patterns": "none"}):
        assert pictures(claim(facts=facts)) == {}


def test_replies_stand_by_outcome_with_how_often_each_was_written() -> None:
    three, other = examples(replied())["replies"]
    assert (three["outcome"], three["count"]) == ("three", 39)
    assert three["shown"][0] == {"prompt": "so choose", "reply": "3", "count": 38}
    assert other["shown"][0]["reply"] == "<b>no</b>⏎none"
    assert "replies" not in examples(claim())
    assert "replies" not in dict(figures(replied())["facts"])


def test_many_examples_are_thinned_evenly_with_both_ends() -> None:
    few = thinned([float(number) for number in range(5000)])
    assert (few[0], few[-1], len(few)) == (0.0, 4999.0, 300)
    assert max(b - a for a, b in pairwise(few)) < 18


def test_a_long_family_is_cut_after_its_most_telling_members() -> None:
    failing = {"recovery[L9H9]": statistic(Verdict.FAILS)}
    family = {f"recovery[L{n}H0]": statistic(Verdict.HOLDS) for n in range(1000)} | failing
    told = figures(claim(Verdict.FAILS, statistics=family))
    assert told["statistics"][0]["name"] == "recovery[L9H9]"
    assert len(told["statistics"]) + told["left_out"] == 1001


def test_two_thousand_claims_fit_and_the_broken_ones_keep_their_pictures() -> None:
    claims = many(2000)
    text = run_page(run(claims))
    assert len(text.encode()) < 6_000_000
    evidence = [data(text, f"evidence-{number}") for number in range(0, 2000, 50)]
    assert all(each["command"] for each in evidence)
    assert "pictures" in data(text, "evidence-7")
    assert not all("pictures" in data(text, f"evidence-{number}") for number in (1996, 1995))


@given(st.text(min_size=1))
def test_no_text_of_a_claim_leaves_its_place(text: str) -> None:
    record = claim(id=text, says=text, facts={text: text, "prompts": 4, "units": 2})
    shown = json.dumps([row(record), figures(record), examples(record)], ensure_ascii=False)
    assert not set(shown) & set(map(chr, [*range(32), 127, 0x202E, 0x2028, 0xD800]))


def test_hostile_texts_add_no_element_to_the_page(broken: str) -> None:
    attacked = run_page(run(hostile()))

    def kinds(text: str) -> set[tuple[str, ...]]:
        return {(tag, *sorted(attributes)) for tag, attributes in Elements(text).tags}

    assert kinds(attacked) <= kinds(broken)
    assert not set(attacked) & set(map(chr, [27, 0x202E, 0x2028]))
    assert data(attacked)["claims"][0]["id"] == HOSTILE[0]


def test_hostile_texts_do_nothing_in_terminal_markdown_and_annotations() -> None:
    claims = hostile()
    texts = {
        "terminal": table(claims, colour=False),
        "failure": "\n".join(explain(each, f"{each.spec}::{each.id}") for each in claims),
        "annotations": "\n".join(commands(claims)),
        "markdown": markdown(claims),
    }
    for name, text in texts.items():
        assert not set(text) & set(map(chr, [27, 0x202E, 0x2028, 0xD800])), name
    whole, *lines = texts["annotations"].splitlines()
    assert whole.startswith("::error title=ppcheck::")
    assert len(lines) == len(claims)
    assert all(line.startswith("::error file=") for line in lines)
    for tag in re.findall(r"(?<!\\)<\w[^>]*", texts["markdown"]):
        assert tag in ("<br", "<details", "<summary"), tag


def test_a_record_is_written_as_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "run.json"
    record.write_text(run([claim()]).to_json(), encoding="utf-8")
    assert main(["report", str(record), "--out", str(tmp_path / "html")]) == 0
    assert "The one claim holds" in (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    assert "report: " in capsys.readouterr().out


@pytest.mark.parametrize("content", ["{", '{"schema": "other/9"}', None])
def test_what_is_no_record_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    record = tmp_path / "run.json"
    if content is not None:
        record.write_text(content)
    assert main(["report", str(record), "--out", str(tmp_path / "html")]) == 1
    assert "is not a run record" in capsys.readouterr().out
    assert not (tmp_path / "html").exists()


def test_it_says_how_weights_were_stored_and_what_was_merged() -> None:
    record = run([claim(Verdict.HOLDS)])
    info = {**record.model, "quantisation": "Q4_0 (tensors in Q4_0, F32)", "base": "<base>"}
    page = run_page(record.model_copy(update={"models": {"base+run": info}}))
    assert "Q4_0 (tensors in Q4_0, F32)" in page
    assert "&lt;base&gt;" in page
    assert "quantised as" not in run_page(record)
