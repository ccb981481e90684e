"""The page of an audit in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ppcheck.record.audit import AuditRecord
from ppcheck.report.matrix import matrix_page
from tests.report.audits import audit, checkpoints, claim, falling, missing
from tests.report.browsing import unfolded
from tests.report.runs import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
Opener = Callable[[AuditRecord], "Page"]


@pytest.fixture
def opened(watched: Page, tmp_path: Path) -> Opener:
    """Opens the page of an audit."""

    def open_page(record: AuditRecord) -> Page:
        file = tmp_path / "index.html"
        file.write_text(matrix_page(record), encoding="utf-8")
        watched.goto(file.as_uri())
        return watched

    return open_page


def some() -> AuditRecord:
    mover = claim("hhm.", [["L1H1"], ["L1H1"], ["L1H3"], None], id="mover")
    known = [*checkpoints(3), missing("demo@gone", "there is no such revision")]
    claims = [mover, claim("hff.", id="stops"), claim("ffh.", id="starts", spec="specs/b.pp.yaml")]
    return audit(claims, known)


def test_the_address_leads_to_a_claim_past_a_filter(opened: Opener) -> None:
    shown = opened(some())
    stops = shown.get_by_role("button", name="stops", exact=True)
    shown.get_by_role("searchbox").fill("mover")
    stops.wait_for(state="detached")
    shown.evaluate("location.hash = encodeURIComponent('specs/a.pp.yaml::stops')")
    shown.locator("tr.details").wait_for()
    assert stops.get_attribute("aria-expanded") == "true"


def test_a_matrix_of_marks_with_from_where_to_where_each_claim_holds(opened: Opener) -> None:
    shown = opened(some())
    assert shown.locator("h1").inner_text() == "1 of 3 claims hold at every checkpoint"
    assert "demo@gone is missing: there is no such revision" in shown.locator("main").inner_text()
    assert shown.locator("tr.group").all_inner_texts() == ["specs/a.pp.yaml", "specs/b.pp.yaml"]
    rows = shown.locator("tr.claim").all()
    cells = [row.locator("td.cell").all_inner_texts() for row in rows]
    assert [[text.split("\n")[0] for text in row] for row in cells] == [
        *(["✓", "✓", "→", "·"], ["✓", "✗", "✗", "·"], ["✗", "✗", "✓", "·"]),
    ]
    assert cells[0] == ["✓\n0.5", "✓\n0.534", "→\n0.536", "·"]
    first = shown.locator("tr.claim").first
    assert "L1H1 → L1H3 at step2" in first.inner_text()
    assert first.locator("td.cell").nth(2).get_attribute("aria-label") == "moved at step2"
    first.locator("td.cell").nth(2).hover()
    title = first.locator("td.cell").nth(2).get_attribute("title")
    assert title == "moved at step2: recovery[L1H1] 0.536 [0.436, ∞]"


@pytest.mark.trust
def test_a_figure_that_fell_stands_in_its_cell_and_in_the_sentence(opened: Opener) -> None:
    shown = opened(audit([falling(0.9, 0.56, id="mover"), falling(0.9, 0.9, id="steady")]))
    expected = "All 2 claims hold at every checkpoint, but figures of 1 claim fell"
    assert shown.locator("h1").inner_text() == expected
    assert shown.locator(".seal").inner_text() == "▼"
    mover = shown.locator("tr.claim").first
    assert mover.locator("td.cell").all_inner_texts() == ["✓\n0.9", "▼\n0.56"]
    assert "recovery 0.9 → 0.56 (-38 %) at step1" in mover.inner_text()
    shown.get_by_role("button", name="fell while holding").click()
    assert shown.locator("tr.claim").count() == 1
    assert "recovery 0.9 → 0.56 (-38 %)" in unfolded(shown, "mover").inner_text()


def test_a_claim_unfolds_to_its_curves_and_who_plays_at_each_checkpoint(opened: Opener) -> None:
    shown = opened(some())
    assert shown.locator(".main-svg").count() == 0
    details = unfolded(shown, "mover")
    assert "First holds at step0, last at step2" in details.inner_text()
    assert details.locator(".plot .main-svg").count() > 0
    steps = [row.inner_text() for row in details.locator(".long tbody tr").all()]
    assert [("L1H1" in step, "L1H3" in step) for step in steps] == [
        *((True, False), (True, False), (False, True), (False, False)),
    ]
    assert "not measured" in steps[3]
    shown.get_by_role("button", name="mover", exact=True).click()
    assert details.count() == 0


def test_checkpoints_link_to_their_files_and_to_the_claim_in_their_page(opened: Opener) -> None:
    shown = opened(some())
    links = shown.locator("#checkpoints a")
    targets = [link.get_attribute("href") for link in links.all()]
    assert targets[:3] == [
        f"checkpoints/demo%40step0.{ending}" for ending in ("json", "html", "log")
    ]
    assert targets[-1] == "checkpoints/gone.log"
    inside = unfolded(shown, "mover").locator("a")
    assert inside.first.get_attribute("href") == (
        "checkpoints/demo%40step0.html#specs%2Fa.pp.yaml%3A%3Amover"
    )


def test_filters_by_how_claims_fare_and_by_text(opened: Opener) -> None:
    shown = opened(some())
    rows = shown.locator("tr.claim")
    shown.get_by_role("button", name="stops holding").click()
    assert rows.all_inner_texts()[0].startswith("stops")
    assert shown.locator("#shown").inner_text() == "1 of 3 claims"
    shown.get_by_role("button", name="stops holding").click()
    shown.get_by_role("button", name="to another component").click()
    assert rows.count() == 1
    shown.get_by_role("button", name="to another component").click()
    shown.get_by_label("Search claims").fill("L1H3")
    assert rows.count() == 1
    shown.get_by_label("Search claims").fill("")
    shown.get_by_label("All specs").select_option("specs/b.pp.yaml")
    assert rows.count() == 1


def test_works_by_keyboard_alone(opened: Opener) -> None:
    shown = opened(some())
    keyboard = shown.keyboard
    keyboard.press("/")
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    assert shown.evaluate("document.activeElement.textContent") == "stops"
    keyboard.press("Enter")
    assert shown.locator("tr.details").count() == 1
    keyboard.press("Tab")
    keyboard.press("Escape")
    assert shown.locator("tr.details").count() == 0
    assert shown.evaluate("document.activeElement.textContent") == "stops"


def test_two_hundred_claims_by_a_hundred_and_fifty_checkpoints_are_there_at_once(
    opened: Opener,
) -> None:
    claims = [
        claim("f" * (n % 150) + "h" * (150 - n % 150), [["L1H1"]] * 150, id=f"claim-{n}", line=n)
        for n in range(200)
    ]
    shown = opened(audit(claims))
    assert shown.locator("tr.claim").count() <= 120
    assert shown.evaluate("document.querySelectorAll('body *:not(script)').length") < 20_000
    assert len((Path(shown.url.removeprefix("file://"))).read_bytes()) < 6_000_000
    unfolded(shown, "claim-7")
    shown.get_by_label("Search claims").fill("claim-199")
    assert shown.locator("tr.claim").count() == 1


def test_light_and_dark_by_preference_and_by_hand(opened: Opener) -> None:
    shown = opened(some())
    background = "getComputedStyle(document.body).backgroundColor"
    light = shown.evaluate(background)
    unfolded(shown, "mover")
    shown.get_by_role("button", name="Dark").click()
    assert shown.evaluate(background) != light
    shown.get_by_role("button", name="Light").click()
    assert shown.evaluate(background) == light


def test_hostile_texts_are_shown_as_text(opened: Opener) -> None:
    claims = [
        claim(
            "hm",
            [[text], ["L1H3"]],
            id=text,
            says=text,
            spec=text,
            check=text,
            line=n,
            bounds={"recovery": ">= 0.3", text: ">= 0"},
        )
        for n, text in enumerate(HOSTILE)
    ]
    known = [
        each.model_copy(update={"label": text, "reason": text})
        for each, text in zip(checkpoints(2), HOSTILE, strict=False)
    ]
    shown = opened(audit(claims, known))
    for button in shown.locator(".unfold").all():
        button.click()
    for plot in shown.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
    assert shown.locator(".unfold", has_text=HOSTILE[0]).count() == 1
    assert shown.locator("main img, main script").count() == 0
    for link in shown.locator("main a[href]").all():
        assert (link.get_attribute("href") or "").startswith("checkpoints/")


def test_a_narrow_window_needs_no_sideways_scrolling(opened: Opener) -> None:
    shown = opened(some())
    shown.set_viewport_size({"width": 400, "height": 800})
    unfolded(shown, "mover")
    assert shown.evaluate("document.documentElement.scrollWidth") <= 400


def test_prints_every_claim(opened: Opener) -> None:
    shown = opened(audit([claim("hf", id=f"claim-{n}", line=n) for n in range(150)]))
    shown.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert shown.locator("tr.claim").count() == 150
