"""The map in a real Chromium: what is pointed at is named, leads to its claim, and can be kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord
from ppcheck.report.html import run_page
from tests.report.mapped import attending, crowd, flow, moved, patched, path, role
from tests.report.runs import claim, run, statistic

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow
Opener = Callable[[list[ClaimRecord]], "Page"]


@pytest.fixture
def opened(watched: Page, tmp_path: Path) -> Opener:
    """Opens a page of claims."""

    def open_page(claims: list[ClaimRecord]) -> Page:
        file = tmp_path / "index.html"
        file.write_text(run_page(run(claims)), encoding="utf-8")
        watched.goto(file.as_uri())
        return watched

    return open_page


def few() -> list[ClaimRecord]:
    return [
        role("L1H3", expected="L1H1"),
        patched("mlp_out.L0", at="feeling", id="first-mlp"),
        path("mlp_out.L0 → L1H3", position="feeling", id="tells", verdict=Verdict.FAILS),
        attending("L2H0", "final", "feeling=pain", statistics={"attention": statistic()}),
        flow(),
    ]


def node(shown: Page, name: str) -> Locator:
    return shown.locator("#map .item.node", has=shown.locator(f"text='{name}'"))


def note(shown: Page) -> Locator:
    return shown.locator("#map .note")


def test_a_run_about_no_component_has_no_map(opened: Opener) -> None:
    shown = opened([claim(check="contrast")])
    assert shown.locator("#map").is_hidden()


def test_what_is_pointed_at_is_named_with_its_figure(opened: Opener) -> None:
    shown = opened(few())
    assert note(shown).is_hidden()
    node(shown, "mlp L0").hover()
    assert "mlp_out.L0, MLP in layer 0, at feeling" in note(shown).inner_text()
    assert "first-mlp: recovery 0.4 [0.35, ∞]" in note(shown).inner_text()
    shown.locator("h1").hover()
    assert note(shown).is_hidden()


def test_what_is_linked_stands_out_and_the_rest_fades(opened: Opener) -> None:
    shown = opened(few())
    node(shown, "L2H0").hover()
    opacity = "node => getComputedStyle(node).opacity"
    shown.wait_for_timeout(300)
    assert node(shown, "L2H0").evaluate(opacity) == "1"
    assert float(node(shown, "mlp L0").evaluate(opacity)) < 0.5
    assert shown.locator(".arrow.on").count() == 1


def test_a_click_opens_the_claim(opened: Opener) -> None:
    shown = opened(few())
    node(shown, "L2H0").click()
    assert shown.locator("tr.details").count() == 1
    assert shown.evaluate("document.activeElement.textContent") == "L2H0-looks"


def test_of_several_claims_a_click_lists_them_and_each_leads_to_its_row(opened: Opener) -> None:
    shown = opened(few())
    node(shown, "mlp L0").click()
    assert note(shown).get_by_role("button").count() == 2
    shown.locator("h1").hover()
    note(shown).get_by_role("button", name="tells").click()
    assert note(shown).is_hidden()
    assert shown.evaluate("document.activeElement.textContent") == "tells"


def test_escape_closes_the_list_and_goes_back(opened: Opener) -> None:
    shown = opened(few())
    shown.locator("#map .item[tabindex='0']").focus()
    shown.keyboard.press("Enter")
    assert note(shown).get_by_role("button").first.is_visible()
    shown.keyboard.press("Escape")
    assert note(shown).is_hidden()
    label = shown.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("mlp_out.L0")


def test_keys_go_through_the_list_that_is_read_out(opened: Opener) -> None:
    shown = opened(few())
    listed = shown.locator("#map svg.map").aria_snapshot()
    announced = re.findall(r'button "(.*)"', listed)
    shown.locator("#map .item[tabindex='0']").focus()
    found = []
    for _ in announced:
        found.append(shown.evaluate("document.activeElement.getAttribute('aria-label')"))
        shown.keyboard.press("ArrowRight")
    assert found == announced
    assert found[0].startswith("mlp_out.L0")
    assert any("L2H0 looks from final at feeling=pain: holds" in each for each in found)
    shown.keyboard.press("Home")
    assert shown.evaluate("document.activeElement.getAttribute('aria-label')") == announced[0]
    assert shown.locator("#map .item[tabindex='0']").count() == 1


def test_the_old_place_is_hollow_and_an_arrow_leads_to_the_new(opened: Opener) -> None:
    comparison = moved("L1H1", "L1H3")
    shown = opened([patched("L1H3", comparison=comparison)])
    assert shown.locator("#map .node.hollow").count() == 1
    assert node(shown, "L1H3").locator(".badge").text_content() == "→"
    assert shown.locator("#map .arrow.by-moved").count() == 1
    assert "was here before" in shown.locator("#map .legend").inner_text()


def test_it_is_kept_as_svg_and_as_png(opened: Opener) -> None:
    shown = opened(few())
    with shown.expect_download() as started:
        shown.get_by_role("button", name="Download the map as SVG").click()
    text = Path(started.value.path()).read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "paint-order: stroke" in text
    assert "var(" not in text
    assert "L1H3" in text
    with shown.expect_download() as started:
        shown.get_by_role("button", name="Download the map as PNG").click()
    assert Path(started.value.path()).read_bytes().startswith(b"\x89PNG")


def test_another_picture_is_chosen_by_its_name(opened: Opener) -> None:
    shown = opened([*few(), patched("L0H1", on="words")])
    assert "feeling in game" in shown.locator("#map h2").inner_text()
    shown.get_by_label("Picture").select_option("feeling in words")
    assert shown.locator("#map .item").count() == 1


@pytest.mark.parametrize("width", [1280, 800, 420])
def test_a_crowd_fits_the_window_and_its_names_do_not_touch(opened: Opener, width: int) -> None:
    shown = opened(crowd())
    shown.set_viewport_size({"width": width, "height": 900})
    assert shown.locator("#map .item.node").count() == 60
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    boxes = shown.evaluate(
        "[...document.querySelectorAll('#map .node .name')].map(each => {"
        "const {x, y, width, height} = each.getBoundingClientRect();"
        "return [x, y, width, height]})"
    )
    touching = [
        (one, other)
        for n, one in enumerate(boxes)
        for other in boxes[:n]
        if abs(one[0] + one[2] / 2 - other[0] - other[2] / 2) < (one[2] + other[2]) / 2
        and abs(one[1] + one[3] / 2 - other[1] - other[3] / 2) < (one[3] + other[3]) / 2
    ]
    assert touching == []


def test_the_printed_map_is_whole(opened: Opener) -> None:
    shown = opened(crowd())
    shown.emulate_media(media="print")
    shown.set_viewport_size({"width": 700, "height": 900})
    box = shown.locator("#map svg.map").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 700
    assert shown.locator("#map .tools").is_hidden()
