from __future__ import annotations

import os
from pathlib import Path

import pytest

from ppcheck.errors import SpecError
from ppcheck.spec.prompts.rows import MAX_BYTES, read_rows, resolve_inside
from ppcheck.spec.prompts.variable import Word


def rows(folder: Path, name: str, content: str | bytes) -> list[dict[str, Word]]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_rows(path)


def texts(found: list[dict[str, Word]]) -> list[list[str]]:
    return [[word.text for word in row.values()] for row in found]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'name,said\nAda,"hi, you"\nBo,1.50\n'),
        ("a.csv", '\ufeffname,said\r\nAda,"hi, you"\r\n\r\nBo,1.50'),
        ("a.jsonl", '{"name": "Ada", "said": "hi, you"}\n\n{"name": "Bo", "said": 1.50}\n'),
    ],
)
def test_each_row_is_its_words_and_its_number(tmp_path: Path, name: str, content: str) -> None:
    found = rows(tmp_path, name, content)
    assert list(found[0]) == ["row", "name", "said"]
    assert texts(found) == [["1", "Ada", "hi, you"], ["2", "Bo", "1.50"]]


def test_columns_give_classes_and_doses(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, "a.csv", "x,x.class,x.dose,y\nache,pain,2.5,tea\n")
    assert row["x"] == Word("ache", "pain", 0, 2.5)
    assert row["y"] == Word("tea", "tea")


