"""What a person is told who asks for claims where there is no spec."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import write_spec

HINT = "there is no spec (*.pp.yaml) in "


def test_an_empty_project_is_told_how_to_get_a_first_spec(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--model=demo")
    assert result.ret is pytest.ExitCode.NO_TESTS_COLLECTED
    assert (
        f"{HINT}this folder: `ppcheck init` writes a first one, and "
        "`pytest --ppcheck-shipped=demo` runs those that come with ppcheck"
    ) in result.stdout.lines


def test_the_folders_that_were_looked_in_are_named(pytester: pytest.Pytester) -> None:
    for name in ("one", "two"):
        pytester.mkdir(name)
    result = pytester.runpytest_inprocess("one", "two", "--ppcheck-report")
    assert f"{HINT}one, two: " in result.stdout.str()


def test_a_project_that_asks_for_no_claims_is_told_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    assert HINT not in pytester.runpytest_inprocess().stdout.str()


def test_where_specs_were_found_and_deselected_there_is_no_hint(pytester: pytest.Pytester) -> None:
    write_spec(pytester, "ppcheck: 2\n")
    for arguments in (("-k", "nothing"), ("--collect-only",)):
        result = pytester.runpytest_inprocess("--model=demo", *arguments)
        assert HINT not in result.stdout.str()


def test_what_could_not_be_collected_may_have_been_a_spec(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import nowhere")
    result = pytester.runpytest_inprocess("--model=demo")
    result.assert_outcomes(errors=1)
    assert HINT not in result.stdout.str()
