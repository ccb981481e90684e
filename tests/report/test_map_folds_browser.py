"""The map of a deep model in a real Chromium: layers in which nothing stands are folded."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ppcheck.audit.columns import column, rows
from ppcheck.judge.compare import Change
from ppcheck.report.html import run_page
from ppcheck.report.matrix import matrix_page
from tests.report.audits import audit, checkpoints
from tests.report.mapped import deep, few_layers
from tests.report.runs import difference, run

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow
Opener = Callable[[], "Page"]
FOLDED = ["▸ L2–L11", "▸ L13–L19", "▸ L22–L26"]


@pytest.fixture
def opened(watched: Page, tmp_path: Path) -> Opener:
    """Opens the page of a deep model."""

    def open_page() -> Page:
        file = tmp_path / "index.html"
        claims = deep(comparison=difference(Change.REGRESSED))
        file.write_text(run_page(run(claims)), encoding="utf-8")
        watched.goto(file.as_uri())
        return watched

    return open_page


def names(shown: Page) -> list[str]:
    """The layers that are folded, from the lowest up."""
    found = shown.locator("#map .folded").all_text_contents()
    return [name for name in found if name != "▾"]


def layers(shown: Page) -> list[str]:
    return shown.locator("#map .layer").all_text_contents()


def fold(shown: Page, number: int) -> Locator:
    return shown.locator("#map .fold").nth(number)


def height(shown: Page) -> float:
    box = shown.locator("#map svg.map").bounding_box()
    assert box is not None
    return box["height"]


def test_a_map_of_thirty_blocks_is_as_high_as_its_components(opened: Opener) -> None:
    shown = opened()
    assert names(shown) == FOLDED
    assert height(shown) < 600
    assert "▸ stands for layers without a component" in shown.locator("#map .legend").inner_text()


def test_a_click_unfolds_layers_and_another_folds_them(opened: Opener) -> None:
    shown = opened()
    before = height(shown)
    assert "L15" not in layers(shown)
    fold(shown, 1).click(position={"x": 100, "y": 9})
    assert names(shown) == [FOLDED[0], FOLDED[2]]
    assert {f"L{layer}" for layer in range(13, 20)} < set(layers(shown))
    assert height(shown) > before
    fold(shown, 1).click(position={"x": 100, "y": 9})
    assert names(shown) == FOLDED
    assert height(shown) == before


def test_pointing_at_folded_layers_names_them_and_nothing_fades(opened: Opener) -> None:
    shown = opened()
    fold(shown, 0).hover(position={"x": 100, "y": 9})
    note = shown.locator("#map .note").inner_text()
    assert "L2–L11, 10 layers without a component of any claim" in note
    assert "folded; click to unfold" in note
    assert shown.locator("#map .stage.asked").count() == 0


def test_keys_find_folded_layers_last_and_enter_unfolds_them(opened: Opener) -> None:
    shown = opened()
    listed = shown.locator("#map svg.map").aria_snapshot()
    announced = re.findall(r'button "([^"]*)"', listed)
    assert [each.partition(",")[0] for each in announced[-3:]] == [name[2:] for name in FOLDED]
    shown.locator("#map .item[tabindex='0']").focus()
    shown.keyboard.press("End")
    focused = "document.activeElement.getAttribute('{}')"
    assert shown.evaluate(focused.format("aria-label")) == announced[-1]
    assert shown.evaluate(focused.format("aria-expanded")) == "false"
    shown.keyboard.press("Enter")
    assert names(shown) == FOLDED[:2]
    assert shown.evaluate(focused.format("aria-expanded")) == "true"
    assert shown.evaluate(focused.format("aria-label")).startswith("L22–L26")
    shown.keyboard.press("Home")
    assert shown.evaluate(focused.format("aria-label")).startswith("mlp_out.L1")


def test_each_folded_layer_keeps_its_share_of_the_stream(opened: Opener) -> None:
    shown = opened()
    strips = shown.locator("#map .heat rect").count()
    assert strips == 30 + 29  # nothing is at the final token in the first layer
    fold(shown, 1).click(position={"x": 100, "y": 9})
    assert shown.locator("#map .heat rect").count() == strips


def test_in_print_and_in_files_layers_stay_folded(opened: Opener) -> None:
    shown = opened()
    fold(shown, 1).click(position={"x": 100, "y": 9})
    with shown.expect_download() as started:
        shown.get_by_role("button", name="Download the map as SVG").click()
    text = Path(started.value.path()).read_text(encoding="utf-8")
    assert all(name in text for name in FOLDED)
    assert names(shown) != FOLDED
    shown.emulate_media(media="print")
    shown.wait_for_function("document.querySelectorAll('#map .folded').length === 3")
    assert names(shown) == FOLDED
    shown.emulate_media(media="screen")
    shown.wait_for_function("!document.querySelector('#map svg').textContent.includes('L13–L19')")


def test_at_every_checkpoint_the_layers_are_folded_that_are_empty_at_all(
    watched: Page, tmp_path: Path
) -> None:
    runs = [few_layers("L4H1"), few_layers("L12H1")]
    found = rows([column(run(claims)) for claims in runs])
    record = audit([row.claim for row in found], checkpoints(2))
    file = tmp_path / "index.html"
    file.write_text(matrix_page(record, [row.outlines for row in found]), encoding="utf-8")
    watched.goto(file.as_uri())
    assert names(watched) == ["▸ L0–L3", "▸ L5–L11", "▸ L13–L19"]
    fold(watched, 1).click(position={"x": 100, "y": 9})
    watched.get_by_role("slider", name="Checkpoint").focus()
    watched.keyboard.press("ArrowLeft")
    assert names(watched) == ["▸ L0–L3", "▸ L13–L19"]
    assert watched.locator("#map .node .name").all_text_contents() == ["L4H1", "L20H2"]
