from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.errors import SpecError
from ppcheck.spec.source import MAX_BYTES, MAX_DEPTH, MAX_NODES, Source, read_source


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.pp.yaml"


def read(path: Path, text: str) -> Source:
    path.write_text(text, encoding="utf-8")
    return read_source(path)


def failure(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SpecError) as raised:
        read_source(path)
    return str(raised.value).removeprefix(f"{path.parent}/")


def test_every_value_has_its_line(path: Path) -> None:
    source = read(path, "a: 1\nb:\n  - c\n  - d:\n      e: f\n")
    assert source.data == {"a": 1, "b": ["c", {"d": {"e": "f"}}]}
    lines = {("a",): 1, ("b", 0): 3, ("b", 1, "d"): 4, ("b", 1, "d", "e"): 5}
    assert {location: source.line(location) for location in lines} == lines


def test_what_is_missing_has_the_line_of_what_should_hold_it(path: Path) -> None:
    source = read(path, "a: 1\nb:\n  c: 2\n")
    assert source.line(("b", "x", "y")) == 2
    assert source.line(("x",)) == 1
    assert str(source.error("wrong", ("b", "c"))) == f"{path}:3: wrong"


def test_the_hash_is_of_the_bytes(path: Path) -> None:
    assert read(path, "a: é\r\n").sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_keys_are_text_as_written(path: Path) -> None:
    text = "on: 1\nno: 2\n1.50: 3\n~: 4\n2020-01-01: 5\n<<: 6\n"
    assert list(read(path, text).data) == ["on", "no", "1.50", "~", "2020-01-01", "<<"]


@pytest.mark.parametrize("number", ["1.50", "0x10", "1_000", "007", "12:30", "+3", ".5", "1.0e+3"])
def test_numbers_are_numbers_that_show_what_was_written(path: Path, number: str) -> None:
    value = read(path, f"a: {number}").data["a"]
    assert isinstance(value, int | float)
    assert str(value) == repr(value) == f"{value}" == number


def test_numbers_count_as_the_numbers_they_are(path: Path) -> None:
    assert read(path, "a: [1.50, 0x10, 1_000]").data["a"] == [1.5, 16, 1000]


def test_dates_are_text_and_constants_are_constants(path: Path) -> None:
    values = read(path, "a: [2020-01-01, 2020-99-99, =, ~, yes, off, 'no', '']").data["a"]
    assert values == ["2020-01-01", "2020-99-99", "=", None, True, False, "no", ""]


def test_anchors_are_shared(path: Path) -> None:
    assert read(path, "a: &words [x, y]\nb: *words\n").data["b"] == ["x", "y"]


def test_an_empty_file_is_nothing(path: Path) -> None:
    assert read(path, "# nothing yet\n").data is None


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    source = read_source(path)
    assert source.data == {"a": 1, "b": 2}
    assert source.line(("b",)) == 2


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "3: the key 'a' stands twice, first on line 1"),
        ("a:\n\tb: 3\n", "2: not YAML: a tab: YAML indents with spaces only"),
        ("a: [1\nb: 2\n", "2: not YAML: did not find expected ',' or ']': text with any of"),
        ("a: 1\nb: >= 0.3\n", "2: not YAML: did not find expected comment or line break"),
        ("a: 1\n---\nb: 2\n", "2: not YAML: a spec is one document"),
        ("a: *b\n", "1: not YAML: found undefined alias"),
        ("a: 1\n? [b, c]\n: 3\n", "2: a key must be one word or number"),
        ("a: 1\nb: é \0\n", "2: not YAML: the control character U+0000"),
        (b"a: 1\nb: caf\xe9\n", "2: not UTF-8 text: save the file as UTF-8"),
        (bytes(range(256)), "2: not UTF-8 text"),
        ("a: 1\n".encode("utf-16"), "1: not UTF-8 text"),
        (f"a: 1\nb: {'[' * 100_000}", "2: the file has more than 32 levels"),
        (f"a: 1\n{'- ' * 100_000}", "2: not YAML"),
        ("- " * 100_000, "1: the file has more than 32 levels"),
        (f"a: [{'x,' * MAX_NODES}]", "1: the file has more than 200,000 values"),
        (BOMB, "1: more than 200,000 values once aliases are expanded"),
        ("a: &a [1, *a]\n", "1: more than 32 levels: an alias stands inside what it names"),
        ("a: &a {b: *a}\n", "1: more than 32 levels: an alias stands inside what it names"),
        ("a: !!python/name:os.system x\n", "1: a spec has no tags such as tag:yaml.org,2002:pyt"),
        ("a: !!python/object:os.x {}\n", "1: a spec has no tags such as tag:yaml.org,2002:pyt"),
        ("a: 1\nb: !mine x\n", "2: a spec has no tags such as !mine"),
        ("a: !!int x\n", "1: 'x' is no int"),
        ("a: 9" + "9" * 5000, "1: '99999"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    path: Path, content: str | bytes, message: str
) -> None:
    assert failure(path, content).startswith(f"a.pp.yaml:{message}")


def test_a_huge_file_is_refused_unread(path: Path) -> None:
    path.touch()
    os.truncate(path, 100 * MAX_BYTES)
    with pytest.raises(SpecError, match=r"400,000,000 bytes and a spec may have 4,000,000: split"):
        read_source(path)


def test_only_files_are_read(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none.pp.yaml:1: there is no such file$"):
        read_source(tmp_path / "none.pp.yaml")
    with pytest.raises(SpecError, match=r":1: not a file$"):
        read_source(tmp_path)
    os.mkfifo(tmp_path / "pipe.pp.yaml")
    with pytest.raises(SpecError, match=r"pipe.pp.yaml:1: not a file$"):
        read_source(tmp_path / "pipe.pp.yaml")


@pytest.mark.parametrize(("depth", "readable"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_the_limit_of_depth_is_the_last_depth_that_is_read(
    path: Path, depth: int, readable: bool
) -> None:
    text = "[" * depth + "]" * depth
    if readable:
        assert read(path, text).data
    else:
        assert "more than 32 levels" in failure(path, text)


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text("ab:-[]{}&*!?|>'\"#% \n\t,~1", max_size=60))
def test_no_content_has_any_other_outcome_than_data_or_a_located_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.pp.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        outcome: Source | SpecError = read_source(path)
    except SpecError as error:
        outcome = error
    assert outcome.path == path


@pytest.mark.trust
def test_a_second_document_is_called_that(path: Path) -> None:
    assert read(path, "---\na: 1\n").data == {"a": 1}
    message = failure(path, "a: 1\n---\nb: 2\n")
    assert message.startswith("a.pp.yaml:2: not YAML: a spec is one document: leave out the line")
    assert "quotes" not in message


@pytest.mark.trust
def test_keys_are_not_merged_and_that_is_said(path: Path) -> None:
    message = failure(path, "a: &all {x: 1}\nb:\n  <<: *all\n  y: 2\n")
    assert message == "a.pp.yaml:3: a spec does not merge keys (`<<`): write them where they belong"
