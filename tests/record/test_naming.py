"""What specs are called: by their project, never by where a run was started."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.record.naming import common_parts, name_from, paired_specs, spec_name


def spec(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.trust
@pytest.mark.parametrize("mark", [".git/", "pyproject.toml", "pytest.ini", "setup.cfg"])
def test_a_spec_is_named_from_the_root_of_its_project(tmp_path: Path, mark: str) -> None:
    path = spec(tmp_path, "project/specs/deep/a.pp.yaml")
    if mark.endswith("/"):
        (tmp_path / "project" / mark).mkdir()
    else:
        (tmp_path / "project" / mark).touch()
    assert spec_name(path) == "specs/deep/a.pp.yaml"


@pytest.mark.trust
def test_a_repository_is_the_root_before_a_project_inside_it(tmp_path: Path) -> None:
    path = spec(tmp_path, "repository/package/specs/a.pp.yaml")
    (tmp_path / "repository/.git").touch()  # a file in a submodule or a linked work tree
    (tmp_path / "repository/package/pyproject.toml").touch()
    assert spec_name(path) == "package/specs/a.pp.yaml"


@pytest.mark.trust
def test_outside_of_any_project_a_spec_is_named_with_its_folder(tmp_path: Path) -> None:
    assert spec_name(spec(tmp_path, "specs/a.pp.yaml")) == "specs/a.pp.yaml"


@pytest.mark.trust
def test_the_name_does_not_depend_on_the_current_folder_or_on_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = spec(tmp_path, "project/specs/a.pp.yaml")
    (tmp_path / "project/pyproject.toml").touch()
    (tmp_path / "link").symlink_to(path.parent)
    names = {spec_name(tmp_path / "link/a.pp.yaml")}
    for folder, typed in (
        (tmp_path, "project/specs/a.pp.yaml"),
        (path.parent, "a.pp.yaml"),
        (tmp_path / "link", "a.pp.yaml"),
    ):
        monkeypatch.chdir(folder)
        names.add(spec_name(Path(typed)))
    assert names == {"specs/a.pp.yaml"}


def test_a_path_is_named_from_a_folder_beside_it_too(tmp_path: Path) -> None:
    path = spec(tmp_path, "specs/a.pp.yaml")
    assert name_from(tmp_path, path) == "specs/a.pp.yaml"
    assert name_from(tmp_path / "baselines", path) == "../specs/a.pp.yaml"


@pytest.mark.parametrize(
    ("one", "other", "parts"),
    [
        ("a.pp.yaml", "specs/a.pp.yaml", 1),
        ("specs/a.pp.yaml", "/x/specs/a.pp.yaml", 2),
        ("../specs/a.pp.yaml", "package/specs/a.pp.yaml", 2),
        ("specs/a.pp.yaml", "other/a.pp.yaml", 0),
        ("a.pp.yaml", "aa.pp.yaml", 0),
        ("", "a.pp.yaml", 0),
    ],
)
def test_names_have_in_common_what_one_of_them_ends_with(one: str, other: str, parts: int) -> None:
    assert common_parts(one, other) == common_parts(other, one) == parts


@pytest.mark.trust
@pytest.mark.parametrize(
    ("new", "old", "pairs"),
    [
        ({"specs/a": "xy"}, {"a": "xz"}, {"specs/a": "a"}),
        ({"specs/a": "x", "specs/b": "x"}, {"b": "x"}, {"specs/b": "b"}),
        (
            {"specs/a": "x", "specs/demo/a": "x"},
            {"a": "x", "demo/a": "x"},
            {"specs/a": "a", "specs/demo/a": "demo/a"},
        ),
        ({"one/a": "x", "two/a": "x"}, {"a": "x"}, {}),
        ({"one/a": "xy", "two/a": "x"}, {"a": "xy"}, {"one/a": "a"}),
        ({"specs/a": "x"}, {"a": "y"}, {}),
        ({"a": "x"}, {"a": "y", "specs/a": "x"}, {"a": "a"}),
    ],
)
def test_a_spec_that_was_called_differently_is_found_unless_it_is_unclear_which(
    new: dict[str, str], old: dict[str, str], pairs: dict[str, str]
) -> None:
    assert paired_specs(new, old) == pairs


NAMES = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
SPECS = st.dictionaries(NAMES, st.frozensets(st.sampled_from("xyz"), min_size=1), max_size=4)


@settings(deadline=None)
@given(SPECS, SPECS)
def test_no_old_spec_is_paired_twice_and_equal_names_always_are(
    new: dict[str, frozenset[str]], old: dict[str, frozenset[str]]
) -> None:
    found = paired_specs(new, old)
    assert len(set(found.values())) == len(found)
    assert found.keys() <= new.keys()
    assert set(found.values()) <= old.keys()
    assert all(found[name] == name for name in new.keys() & old.keys())
