"""`make gallery`: make the pages of the gallery, and take the pictures of `docs/images` again.

`python -m tests.gallery.take [RECORD]`: RECORD is what the gate of docs/tutorial.md wrote; without
it the picture of the real model stays as it is. `--pictures` takes pages as they are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.gallery.pages import FOLDER, ROOT, make_pages
from tests.gallery.pictures import PICTURES, Picture
from tests.report.browsing import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGES = ROOT / "docs" / "images"
LARGEST = 200_000


def take(browser: Browser, picture: Picture) -> None:
    """Write the picture, if its page is there."""
    page = FOLDER / picture.page / "index.html"
    if not page.is_file():
        print(f"{picture.name}: not taken, {page} is missing")  # noqa: T201
        return
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if picture.is_dark else "light",
    )
    shown = context.new_page()
    shown.goto(page.as_uri())
    picture.before(shown)
    shown.mouse.move(0, 0)
    file = IMAGES / f"{picture.name}.png"
    taken = shown.locator(picture.part).first if picture.part else shown
    taken.screenshot(path=file, animations="disabled")
    context.close()
    if file.stat().st_size > LARGEST:
        sys.exit(f"{file} has {file.stat().st_size:,} bytes: show less of the page")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.gallery.take")
    parser.add_argument("record", nargs="?", type=Path, metavar="RECORD")
    parser.add_argument("--pictures", action="store_true", help="take pages as they are")
    options = parser.parse_args()
    if not options.pictures:
        make_pages(options.record)
    with chromium() as browser:
        if browser is None:
            sys.exit("needs Chromium on the path: apt-get install chromium")
        for picture in PICTURES:
            take(browser, picture)


if __name__ == "__main__":
    main()
