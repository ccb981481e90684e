"""The file that was searched, with what was found in it."""

from __future__ import annotations

import yaml

from ppcheck.discover.finding import Finding, Nothing
from ppcheck.discover.search import Part
from ppcheck.discover.write import Judged, spec_text

FILE = """\
# A game of mine.
ppcheck: 1
title: A game

prompts:
  game:   # the first
    template: "{who} feel {feeling} so"   # as it is
    vary: &words
      who: [we, they]
      feeling: {pain: [pain], neutral: [hum]}
    choices: {a: A}

  other:
    half: "explore"  # was looked at
    template: "{who} see {feeling} so"
    vary: *words
    choices: {a: A}
  small: {template: "{who} so", vary: *words, choices: {a: A}}
  # the end

claims:   # these go
  - id: old
    says: It was.
"""


def finding(id_: str) -> Finding:
    claim = {
        "id": id_,
        "says": "It is.",
        "check": "choice",
        "on": "game",
        "expect": {"rate": "> 0"},
    }
    return Finding("answers", claim, "rate 1")


def written(*parts: Part, holds: bool = True, keep_failed: bool = False, text: str = FILE) -> str:
    judged = {
        each.id: Judged(each, holds, "fails, rate 0.1 [0, 0.2], n=9")
        for part in parts
        for each in part.findings
    }
    sets = ["game", "other", "small"]
    return spec_text(text, sets, parts, judged, "Found by me.", keep_failed=keep_failed)


PART = Part("game", "game", (finding("it"),), (Nothing("heads", "no head does it"),))


def test_the_text_and_the_comments_of_the_prompts_stay() -> None:
    text = written(PART)
    assert text.startswith(FILE[: FILE.index("    template")])
    for kept in ('template: "{who} feel {feeling} so"   # as it is', "  # the end", "vary: &words"):
        assert kept in text


def test_each_set_keeps_the_half_that_is_judged() -> None:
    prompts = yaml.safe_load(written(PART))["prompts"]
    assert [prompts[name]["half"] for name in ("game", "other", "small")] == ["judge"] * 3
    assert "half: judge  # was looked at" in written(PART)


def test_a_set_that_was_not_looked_at_stays_whole() -> None:
    text = spec_text(FILE, ["game"], (), {}, "Found by me.", keep_failed=False)
    assert "half" not in yaml.safe_load(text + "  []")["prompts"]["small"]


def test_claims_take_the_place_of_those_that_were_there() -> None:
    assert [claim["id"] for claim in yaml.safe_load(written(PART))["claims"]] == ["it"]
    first = FILE.replace("prompts:", "claims: []\n\nprompts:", 1).split("claims:   #")[0]
    assert [claim["id"] for claim in yaml.safe_load(written(PART, text=first))["claims"]] == ["it"]


def test_what_was_not_found_is_a_comment() -> None:
    assert "  # Looked for and not found:\n  # - no head does it\n" in written(PART)


def test_a_claim_that_does_not_hold_is_a_comment_unless_it_is_kept() -> None:
    text = written(PART, holds=False)
    assert yaml.safe_load(text)["claims"] is None
    assert (
        "  # Does not hold on the other half: fails, rate 0.1 [0, 0.2], n=9\n  # - id: it\n" in text
    )
    assert yaml.safe_load(written(PART, holds=False, keep_failed=True))["claims"]
