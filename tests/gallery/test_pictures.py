"""The pictures of the documents: all can be taken again, all are shown, and none is large."""

from __future__ import annotations

import re

import pytest

from tests.gallery.pictures import PICTURES, Picture
from tests.gallery.take import IMAGES, LARGEST

DOCS = IMAGES.parent
GALLERY = (DOCS / "gallery.md").read_text(encoding="utf-8")
NAMES = {picture.name for picture in PICTURES}


def test_every_picture_in_the_documents_can_be_taken_again() -> None:
    assert {file.stem for file in IMAGES.iterdir()} == NAMES
    shown = {
        name
        for page in DOCS.glob("**/*.md")
        for name in re.findall(
            r"!\[[^]]*\]\(images/([\w-]+)\.png\)", page.read_text(encoding="utf-8")
        )
    }
    assert shown == NAMES


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_the_gallery_shows_it_with_an_alternative_text(picture: Picture) -> None:
    (words,) = re.findall(rf"!\[([^]]+)\]\(images/{picture.name}\.png\)", GALLERY)
    assert len(words) > 20


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_it_loads_quickly(picture: Picture) -> None:
    assert (IMAGES / f"{picture.name}.png").stat().st_size <= LARGEST
