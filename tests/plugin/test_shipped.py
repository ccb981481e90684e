"""`--ppcheck-shipped` runs specs that come with ppcheck, from any project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import SPEC, write_spec

FEW = ("-k", "deterred or pain-deters")


def test_what_is_shipped_runs_in_place_of_the_projects_own(
    pytester: pytest.Pytester, spec: Path, read_record: Callable[[str], dict[str, Any]]
) -> None:
    assert spec.exists()
    result = pytester.runpytest_inprocess(
        "--ppcheck-shipped=demo/behaviour", *FEW, "--ppcheck-json=run.json"
    )
    result.assert_outcomes(passed=1)
    record = read_record("run.json")
    assert [claim["spec"] for claim in record["claims"]] == ["specs/demo/behaviour.pp.yaml"]
    assert record["paths"] == ["specs/demo/behaviour.pp.yaml"]


def test_it_runs_beside_what_the_command_line_names_and_may_be_repeated(
    pytester: pytest.Pytester, spec: Path
) -> None:
    more = ("--ppcheck-shipped=demo/behaviour", "--ppcheck-shipped=gpt2/ioi", "--collect-only")
    ids = [
        line
        for line in pytester.runpytest_inprocess(spec, "-q", *more).outlines
        if line.count("::") == 1
    ]
    files = dict.fromkeys(line.partition("::")[0] for line in ids)
    assert list(files) == [
        *("game.pp.yaml", "specs/demo/behaviour.pp.yaml", "specs/gpt2/ioi.pp.yaml")
    ]
    assert len(ids) == len(set(ids)) == 4 + 12 + 12


def test_a_configuration_that_pytest_found_for_the_project_stays(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naddopts = -q\ntestpaths = claims\n")
    write_spec(pytester, SPEC)
    result = pytester.runpytest_inprocess("--ppcheck-shipped", "gpt2/ioi", "--collect-only")
    assert len([line for line in result.outlines if line.startswith("specs/gpt2/ioi")]) == 12


def test_a_name_that_is_not_shipped_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--ppcheck-shipped=dmeo")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--ppcheck-shipped: *'dmeo': did you mean 'demo'?"])


@pytest.mark.slow
def test_workers_of_xdist_run_it_once(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--ppcheck-shipped=demo/behaviour", *FEW, "-n", "2")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["specs/demo/behaviour.pp.yaml  on demo", "The one claim holds"])
