from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.report.browsing import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        if found is None:
            pytest.skip("needs Chromium on the path: apt-get install chromium")
        yield found


@pytest.fixture
def watched(browser: Browser) -> Iterator[Page]:
    """A window; at the end nothing must have gone wrong in it, and nothing asked of the network."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    found = context.new_page()
    found.set_default_timeout(8000)
    troubles: list[str] = []
    found.on("console", lambda message: troubles.append(message.text))
    found.on("pageerror", lambda error: troubles.append(str(error)))
    found.on("dialog", lambda dialog: troubles.append(f"a dialog: {dialog.message}"))
    found.on("request", lambda request: troubles.extend(_outside(request.url)))
    yield found
    context.close()
    assert not troubles


def _outside(url: str) -> list[str]:
    return [] if url.startswith(("file:", "data:", "blob:")) else [f"a request: {url}"]
