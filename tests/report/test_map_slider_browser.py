"""The map of an audit in a real Chromium: a slider leads it from checkpoint to checkpoint."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ppcheck.audit.columns import column, rows
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import ClaimRecord
from ppcheck.report.matrix import matrix_page
from tests.report.audits import audit, checkpoints
from tests.report.mapped import attending, crowd, flow, patched, path, role
from tests.report.runs import run, statistic

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow
Opener = Callable[..., "Page"]


@pytest.fixture
def opened(watched: Page, tmp_path: Path) -> Opener:
    """Opens the page of an audit, given the claims of each checkpoint."""

    def open_page(*runs: list[ClaimRecord]) -> Page:
        found = rows([column(run(claims)) if claims else None for claims in runs])
        record = audit([row.claim for row in found], checkpoints(len(runs)))
        file = tmp_path / "index.html"
        file.write_text(matrix_page(record, [row.outlines for row in found]), encoding="utf-8")
        watched.goto(file.as_uri())
        return watched

    return open_page


def young() -> list[ClaimRecord]:
    """Nobody plays the role yet."""
    nobody = {"players": [], "played_by": "L1H1"}
    return [
        role("L1H1", id="mover", facts=nobody, verdict=Verdict.FAILS),
        patched("mlp_out.L0", at="feeling", id="first-mlp", verdict=Verdict.FAILS),
        attending("L2H0", "final", "feeling=pain", id="looks", verdict=Verdict.FAILS),
    ]


def grown(player: str, looks: Verdict = Verdict.HOLDS) -> list[ClaimRecord]:
    expected = None if player == "L1H1" else "L1H1"
    first = statistic(estimate=0.8 if player == "L1H1" else 0.6)
    return [
        role(player, expected, id="mover"),
        patched("mlp_out.L0", at="feeling", id="first-mlp", statistics={"recovery": first}),
        path(f"mlp_out.L0 → {player}", position="feeling", id="tells"),
        attending("L2H0", "final", "feeling=pain", id="looks", verdict=looks),
        flow(),
    ]


def three(opened: Opener) -> Page:
    return opened(young(), grown("L1H1"), grown("L1H3", looks=Verdict.FAILS))


def slider(shown: Page) -> Locator:
    return shown.get_by_role("slider", name="Checkpoint")


def names(shown: Page) -> list[str]:
    return shown.locator("#map .node .name").all_text_contents()


def node(shown: Page, name: str) -> Locator:
    return shown.locator("#map .item.node", has=shown.locator(f"text='{name}'"))


def place(shown: Page, name: str) -> str | None:
    return node(shown, name).locator("xpath=..").get_attribute("transform")


def state(shown: Page, name: str) -> str | None:
    return node(shown, name).get_attribute("data-state")


def test_it_opens_at_the_last_checkpoint_and_names_it(opened: Opener) -> None:
    shown = three(opened)
    assert shown.locator("#map h2").inner_text() == "The map: feeling in game at step2"
    assert slider(shown).get_attribute("aria-valuetext") == "step2"
    assert shown.locator("#map output").inner_text() == "step2"
    assert state(shown, "L1H3") == "moved"
    assert state(shown, "L2H0") == "fails"


def test_keys_lead_from_checkpoint_to_checkpoint_and_nothing_changes_its_place(
    opened: Opener,
) -> None:
    shown = three(opened)
    places = {name: place(shown, name) for name in ("mlp L0", "L2H0")}
    slider(shown).focus()
    shown.keyboard.press("ArrowLeft")
    assert slider(shown).get_attribute("aria-valuetext") == "step1"
    assert state(shown, "L1H1") == "holds"
    assert state(shown, "L2H0") == "holds"
    assert "L1H3" not in names(shown)
    shown.keyboard.press("Home")
    assert shown.locator("#map h2").inner_text().endswith("at step0")
    assert state(shown, "mlp L0") == "fails"
    assert {name: place(shown, name) for name in places} == places
    shown.keyboard.press("End")
    assert shown.locator("#map output").inner_text() == "step2"
    assert shown.evaluate("document.activeElement.id") == "checkpoint"


def test_the_mouse_draws_it_to_the_first_checkpoint(opened: Opener) -> None:
    shown = three(opened)
    box = slider(shown).bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    shown.mouse.move(box["x"] + box["width"] - 6, middle)
    shown.mouse.down()
    shown.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    assert shown.locator("#map output").inner_text() == "step1"
    shown.mouse.move(box["x"], middle, steps=4)
    shown.mouse.up()
    assert shown.locator("#map output").inner_text() == "step0"
    assert state(shown, "mlp L0") == "fails"


def test_what_moved_since_the_checkpoint_chosen_leaves_its_old_place_hollow(
    opened: Opener,
) -> None:
    shown = three(opened)
    assert shown.locator("#map .node.hollow").count() == 0
    shown.get_by_label("What moved since").select_option("step1")
    assert shown.locator("#map .node.hollow .name").all_text_contents() == ["L1H1"]
    assert shown.locator("#map .arrow.by-moved").count() == 1
    assert node(shown, "L1H3").locator(".badge").text_content() == "→"
    assert node(shown, "L2H0").locator(".badge").text_content() == "↘"
    legend = shown.locator("#map .legend").inner_text()
    assert "hollow: was here before" in legend
    assert "stops holding" in legend
    slider(shown).focus()
    shown.keyboard.press("ArrowLeft")
    assert shown.locator("#map .hollow, #map .by-moved, #map .badge").count() == 0
    shown.get_by_label("What moved since").select_option("step2")
    assert shown.locator("#map .node.hollow .name").all_text_contents() == ["L1H3"]


def test_what_is_pointed_at_has_the_figure_of_its_checkpoint_and_what_it_was(
    opened: Opener,
) -> None:
    shown = three(opened)
    shown.get_by_label("What moved since").select_option("step1")
    node(shown, "mlp L0").hover()
    note = shown.locator("#map .note")
    assert "first-mlp: recovery 0.6 [0.35, ∞]" in note.inner_text()
    node(shown, "L2H0").hover()
    assert "holds at step1" in note.inner_text()
    slider(shown).focus()
    shown.keyboard.press("ArrowLeft")
    node(shown, "mlp L0").hover()
    assert "first-mlp: recovery 0.8 [0.35, ∞]" in note.inner_text()


def test_a_click_unfolds_the_claim_in_the_matrix(opened: Opener) -> None:
    shown = three(opened)
    node(shown, "L2H0").click()
    assert shown.locator("tr.details").count() == 1
    assert shown.evaluate("document.activeElement.textContent") == "looks"


def test_the_list_that_is_read_out_is_that_of_the_checkpoint(opened: Opener) -> None:
    shown = three(opened)
    shown.get_by_label("What moved since").select_option("step1")
    listed = shown.locator("#map svg.map").aria_snapshot()
    assert "feeling in game at step2: 4 components, 4 arrows" in listed
    assert re.search(r'button "L1H1.*was here before.*mover: strength', listed)
    assert "moved from L1H1 to L1H3" in listed
    slider(shown).focus()
    shown.keyboard.press("ArrowLeft")
    listed = shown.locator("#map svg.map").aria_snapshot()
    assert "feeling in game at step1: 3 components, 3 arrows" in listed
    assert "L1H3" not in listed
    assert "L2H0 looks from final at feeling=pain: holds" in listed


def test_a_checkpoint_that_was_not_measured_is_passed_over(opened: Opener) -> None:
    shown = opened(grown("L1H1"), [], grown("L1H3"))
    assert slider(shown).get_attribute("max") == "1"
    slider(shown).focus()
    shown.keyboard.press("ArrowLeft")
    assert slider(shown).get_attribute("aria-valuetext") == "step0"


def test_of_one_checkpoint_the_map_needs_no_slider(opened: Opener) -> None:
    shown = opened(grown("L1H1"))
    assert shown.locator("#map svg.map").is_visible()
    assert slider(shown).count() == 0


def test_an_audit_about_no_component_has_no_map(opened: Opener) -> None:
    shown = opened([flow()], [flow()])
    assert shown.locator("#map").is_hidden()


def test_in_a_narrow_window_slider_and_map_fit_and_stay_where_they_were_scrolled(
    opened: Opener,
) -> None:
    shown = three(opened)
    shown.set_viewport_size({"width": 420, "height": 900})
    assert shown.evaluate("document.documentElement.scrollWidth") <= 420
    box = slider(shown).bounding_box()
    assert box is not None
    assert box["width"] >= 80
    title = shown.locator("#map h2").bounding_box()
    assert title is not None
    assert title["height"] < 30
    top = shown.locator("#map .stage").bounding_box()
    slider(shown).focus()
    shown.keyboard.press("Home")
    assert shown.locator("#map .stage").bounding_box() == top


def test_dark_colours_follow_the_slider_too(opened: Opener) -> None:
    shown = three(opened)
    fill = "node => getComputedStyle(node.querySelector('.shape')).fill"
    light = node(shown, "L2H0").evaluate(fill)
    shown.emulate_media(color_scheme="dark")
    dark = node(shown, "L2H0").evaluate(fill)
    assert dark != light
    slider(shown).focus()
    shown.keyboard.press("ArrowLeft")
    assert node(shown, "L2H0").evaluate(fill) not in (dark, light)


def test_the_printed_map_is_whole_and_says_of_which_checkpoint_it_is(opened: Opener) -> None:
    shown = opened(crowd(), crowd())
    shown.emulate_media(media="print")
    shown.set_viewport_size({"width": 700, "height": 900})
    box = shown.locator("#map svg.map").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 700
    assert slider(shown).is_hidden()
    assert shown.locator("#map h2").inner_text().endswith("at step1")


def test_a_hundred_and_fifty_checkpoints_of_sixty_components_stay_small_and_quick(
    opened: Opener,
) -> None:
    shown = opened(*[crowd()] * 150)
    assert len(Path(shown.url.removeprefix("file://")).read_bytes()) < 6_000_000
    slider(shown).focus()
    shown.keyboard.press("Home")
    assert shown.locator("#map .item.node").count() == 60