def test_an_empty_dose_is_none(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv", "x,x.dose\nache,\n")[0]["x"].dose is None


def test_a_cell_may_have_several_lines(tmp_path: Path) -> None:
    assert texts(rows(tmp_path, "a.csv", 'x,y\n"a\nb",c\n')) == [["1", "a\nb", "c"]]


def test_only_line_ends_end_a_line_of_json(tmp_path: Path) -> None:
    assert texts(rows(tmp_path, "a.jsonl", '{"x": "a\u2028b\u0085c"}')) == [
        ["1", "a\u2028b\u0085c"]
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "1: the file has no rows"),
        ("a.csv", "x,y\n", "1: the file has no rows"),
        ("a.jsonl", "\n", "1: the file has no rows"),
        ("a.csv", "x,y\na,b\nc\n", "3: the row has 1 cells and the header 2"),
        ("a.csv", "x,y\na,b,c\n", "2: the row has 3 cells and the header 2"),
        ("a.csv", "x,x\na,b\n", "1: the column 'x' stands twice"),
        ("a.csv", 'x\n"a"b\n', "2: not CSV: ',' expected after '\"'"),
        ("a.csv", 'x\n"a\n', "3: not CSV: unexpected end of data"),
        ("a.csv", b"x\na\ncaf\xe9\n", "3: not UTF-8 text: save the file as UTF-8"),
        ("a.jsonl", b'{"x": "a"}\n{"x": "\xe9"}\n', "2: not UTF-8 text"),
        ("a.csv", "row\n3\n", "2: a column cannot be called 'row': choose another name"),
        ("a.csv", "template\n3\n", "2: a column cannot be called 'template'"),
        (
            "a.csv",
            "x,y.class\na,b\n",
            "2: the column 'y.class' belongs to 'y', which is not a column",
        ),
        ("a.csv", "x,x.dose\na,high\n", "2: the dose 'high' is not a number"),
        ("a.csv", "x,x.dose\na,nan\n", "2: the dose 'nan' is not a number"),
        ("a.jsonl", '{"x": "a"}\n{"x": \n', "2: not JSON: Expecting value"),
        ("a.jsonl", '{"x": "a"}\n[1]\n', "2: each line must be one JSON object"),
        ("a.jsonl", '{"x": "a"}\n{"y": "a"}\n', "2: only some rows have a column 'x'"),
        ("a.jsonl", '{"x": true}\n', "1: yes, on and true are read as a truth value"),
        ("a.jsonl", '{"x": null}\n', "1: nothing stands where a word should"),
        ("a.jsonl", '{"x": []}\n', "1: expected a word, got []"),
        ("a.jsonl", '{"x": [["a"]]}\n', "1: expected a word, got ['a']"),
        ("a.jsonl", '{"x": ["a", null]}\n', "1: nothing stands where a word should"),
        ("a.jsonl", '{"x": "a", "x.class": ["b"]}\n', "1: expected a word, got ['b']"),
        ("a.jsonl", '{"x": "a", "x.class": null}\n', "1: nothing stands where a word should"),
        ("a.jsonl", '{"x": "a", "x.dose": true}\n', "1: the dose true is not a number"),
        ("a.jsonl", "[" * 100_000, "1: not JSON: nested too deep"),
        ("a.csv", "x\n" + "a\n" * 20_001, "20002: more than 20,000 rows"),
        ("a.txt", "x\na\n", "1: rows are read from .csv or .jsonl files"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(SpecError) as raised:
        rows(tmp_path, name, content)
    assert str(raised.value).startswith(f"{tmp_path / name}:{message}")


def test_a_file_beside_the_spec_or_below_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "data/b.csv"):
        (tmp_path / name).touch()
        assert resolve_inside(tmp_path, name) == (tmp_path / name).resolve()
    assert resolve_inside(tmp_path, "data/../a.csv") == (tmp_path / "a.csv").resolve()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../out.csv", "'../out.csv' leads out of the spec's folder: keep the file beside the"),
        ("/etc/passwd", "'/etc/passwd' leads out of the spec's folder"),
        ("link.csv", "'link.csv' leads out of the spec's folder"),
        ("none.csv", "there is no file 'none.csv' in the spec's folder"),
        ("", "there is no file '' in the spec's folder"),
        ("a\0b", r"'a\x00b' cannot be the name of a file"),
        ("a" * 5000, "cannot be the name of a file"),
        ("large.csv", f"'large.csv' has more than {MAX_BYTES:,} bytes"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, message: str) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    (tmp_path / "out.csv").write_text("x\na\n")
    (folder / "link.csv").symlink_to(tmp_path / "out.csv")
    (folder / "large.csv").touch()
    os.truncate(folder / "large.csv", MAX_BYTES + 1)
    with pytest.raises(ValueError) as raised:
        resolve_inside(folder, name)
    assert message in str(raised.value)


@pytest.mark.trust
def test_numbers_are_words_as_written_and_a_list_is_its_words(tmp_path: Path) -> None:
    line = '{"x": [5, 17], "y": 3, "z": "8 9", "u": ["a", "b c", 1.50], "v": [-2]}\n'
    assert texts(rows(tmp_path, "a.jsonl", line)) == [["1", "5 17", "3", "8 9", "a b c 1.50", "-2"]]


@pytest.mark.trust
def test_a_class_counts_without_the_spaces_around_it_and_is_never_empty(tmp_path: Path) -> None:
    found = rows(tmp_path, "a.csv", "x,x.class\nache,pain \nsting, pain\n")
    assert {row["x"].label for row in found} == {"pain"}
    with pytest.raises(SpecError, match=r"a.csv:3: the class of 'x' is empty"):
        rows(tmp_path, "a.csv", "x,x.class\nache,pain\nglee,\n")


@pytest.mark.trust
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"x": "one"}\n{"x": "\\ud83d"}\n', "2: not Unicode text"),
        ("a.jsonl", '{"x": 1, "x": 2}\n', "1: not JSON: the key 'x' stands twice"),
        ("a.jsonl", '{"x": NaN}\n', "1: not JSON: NaN is not a number"),
        ("a.csv", "x,y\rone,two\r", "save the file with LF"),
        ("a.csv", "x,x.clas\nache,pain\n", "2: of 'x' a row may say the .class and the .dose"),
    ],
)
def test_what_would_change_its_meaning_in_silence_is_an_error(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    with pytest.raises(SpecError) as raised:
        rows(tmp_path, name, content)
    assert message in str(raised.value)
