"""Which files are specs, and which come with ppcheck."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcheck.errors import SpecError
from ppcheck.measure.registry import CHECKS
from ppcheck.record.naming import spec_name
from ppcheck.spec import files
from ppcheck.spec.files import found, shipped, shipped_folder
from ppcheck.spec.load import load_spec

ROOT = Path(__file__).parents[2]


def test_a_folder_is_its_specs_and_those_below_and_a_file_is_itself(tmp_path: Path) -> None:
    for name in ("b.pp.yaml", "a/c.pp.yaml", "a/notes.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert found(tmp_path) == [tmp_path / "a" / "c.pp.yaml", tmp_path / "b.pp.yaml"]
    assert found(tmp_path / "a" / "notes.yaml") == [tmp_path / "a" / "notes.yaml"]


def test_shipped_specs_are_had_by_folder_and_by_name() -> None:
    assert shipped("demo") == shipped_folder() / "demo"
    assert shipped("demo/mechanism") == shipped_folder() / "demo" / "mechanism.pp.yaml"
    assert len(found(shipped("gpt2"))) == 4


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("dmeo", "did you mean 'demo'?"),
        ("demo/mechanisms", "did you mean 'demo/mechanism'?"),
        ("..", "there is demo, gpt2"),
        ("/etc", "there is "),
    ],
)
def test_a_name_that_is_not_shipped_says_which_is_meant(name: str, meant: str) -> None:
    with pytest.raises(SpecError) as raised:
        shipped(name)
    assert meant in str(raised.value)


def test_an_installed_package_has_its_specs_inside_and_they_are_called_as_in_a_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    package = tmp_path / "venv" / "site-packages" / "ppcheck"
    path = package / "specs" / "demo" / "a.pp.yaml"
    path.parent.mkdir(parents=True)
    path.touch()
    assert spec_name(path).startswith("venv/")
    monkeypatch.setattr(files, "__file__", str(package / "spec" / "files.py"))
    assert shipped("demo/a") == path
    assert files.shipped_folder() == package / "specs"
    other = package / "specs" / "other"
    other.mkdir()
    assert spec_name(other / "b.pp.yaml") == "specs/other/b.pp.yaml"


@pytest.mark.parametrize(
    "path", found(ROOT / "specs"), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_the_data_of_a_shipped_spec_lie_beside_it(path: Path) -> None:
    for entry in load_spec(path, CHECKS).entries:
        assert entry.grid is not None
        rows = entry.grid.prompt_set.rows
        if rows is not None:
            assert (path.parent / str(rows)).resolve().is_relative_to(ROOT / "specs")
            assert (path.parent / str(rows)).is_file()
