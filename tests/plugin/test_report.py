"""`--ppcheck-report`: the page at the end of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest


def data(page: Path) -> Any:
    found = re.search(r'<script[^>]* id="data">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found is not None
    return json.loads(found[1])


def test_a_run_writes_a_page_that_says_what_its_table_says(
    pytester: pytest.Pytester, spec: Path
) -> None:
    result = pytester.runpytest_inprocess(spec, "--ppcheck-report=site")
    result.stdout.fnmatch_lines(["report: site/index.html"])
    claims = data(pytester.path / "site" / "index.html")["claims"]
    assert [claim["id"] for claim in claims] == ["sure", "deterred", "attracted", "last-stream"]
    for claim in claims:
        result.stdout.fnmatch_lines([f"*{claim['id']}*{claim['expected']}*n={claim['n']}*"])


def test_without_a_folder_it_goes_where_reports_go(pytester: pytest.Pytester, spec: Path) -> None:
    pytester.runpytest_inprocess(spec, "-k", "deterred", "--ppcheck-report")
    assert (pytester.path / "reports" / "html" / "index.html").exists()


def test_without_the_option_there_is_no_page(pytester: pytest.Pytester, spec: Path) -> None:
    result = pytester.runpytest_inprocess(spec, "-k", "deterred")
    assert not list(pytester.path.rglob("*.html"))
    assert "report: " not in result.stdout.str()


def test_the_configuration_may_ask_for_it(pytester: pytest.Pytester, spec: Path) -> None:
    pytester.makeini("[pytest]\nppcheck_report = site")
    pytester.runpytest_inprocess(spec, "-k", "deterred")
    assert (pytester.path / "site" / "index.html").exists()


def test_a_spec_is_not_taken_for_the_folder(pytester: pytest.Pytester, spec: Path) -> None:
    for taken in (spec, pytester.path):
        result = pytester.runpytest_inprocess("--ppcheck-report", taken)
        assert result.ret is pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*is not a folder for a report: write --ppcheck-report=DIR*"])
        assert "collected" not in result.stdout.str()


def test_models_that_cannot_be_loaded_still_give_a_page(
    pytester: pytest.Pytester, spec: Path
) -> None:
    folder = pytester.mkdir("broken")
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_text("{}")
    pytester.runpytest_inprocess(spec, "--model=./broken", "--ppcheck-report=site")
    text = (pytester.path / "site" / "index.html").read_text(encoding="utf-8")
    assert "The one claim could not be measured" in text
