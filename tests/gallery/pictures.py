"""The pictures of the documents: which part of which page, and what is done to the page first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.report.browsing import unfolded

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass(frozen=True)
class Picture:
    """A part of a page: the first element of a selector, or the window where there is none."""

    name: str
    page: str
    part: str = ""
    size: tuple[int, int] = (1200, 1080)
    is_dark: bool = False
    before: Callable[[Page], object] = lambda _: None
    """What a reader does first."""


TO_ITS_TOP = "part => part.scrollIntoView()"


def show_feelings(shown: Page) -> None:
    shown.get_by_label("Picture").select_option("feeling in game")


def unfold_a_role(shown: Page) -> None:
    unfolded(shown, "pain-mover").evaluate(TO_ITS_TOP)


def show_roles(shown: Page) -> None:
    shown.get_by_label("All specs").select_option("specs/demo/roles.pp.yaml")
    unfolded(shown, "intensity-reader")
    shown.locator("#claims").evaluate(TO_ITS_TOP)


def slide_to_rewired(shown: Page) -> None:
    shown.locator("#checkpoint").fill("3")
    shown.locator("#since").select_option("demo")


def slide_to_weighs(shown: Page) -> None:
    shown.locator("#checkpoint").fill("6")
    shown.locator("#map").evaluate(TO_ITS_TOP)


PICTURES = (
    Picture("run", "run"),
    Picture("report", "gate"),
    Picture("map", "moves", "#map", before=show_feelings),
    Picture("claim", "gate", before=unfold_a_role),
    Picture("narrow", "moves", "#map", size=(420, 900), is_dark=True, before=show_feelings),
    Picture("audit", "audit", size=(1280, 1180), before=show_roles),
    Picture("audit-map", "audit", "#map", before=slide_to_rewired),
    Picture("discover", "discover", "#map"),
    Picture("smollm2", "real", size=(1200, 860)),
    # `make real` writes this page.
    Picture("study", "../study/audit", size=(1180, 1330), before=slide_to_weighs),
)
