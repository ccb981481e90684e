"""Whatever a spec, a path or a model is called: nothing of it steers a terminal or breaks XML."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ppcheck.cli import main
from tests.plugin.conftest import SPEC, write_spec

pytestmark = pytest.mark.trust
EVIL = "\\e[31m\\u202e\\x07"
"""As YAML writes them: an escape, a character that turns the direction of text, a bell."""
STEERING = "a\x1b[31m\u202e\nb"
SAID = {
    "title: the game, in short": f'title: "{EVIL}"',
    "says: Pain makes B likelier, which is not so.": f'says: "{EVIL}"\n    source: "{EVIL}"',
    "neutral": f'"{EVIL}"',
    "claims:": f'  "{EVIL}": {{template: x}}\nclaims:',
}
ASKED = {
    "light, sound": f'light, "{EVIL}"',
    "opening: [hello": f'opening: ["{EVIL}"',
}
"""Words that the demo model does not know, so that claims about them are errors."""


def is_plain(text: str) -> bool:
    return all(unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in text if c != "\n")


@pytest.mark.parametrize(("names", "outcome"), [(SAID, "failed"), (SAID | ASKED, "errors")])
def test_a_run_shows_names_that_steer_terminals_as_escapes(
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
    names: dict[str, str],
    outcome: str,
) -> None:
    """In every output of the run, and of the commands that read what it wrote."""
    text = SPEC
    for old, new in names.items():
        assert old in text
        text = text.replace(old, new)
    write_spec(pytester, text)
    result = pytester.runpytest_inprocess(
        *("-v", "-rA", "--color=no", "-k", "attracted", "--junitxml=junit.xml"),
        *("--ppcheck-json=run.json", "--ppcheck-markdown=run.md", "--ppcheck-history"),
    )
    assert result.parseoutcomes() == {outcome: 1, "deselected": 3}
    assert "\\x1b[31m\\u202e\\x07" in result.stdout.str()
    assert is_plain(result.stdout.str() + result.stderr.str())
    assert is_plain((pytester.path / "run.md").read_text(encoding="utf-8"))
    assert len(list(ET.parse(pytester.path / "junit.xml").iter("testcase"))) == 1
    capsys.readouterr()
    for command in (
        ["validate", "game.pp.yaml"],
        ["compare", "run.json", "run.json"],
        ["history", "show"],
        ["history", "show", "attracted"],
    ):
        main(command)
    captured = capsys.readouterr()
    assert is_plain(captured.out + captured.err)


def test_every_id_is_one_that_pytest_junit_and_a_shell_carry(pytester: pytest.Pytester) -> None:
    """A claim whose id is not is an error, and is called by its number."""
    text = SPEC
    ids = [f'"{EVIL}"', '"a[b]"', '"a::b"', f'"{"n" * 201}"']
    for old, new in zip(("sure", "deterred", "attracted", "last-stream"), ids, strict=True):
        text = text.replace(f"id: {old}", f"id: {new}")
    write_spec(pytester, text)
    result = pytester.runpytest_inprocess("-rA", "--color=no", "--junitxml=junit.xml")
    result.assert_outcomes(errors=4)
    assert is_plain(result.stdout.str())
    cases = ET.parse(pytester.path / "junit.xml").iter("testcase")
    assert [case.get("name") for case in cases] == [f"claim#{number}" for number in range(1, 5)]
    again = pytester.runpytest_inprocess("game.pp.yaml::claim#2")
    again.assert_outcomes(errors=1)
    again.stdout.fnmatch_lines(["*id: expected letters, digits and . _ - only*got 'a[[]b[]]'"])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x1b[31m", "a\\x1b[31m.pp.yaml"),
        ("a\u202eb", "a\\u202eb.pp.yaml"),
        ("a\nb", "a⏎b.pp.yaml"),
        ("a::b", "a:\\:b.pp.yaml"),
        (os.fsdecode(b"a\xff"), "a\\udcff.pp.yaml"),
    ],
)
def test_a_spec_with_a_name_that_cannot_be_carried_is_an_error_and_others_run(
    pytester: pytest.Pytester, name: str, shown: str
) -> None:
    other = SPEC.replace("prompts:", "models: [gpt2]\nprompts:", 1)
    write_spec(pytester, other)
    write_spec(pytester, SPEC, name)
    result = pytester.runpytest_inprocess(
        *("-vv", "-ra", "--color=no", "--junitxml=junit.xml", "--ppcheck-markdown=run.md"),
        f"--rootdir={pytester.path}",
    )
    result.assert_outcomes(errors=1, skipped=4)
    assert is_plain(result.stdout.str() + result.stderr.str())
    assert f"{shown}::spec" in result.stdout.str()
    assert is_plain(pytester.runpytest_inprocess("--collect-only").stdout.str())
    assert len(list(ET.parse(pytester.path / "junit.xml").iter("testcase"))) == 5


@pytest.mark.parametrize(
    "option", ["--model=./{}", "--ppcheck-json={}/", "--ppcheck-baseline={}", "--ppcheck-dtype={}"]
)
def test_a_usage_error_shows_what_was_given_as_escapes(
    pytester: pytest.Pytester, spec: Path, option: str
) -> None:
    (pytester.path / STEERING).mkdir()
    result = pytester.runpytest_inprocess(spec, option.format(STEERING))
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    assert is_plain(result.stderr.str())
    result.stderr.fnmatch_lines(["ERROR: *\\x1b*"])
