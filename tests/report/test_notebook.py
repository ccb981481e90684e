"""A run's table in a notebook: what it says, that no text becomes markup, and that it is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.report.notebook import notebook
from tests.report.runs import HOSTILE, claim, difference, hostile, statistic

if TYPE_CHECKING:
    from playwright.sync_api import Page

THEMES = {
    "light": ('<body data-jp-theme-light="true" style="background:#fff; color:#212121">', 255),
    "dark": ('<body data-jp-theme-light="false" style="background:#111; color:#e0e0e0">', 17),
}


def cells(html: str) -> list[str]:
    """The text of each cell of the last row."""
    row = html.rpartition("<tr>")[2]
    found = re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found]


def test_a_row_has_verdict_claim_estimate_interval_bound_and_units() -> None:
    html = notebook([claim()])
    assert cells(html) == [
        *("✓ holds", "claim-holds This claim holds.", "recovery 0.4 [0.35, ∞]"),
        *("&gt;= 0.3", "40"),
    ]
    assert "The one claim holds" in html
    assert "specs/a.pp.yaml</bdi> on <bdi>demo" in html


def test_what_was_not_measured_says_why_in_place_of_figures() -> None:
    assert cells(notebook([claim(Verdict.ERROR)]))[2:] == ["it is error"]


def test_a_comparison_has_a_column_of_its_own() -> None:
    worse = claim(Verdict.FAILS, comparison=difference(Change.REGRESSED))
    assert cells(notebook([worse]))[-1] == "▼ regressed from 0.6"
    assert "change</th>" not in notebook([claim()])


def test_a_spec_about_other_models_is_one_row() -> None:
    left_out = [claim(Verdict.NOT_APPLICABLE, id=name, reason="other") for name in ("a", "b")]
    assert cells(notebook(left_out))[1:] == ["2 claims", "other"]


def test_what_a_claim_may_not_say_stands_below_the_table() -> None:
    html = notebook([claim(cautions=("it says little",))])
    assert "caution, claim-holds: it says little" in html.partition("</table>")[2]


def test_no_text_becomes_markup() -> None:
    plain = notebook([claim(v, comparison=difference(Change.REGRESSED)) for v in Verdict])
    tags = set(re.findall(r"<\s*([a-z]+)", plain))
    html = notebook(hostile())
    assert set(re.findall(r"<\s*([a-z]+)", html)) <= tags
    assert "<script" not in html
    assert not any(text in html for text in HOSTILE)
    assert html.encode()


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_can_be_read_in_a_light_and_in_a_dark_notebook(
    watched: Page, theme: str
) -> None:
    body, ground = THEMES[theme]
    changes = [*Change, None]
    shown = [claim(v, comparison=difference(c) if c else None) for v in Verdict for c in changes]
    watched.set_content(body + notebook(shown))
    colours = watched.locator(".ppcheck *").evaluate_all(
        "all => [...new Set(all.filter(each => each.innerText).map("
        "each => getComputedStyle(each).color))]"
    )
    assert len(colours) >= len(Verdict)
    for colour in colours:
        red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
        assert contrast((red, green, blue), (ground,) * 3) >= 4.5, colour


def test_hundreds_of_members_are_one_row() -> None:
    many = {f"recovery[L{layer}H0]": statistic() for layer in range(300)}
    assert notebook([claim(statistics=many)]).count("<td") == 5


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The ratio of WCAG 2.1 between two colours."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: tuple[int, int, int]) -> float:
    shares = (part / 255 for part in colour)
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
