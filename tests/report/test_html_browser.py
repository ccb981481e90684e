"""The page in a real Chromium: it renders, filters, unfolds, and asks the network for nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ppcheck.judge.compare import Change
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord
from ppcheck.report.html import run_page
from tests.report.browsing import unfolded
from tests.report.compared import compared_layers, compared_pictures, of_layers
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

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
Opener = Callable[[list[ClaimRecord]], "Page"]
OVERLAPPING = """
    [...document.querySelectorAll(".plots .plot")].flatMap((plot) => {
      const boxes = [...plot.querySelectorAll(
        ".xtitle, .legendtext, .cbtitle text, .xtick text, .heatmap-label text",
      )].map((node) => [node.textContent, node.getBoundingClientRect()]);
      const cut = plot.getBoundingClientRect();
      const isOut = ([, box]) => box.left < cut.left - 1 || box.right > cut.right + 1;
      const meet = ([, one], [, two]) =>
        one.left + 1 < two.right && two.left + 1 < one.right &&
        one.top + 1 < two.bottom && two.top + 1 < one.bottom;
      return [
        ...boxes.filter(isOut).map(([text]) => text),
        ...boxes.flatMap((one, n) =>
          boxes.slice(n + 1).filter((two) => meet(one, two)).map((two) => [one[0], two[0]])),
      ];
    })
