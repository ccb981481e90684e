"""Names of claims on models, and of files: what pytest, JUnit and a shell can carry."""

from __future__ import annotations

import shlex
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.plugin.names import claim_name, file_problem, group_name

pytestmark = pytest.mark.trust


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_name_says_which_model_and_needs_no_escaping(model: str) -> None:
    name = claim_name("claim", model)
    assert unquote(name.removeprefix("claim[").removesuffix("]")) == model
    inside = name.removeprefix("claim").strip("[]")
    assert shlex.quote(inside.replace("~", "")) == inside.replace("~", "")
    assert name.count("[") == name.count("]") == 1
    assert ET.fromstring(f'<case name="{name}"/>').attrib["name"] == name


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("demo@tuned", "claim[demo@tuned]"),
        ("org/model@step1000", "claim[org/model@step1000]"),
        ("./ckpt-100", "claim[./ckpt-100]"),
        ("./a model[1]::b", "claim[./a%20model%5B1%5D::b]"),
        ("./mod\udcffel", "claim[./mod%FFel]"),
    ],
)
def test_usual_names_stay_as_they_are(model: str, shown: str) -> None:
    assert claim_name("claim", model) == shown


def test_models_that_share_a_revisions_name_are_of_different_groups() -> None:
    groups = [group_name(model) for model in ("org/one@main", "org/two@main", "./a]b", "./a@b")]
    assert len(set(groups)) == 4
    assert not any(mark in group for group in groups for mark in "@]")


@pytest.mark.parametrize("path", ["specs/a.pp.yaml", "a [1]/b c.pp.yaml", "ünïcode/模型.pp.yaml"])
def test_ordinary_paths_are_no_problem(path: str) -> None:
    assert file_problem(path) is None


@pytest.mark.parametrize(
    "path", ["a\x1b[31m.pp.yaml", "a\n.pp.yaml", "a\u202e.pp.yaml", "a\udcff.pp.yaml"]
)
def test_a_path_that_steers_a_terminal_is_one(path: str) -> None:
    assert "steers terminals" in str(file_problem(path))


def test_a_path_that_pytest_would_cut_is_one() -> None:
    assert "::" in str(file_problem("a::b.pp.yaml"))
