"""What a reader does with a page, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


@contextmanager
def chromium() -> Iterator[Browser | None]:
    """Debian's Chromium, or another one on the path; None where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
    if found is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def unfolded(shown: Page, name: str) -> Locator:
    """The claim's details, all its plots drawn."""
    button = shown.get_by_role("button", name=name, exact=True)
    button.click()
    details = shown.locator(f"#{button.get_attribute('aria-controls')}")
    for plot in details.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
    return details
