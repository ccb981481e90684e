"""Claims as YAML."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ppcheck.discover.emit import claim_lines, comment_lines

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), min_size=1
).map(lambda text: " ".join(text.split()) or "x")
values = st.recursive(
    texts | st.integers(-99, 99) | st.floats(-9, 9),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=30) | st.dictionaries(texts, inner, min_size=1)
    ),
    max_leaves=20,
)


def read(claim: dict[str, Any]) -> Any:
    (found,) = yaml.safe_load("\n".join(["claims:", *claim_lines(claim)]))["claims"]
    return found


@settings(deadline=None, max_examples=50)
@example("x", "no", {"False": "no"})
@given(texts, values, st.dictionaries(texts, texts, min_size=1))
def test_what_is_written_is_what_is_read(says: str, value: Any, expect: dict[str, str]) -> None:
    claim = {"id": "it", "says": says, "key": value, "expect": expect}
    assert read(claim) == claim


def test_a_claim_reads_as_a_person_writes_it() -> None:
    claim = {
        "id": "pain-head-l1h1",
        "says": "Head L1H1 alone brings 28 % or more of it to the final token.",
        "check": "patch",
        "on": "game[feeling=pain, intensity=strong]",
        "pairs": {"feeling": ["pain", "neutral"]},
        "metric": "logit_diff(plain, felt)",
        "expect": {"recovery": ">= 0.28", "difference@p(felt)": ">= 1"},
    }
    assert claim_lines(claim) == [
        "  - id: pain-head-l1h1",
        "    says: Head L1H1 alone brings 28 % or more of it to the final token.",
        "    check: patch",
        "    on: game[feeling=pain, intensity=strong]",
        "    pairs: {feeling: [pain, neutral]}",
        "    metric: logit_diff(plain, felt)",
        '    expect: {recovery: ">= 0.28", "difference@p(felt)": ">= 1"}',
    ]


def test_long_text_is_folded_below_its_key() -> None:
    says = "Some head " + "looks at the word, " * 12 + "and brings it."
    lines = claim_lines({"id": "it", "says": says})
    assert lines[1] == "    says: >-"
    assert max(map(len, lines)) <= 100
    assert read({"id": "it", "says": says})["says"] == says


@settings(deadline=None, max_examples=50)
@given(texts)
def test_a_comment_is_nothing_but_a_comment(text: str) -> None:
    lines = comment_lines(text, first="- ")
    assert all(line.startswith("  #") for line in lines)
    assert yaml.safe_load("\n".join(["claims: 1", *lines])) == {"claims": 1}
