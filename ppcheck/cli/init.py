"""`ppcheck init`: a first spec, pytest's configuration and a CI job for a project."""

from __future__ import annotations

import argparse
import configparser
import shlex
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from ppcheck.cli.output import tell, wrote

SPEC = Path("specs", "first.pp.yaml")
CONFIGURATION = Path("pytest.ini")
MODEL, BASELINE = "demo", "specs/baseline.json"
_KEY = "ppcheck_baseline"
FILES = {
    SPEC: "first.pp.yaml",
    CONFIGURATION: "pytest.ini",
    Path(".github", "workflows", "ppcheck.yml"): "ppcheck.yml",
}
"""What is written in the project, and the file of the folder `starter` that it is made from."""
_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
"""Files that configure pytest even where they are empty."""
_SECTIONS = {"tox.ini": "pytest", "setup.cfg": "tool:pytest"}


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "init",
        help="write a first spec, a configuration and a CI job into a project",
        description="Writes specs/first.pp.yaml, pytest.ini where nothing configures pytest yet, "
        "and .github/workflows/ppcheck.yml. A file that exists is left as it is.",
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="DIR")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write what is not there yet; 1 where a file cannot be written."""
    folder: Path = options.folder
    if folder.exists() and not folder.is_dir():
        tell(f"{folder} is a file: name the folder of the project")
        return 1
    configuration = _configuration(folder)
    are_there = [_is_there(folder, path, configuration) for path in FILES]
    if not all(are_there):
        return 1
    tell("\nnext:")
    has_gate = configuration is None or _KEY in _read(configuration)
    for command, why in _steps(folder, has_gate=has_gate):
        tell(f"  {command}\n      {why}")
    return 0


def _is_there(folder: Path, path: Path, configuration: Path | None) -> bool:
    """Write one file unless it exists, and say which it was; False where that fails."""
    if path == CONFIGURATION and configuration is not None:
        tell(f"kept  {configuration}: it configures pytest already{_lines_to_add(configuration)}")
        return True
    if (folder / path).exists() or (folder / path).is_symlink():
        tell(f"kept  {folder / path}: it exists")
        return True
    if not wrote(folder / path, lambda: _text(FILES[path])):
        return False
    tell(f"wrote {folder / path}")
    return True


def _text(name: str) -> str:
    text = (files("ppcheck.cli") / "starter" / name).read_text(encoding="utf-8")
    return text.replace("==VERSION", f"=={version('ppcheck')}")


def _steps(folder: Path, *, has_gate: bool) -> Iterator[tuple[str, str]]:
    """What to type next, and what it does."""
    gate = "" if has_gate else f" --ppcheck-baseline={BASELINE}"
    if folder.resolve() != Path.cwd():
        yield f"cd {shlex.quote(str(folder))}", "the project"
    yield "pytest specs", "three claims about the embedded demo model, and all hold"
    yield f"pytest specs{gate} --ppcheck-bless", "writes down what is true now; commit both files"
    yield (
        f"pytest specs{gate} --model=demo@rewired --ppcheck-report",
        "an update that answers alike and whose heads have changed places: see what it breaks",
    )
    yield "pytest --ppcheck-shipped=demo", "the claims about the demo model that come with ppcheck"


def _lines_to_add(configuration: Path) -> str:
    """The settings that `pytest.ini` would have had, as this file writes them."""
    if _KEY in _read(configuration):
        return ""
    form = ('["{}"]', '"{}"') if configuration.suffix == ".toml" else ("{}", "{}")
    model, baseline = (how.format(what) for how, what in zip(form, (MODEL, BASELINE), strict=True))
    lines = f"        ppcheck_model = {model}\n        {_KEY} = {baseline}"
    return f". Add to its section for pytest:\n{lines}"


def _configuration(folder: Path) -> Path | None:
    """The file of the folder that configures pytest, if there is one."""
    names = (*_FILES, "pyproject.toml", *_SECTIONS)
    return next((folder / name for name in names if _configures(folder / name)), None)


def _configures(file: Path) -> bool:
    """Whether pytest would take its configuration from it; one that cannot be read might."""
    if not file.is_file():
        return False
    if file.name in _FILES:
        return True
    text = _read(file)
    try:
        if file.name == "pyproject.toml":
            return "pytest" in tomllib.loads(text).get("tool", {})
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
    except (ValueError, configparser.Error):
        return True
    return parser.has_section(_SECTIONS[file.name])


def _read(file: Path) -> str:
    """What is in a file; nothing of one that cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
