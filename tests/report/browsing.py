"""What a reader does with a page, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def unfolded(shown: Page, name: str) -> Locator:
    """The claim's details, all its plots drawn."""
    button = shown.get_by_role("button", name=name, exact=True)
    button.click()
    details = shown.locator(f"#{button.get_attribute('aria-controls')}")
    for plot in details.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
    return details
