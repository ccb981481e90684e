"""Grids of the rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ppcheck.errors import SpecError
from ppcheck.spec.prompts.selection import Selection
from tests.spec.prompts.grids import grid, texts


def test_rows_are_prompts_and_units(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,other\nAda,Bo\nCy,Di\n")
    found = grid(
        tmp_path, template="{name} {x}", rows="a.csv", vary={"x": {"p": ["1"], "q": ["2"]}}
    )
    assert texts(found.prompts) == ["Ada 1", "Ada 2", "Cy 1", "Cy 2"]
    assert [prompt.unit for prompt in found.prompts] == ["row=1", "row=1", "row=2", "row=2"]
    assert texts(found.select(Selection.parse("game[other=Di]"))) == ["Cy 1", "Cy 2"]


def test_a_column_can_take_the_place_of_another(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,other\nAda,Bo\nCy,Di\n")
    found = grid(tmp_path, template="{name} left", rows="a.csv", pairs={"name": "other"})
    pairs = found.pairs(Selection("game"))
    assert [pair.corrupted.text for pair in pairs] == ["Bo left", "Di left"]
    assert [pair.corrupted.unit for pair in pairs] == ["row=1", "row=2"]


TABLE = "x0,x1,x2,kind\n5,17,5,same\n5,17,8,other\n"


def test_equal_columns_are_one_variable_beside_each_by_itself(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    fields = {"rows": "a.csv", "columns": "x{0..2}", "choices": {"last": "{x2}"}}
    found = grid(tmp_path, ids=[3, "{x}"], **fields)
    assert texts(found.prompts) == ["3 5 17 5", "3 5 17 8"]
    assert [prompt.turns[0].pieces[1].ids for prompt in found.prompts] == [(5, 17, 5), (5, 17, 8)]
    assert found.prompts[1].choices == {"last": ("8",)}
    assert len(found.select(Selection.parse("game[kind=same]"))) == 1
    assert len(found.select(Selection.parse("game[x2=8]"))) == 1
    assert texts(grid(tmp_path, template="{x} so", **fields).prompts) == ["5 17 5 so", "5 17 8 so"]
    part = grid(tmp_path, template="{x}", rows="a.csv", columns="x{1..2}")
    assert texts(part.prompts) == ["17 5", "17 8"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": "x{0..3}"}, "a.csv has no column 'x3': there is row, x0, x1"),
        ({"columns": "kin{0..1}"}, "a.csv has no column 'kin0': did you mean 'kind'?"),
        ({"columns": "x{2..0}"}, "x{2..0} ends before it starts"),
        ({"columns": "x0..2"}, "'x0..2' names no columns: write x{0..21} for x0 to x21"),
        ({"columns": 3}, "expected columns such as x{0..21}, got 3"),
        ({"columns": "x{0..2}", "rows": None, "vary": {"x": ["5"]}}, "name it under `rows`"),
        ({"columns": "x{0..2}", "vary": {"x": ["5"]}}, "'x' is a column of a.csv too"),
        ({"columns": "x{0..1}", "rows": "b.csv"}, "b.csv has a column 'x' beside 'x0': rename one"),
    ],
)
def test_columns_that_are_not_there_are_named(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "b.csv").write_text("x,x0,x1\n5,5,5\n")
    with pytest.raises((SpecError, ValueError)) as raised:
        _ = grid(tmp_path, **{"template": "{x}", "rows": "a.csv", **fields}).prompts
    assert message in str(raised.value)


def test_rows_times_words_have_the_limit_of_a_grid(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n" + "\n".join(f"r{number}" for number in range(15_000)))
    words = [f"w{number}" for number in range(15_000)]
    found = grid(tmp_path, template="{x}{y}", rows="a.csv", vary={"y": words})
    with pytest.raises(SpecError, match="225,000,000 prompts and may have 20,000"):
        assert found.prompts


def test_the_labels_of_a_variable_are_its_classes_and_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,x.class\nache,pain\nglee,joy\nglum,pain\n")
    found = grid(tmp_path, template="{x} {y}", rows="a.csv", vary={"y": ["u", "v"]}, sample=1)
    assert found.labels("x") == ("pain", "joy", "ache", "glee", "glum")
    assert found.labels("y") == ("u", "v")
    assert found.labels("z") is None
    assert found.names == ("row", "x", "y")


@pytest.mark.trust
def test_a_row_without_an_answer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\nAda,she\nBo,\n")
    found = grid(tmp_path, template="{x} said that", rows="a.csv", choices={"right": "{y}"})
    with pytest.raises(SpecError, match="the answer 'right' is empty in row 2"):
        assert found.prompts