"""
"""Texts of plots that are cut, and pairs of those that lie over one another."""


@pytest.fixture
def opened(watched: Page, tmp_path: Path) -> Opener:
    """Opens a page of claims."""

    def open_page(claims: list[ClaimRecord]) -> Page:
        file = tmp_path / "index.html"
        file.write_text(run_page(run(claims)), encoding="utf-8")
        watched.goto(file.as_uri())
        return watched

    return open_page


def test_it_renders_the_verdict_and_every_claim(opened: Opener) -> None:
    shown = opened([claim(verdict) for verdict in Verdict])
    expected = "1 could not be measured, 1 does not hold, 1 is undecided"
    assert shown.locator("h1").inner_text() == f"3 of 5 claims do not pass: {expected}"
    assert shown.locator("tr.claim").count() == len(Verdict)
    first = shown.locator("tr.claim").first.inner_text()
    assert "error" in first
    assert "!" in first


def test_filters_by_verdict_text_and_spec(opened: Opener) -> None:
    shown = opened(many(40))
    rows = shown.locator("tr.claim")
    shown.get_by_role("button", name="fails").click()
    assert rows.count() == 4
    assert shown.locator("#shown").inner_text() == "4 of 40 claims"
    shown.get_by_role("button", name="fails").click()
    shown.get_by_label("All specs").select_option("specs/7.pp.yaml")
    assert rows.count() == 2
    shown.get_by_label("All specs").select_option("")
    shown.get_by_label("Search claims").fill("claim-33")
    assert rows.count() == 1
    shown.get_by_label("Search claims").fill("nothing like it")
    assert rows.count() == 0


def test_sorts_by_a_column_and_back(opened: Opener) -> None:
    shown = opened(many(30))
    header = shown.get_by_role("columnheader", name="claim")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert shown.locator(".unfold").first.inner_text() == "claim-0"
    header.get_by_role("button").click()
    assert shown.locator(".unfold").first.inner_text() == "claim-29"


def test_sorts_by_n_whether_it_is_thousands_or_all_there_is(opened: Opener) -> None:
    sizes = {
        "thousands": statistic(n=1234),
        "table": statistic(method="fixed", values=[0.5] * 72),
        "few": statistic(n=9),
    }
    shown = opened([claim(id=name, statistics={"rate": one}) for name, one in sizes.items()])
    header = shown.get_by_role("columnheader", name="n", exact=True)
    header.get_by_role("button").click()
    assert shown.locator("tr.claim td.num").all_inner_texts() == ["9", "all 72", "1,234"]
    header.get_by_role("button").click()
    assert shown.locator("tr.claim td.num").all_inner_texts() == ["1,234", "all 72", "9"]


def test_draws_every_kind_of_picture_when_unfolded(opened: Opener) -> None:
    claims = pictured()
    shown = opened(claims)
    assert shown.locator(".main-svg").count() == 0
    for each in claims:
        details = unfolded(shown, each.id)
        assert details.locator("figure").count() >= 2, each.id
        assert details.locator(".plot .main-svg").count() > 0, each.id
        shown.get_by_role("button", name=each.id, exact=True).click()
        assert details.count() == 0
    assert shown.locator(".main-svg").count() == 0


def test_with_a_baseline_there_are_then_now_and_difference_side_by_side(opened: Opener) -> None:
    shown = opened(compared_pictures())
    for name in ("map", "curve", "flow"):
        figure = unfolded(shown, name).locator("figure", has=shown.locator(".abreast")).first
        panels = figure.locator(".one")
        heads = ["then", "now", "difference: now − then"]
        assert figure.locator(".when").all_inner_texts() == heads, name
        tops = {round(panels.nth(n).bounding_box()["y"]) for n in range(3)}  # type: ignore[index]
        assert len(tops) == 1, name


def test_then_and_now_share_their_colours_and_the_difference_has_its_own(opened: Opener) -> None:
    details = unfolded(opened(compared_pictures()), "map")
    scales = details.locator(".plot").evaluate_all(
        "plots => plots.map(({ data }) => [data[0].zmin, data[0].zmax])"
    )
    assert scales[0] == scales[1] == [-0.3, 0.3]
    assert scales[2] == [-0.25, 0.25]
    figure = details.locator("figure").first
    figure.get_by_role("button", name="Table").click()
    assert figure.locator("thead th").all_inner_texts() == [
        *("row", "column", "then", "now", "difference")
    ]
    assert figure.locator("tbody tr").nth(15).locator("td").all_inner_texts() == [
        *("L3", "H3", "0.1", "0.15", "0.05")
    ]


def test_what_the_baseline_did_not_keep_is_said_below_the_picture(opened: Opener) -> None:
    details = unfolded(opened(compared_pictures()), "lost")
    assert details.locator(".abreast").count() == 0
    assert "then: not kept in the baseline" in details.locator("figure .note").first.inner_text()


def test_layers_are_a_curve_with_its_bound_and_a_hollow_one_then(opened: Opener) -> None:
    shown = opened([of_layers(), compared_layers().model_copy(update={"id": "against"})])
    details = unfolded(shown, "layers")
    edges = "plot => plot.layout.shapes.map(({ y0, y1 }) => [y0, y1])"
    assert details.locator(".plots .plot").first.evaluate(edges) == [[0.4, 0.4]]
    details = unfolded(shown, "against")
    now = details.locator(".abreast .plot").nth(1)
    lines = now.evaluate("plot => plot.data.map(({ name, y }) => [name, y?.[10]])")
    assert ["resid_post, then", 1.1] in lines
    assert ["resid_post", 1] in lines


def test_shows_what_was_written_as_text_by_outcome(opened: Opener) -> None:
    details = unfolded(opened([replied()]), "replies")
    assert details.locator("text=three: 39").count() == 1
    assert details.locator(".reply").all_inner_texts() == ["3", "a 3", "<b>no</b>⏎none"]
    assert details.locator("b", has_text="no").count() == 0


def test_a_plot_has_its_data_as_a_table_and_as_a_file(opened: Opener) -> None:
    shown = opened(pictured())
    figure = unfolded(shown, "heads").locator("figure").first
    assert figure.locator("table").is_hidden()
    figure.get_by_role("button", name="Table").click()
    assert figure.locator("tbody tr").count() == 4
    with shown.expect_download() as started:
        figure.get_by_role("button", name="CSV").click()
    assert Path(started.value.path()).read_text(encoding="utf-8").startswith(",H0,H1,H2,H3")
    with shown.expect_download() as started:
        shown.get_by_role("button", name="Download JSON").click()
    assert '"recovery"' in Path(started.value.path()).read_text(encoding="utf-8")


def test_shows_what_changed_and_leads_to_it(opened: Opener) -> None:
    worse = claim(id="worse", comparison=difference(Change.REGRESSED))
    broken = claim(Verdict.FAILS, id="broken", comparison=difference(Change.NO_LONGER_HOLDS))
    shown = opened([claim(id="fine", comparison=difference(Change.UNCHANGED)), broken, worse])
    cards = shown.locator(".card")
    assert cards.count() == 2
    assert "▽ no longer holds" in cards.last.inner_text()
    assert "recovery 0.6 → 0.4 expected >= 0.3" in cards.first.inner_text()
    cards.first.click()
    details = shown.locator("tr.details")
    details.get_by_role("heading", name="Against the baseline").wait_for()
    assert "-0.2 [-0.25, -0.15]" in details.inner_text()


def test_the_address_leads_to_a_claim_also_after_loading_and_past_a_filter(opened: Opener) -> None:
    shown = opened([claim(id="one"), claim(id="two")])
    two = shown.get_by_role("button", name="two", exact=True)
    shown.get_by_role("searchbox").fill("one")
    two.wait_for(state="detached")
    shown.evaluate("location.hash = encodeURIComponent('specs/a.pp.yaml::two')")
    shown.locator("tr.details").wait_for()
    assert two.get_attribute("aria-expanded") == "true"


def test_works_by_keyboard_alone(opened: Opener) -> None:
    shown = opened(many(20))
    keyboard = shown.keyboard
    keyboard.press("/")
    keyboard.type("claim-1")
    keyboard.press("ArrowDown")
    first = shown.evaluate("document.activeElement.textContent")
    keyboard.press("ArrowDown")
    assert shown.evaluate("document.activeElement.textContent") != first
    keyboard.press("ArrowUp")
    keyboard.press("Enter")
    assert shown.locator("tr.details").count() == 1
    assert shown.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    keyboard.press("Tab")
    keyboard.press("Escape")
    assert shown.locator("tr.details").count() == 0
    assert shown.evaluate("document.activeElement.textContent") == first


def test_two_thousand_claims_are_drawn_as_the_reader_comes_to_them(opened: Opener) -> None:
    shown = opened(many(2000))
    assert shown.locator("#shown").inner_text() == "2,000 claims"
    at_first = shown.locator("tr.claim").count()
    assert at_first <= 120
    assert shown.evaluate("document.querySelectorAll('body *:not(script)').length") < 6000
    shown.keyboard.press("End")
    shown.locator("tr.claim").nth(at_first).wait_for()
    shown.get_by_label("Search claims").fill("claim-1999")
    assert shown.locator("tr.claim").count() == 1


def test_light_and_dark_by_preference_and_by_hand(opened: Opener) -> None:
    shown = opened(pictured())
    background = "getComputedStyle(document.body).backgroundColor"
    light = shown.evaluate(background)
    unfolded(shown, "heads")
    shown.get_by_role("button", name="Dark").click()
    assert shown.evaluate(background) != light
    shown.get_by_role("button", name="Light").click()
    assert shown.evaluate(background) == light
    shown.emulate_media(color_scheme="dark")
    shown.reload()
    assert shown.evaluate(background) != light


def test_prints_every_claim(opened: Opener) -> None:
    shown = opened(many(200))
    shown.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert shown.locator("tr.claim").count() == 200


def test_hostile_texts_are_shown_as_text(opened: Opener) -> None:
    shown = opened(hostile())
    for button in shown.locator(".unfold").all():
        button.click()
    for plot in shown.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
    assert shown.locator(".unfold", has_text=HOSTILE[0]).count() == 2
    assert shown.locator("main img, main script, main a[href]").count() == 0
    assert shown.locator("figure").locator(f"text={HOSTILE[5]}").count() > 0


@pytest.mark.parametrize("width", [400, 420])
def test_a_narrow_window_needs_no_sideways_scrolling(opened: Opener, width: int) -> None:
    claims = [*pictured(), *compared_pictures(), compared_layers()]
    shown = opened([one.model_copy(update={"id": f"{n}"}) for n, one in enumerate(claims)])
    shown.set_viewport_size({"width": width, "height": 800})
    for number in range(len(claims)):
        unfolded(shown, f"{number}")
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.evaluate(OVERLAPPING) == []
