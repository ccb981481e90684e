"""Options: each is given on the command line, or in pytest's configuration under its own name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from ppcheck.errors import SpecError
from ppcheck.record.store_url import DEFAULT_STORE, store_url
from ppcheck.spec.files import SUFFIX, shipped
from ppcheck.spec.grammar import suggest
from ppcheck.subject.model.settings import DTYPES, STANDARD, Budget, Settings

_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "bool": "true or false",
    "args": "words, as in a shell",
}


@dataclass(frozen=True)
class Option:
    """``kind`` is the ini type of pytest; a `bool` is a flag and `args` may be given repeatedly.

    ``alone`` is the value of a string whose flag is given without one. ``parse`` makes the value of
    what was given, and raises ValueError. ``is_path``: the value is a path which in a configuration
    starts at that file's folder, and on the command line where pytest was started.
    """

    name: str
    help: str
    metavar: str = ""
    kind: Literal["string", "int", "bool", "args"] = "string"
    default: Any = None
    parse: Callable[[Any], Any] = field(default=lambda given: given)
    in_ini: bool = True
    alone: str | None = None
    is_path: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def add(self, parser: pytest.Parser) -> None:
        hows: dict[str, dict[str, Any]] = {
            "string": {"metavar": self.metavar}
            | ({"nargs": "?", "const": self.alone} if self.alone else {}),
            "int": {"metavar": self.metavar, "type": int},
            "bool": {"action": "store_true", "default": None},
            "args": {"metavar": self.metavar, "action": "append"},
        }
        group = parser.getgroup("ppcheck", "ppcheck: claims about a language model")
        group.addoption(
            self.flag, dest=self.name, help=self.help.replace("%", "%%"), **hows[self.kind]
        )
        if self.in_ini:
            parser.addini(self.name, self.help, type=self.kind, default=self.default)

    def value(self, config: pytest.Config) -> Any:
        """What the command line says, or else the configuration. Raises UsageError."""
        given = getattr(config.option, self.name)
        value = self._configured(config) if given is None else given
        if value is None:
            return None
        try:
            if self.is_path:
                value = _path(value, self.folder(config))
            return self.parse(value)
        except ValueError as error:
            named = f"{self.flag} (or {self.name})" if self.in_ini else self.flag
            raise pytest.UsageError(f"{named}: {error}") from None

    def folder(self, config: pytest.Config) -> Path:
        """Where a relative path in its value starts, as seen from where pytest was started."""
        if getattr(config.option, self.name) is not None or config.inipath is None:
            return Path()
        return Path(os.path.relpath(config.inipath.parent, config.invocation_params.dir))

    def _configured(self, config: pytest.Config) -> Any:
        if not self.in_ini:
            return self.default
        try:
            return config.getini(self.name)
        except (pytest.UsageError, ValueError, TypeError) as error:
            raise pytest.UsageError(
                f"{self.name} in {config.inipath or 'the configuration'}: {error}; "
                f"expected {_EXPECTED[self.kind]}"
            ) from None


def _path(text: str, folder: Path) -> str:
    if not text:
        raise ValueError("it names no file or folder")
    text = os.path.expanduser(text)  # noqa: PTH111  (Path's own raises for an unknown user)
    return text if folder == Path() else str(folder / text)


def _file(text: str) -> str:
    if text.endswith(SUFFIX):
        raise ValueError(f"{text!r} is a spec, and would be lost: name a file of its own")
    return text


def _models(names: list[str]) -> list[str]:
    if not all(names):
        raise ValueError("it names no model")
    return names


def _model(name: str) -> str:
    return _models([name])[0]


def _shipped(names: list[str]) -> list[Path]:
    try:
        return [shipped(name) for name in names]
    except SpecError as error:
        raise ValueError(error.message) from None


def _seed(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is negative: a seed is a whole number from 0 up")
    return number


def _dtype(text: str) -> str:
    if text not in DTYPES:
        raise ValueError(f"{text!r} is none of {', '.join(DTYPES)}")
    return text


def _folder(text: str) -> str:
    if "::" in text or Path(text).is_file() or any(Path(text).rglob("*.pp.yaml")):
        raise ValueError(f"{text!r} is not a folder for a report: write --ppcheck-report=DIR")
    return text


def _store(text: str) -> str:
    try:
        return store_url(text)
    except ValueError as error:
        raise ValueError(f"{error}, after --ppcheck-history=") from None


OPTIONS = {
    option.name: option
    for option in (
        Option(
            "ppcheck_model",
            "model under test: demo, demo@REVISION, a Hugging Face directory, a GGUF file, the "
            "directory of a PEFT adapter, BASE+ADAPTER, or a hub name; may be given several times "
            "(default: demo). --model is short for it, unless the project has a --model of its own",
            "MODEL",
            "args",
            parse=_models,
        ),
        Option("ppcheck_revision", "revision of the model under test on the hub", "REVISION"),
        Option(
            "ppcheck_shipped",
            "run specs that come with ppcheck: a folder of them such as demo, or one spec such as "
            "demo/mechanism; may be repeated",
            "NAME",
            "args",
            parse=_shipped,
            in_ini=False,
        ),
        Option("ppcheck_json", "write the run record to FILE", "FILE", parse=_file, is_path=True),
        Option(
            "ppcheck_markdown",
            "write a summary in Markdown to FILE; on GitHub it is also added to the job's summary",
            "FILE",
            parse=_file,
            is_path=True,
        ),
        Option(
            "ppcheck_report",
            "write a page to DIR/index.html with all figures, pictures and examples "
            "(without DIR: reports/html)",
            "DIR",
            alone="reports/html",
            parse=_folder,
            is_path=True,
        ),
        Option(
            "ppcheck_history",
            "add the run to the store at URL, which `ppcheck history show` reads "
            f"(without URL: {DEFAULT_STORE})",
            "URL",
            alone=DEFAULT_STORE,
            parse=_store,
        ),
        Option(
            "ppcheck_baseline",
            "compare with the baseline in FILE, and fail where a claim has become worse by more "
            "than chance and its tolerance; a missing file informs and does not fail",
            "FILE",
            parse=_file,
            is_path=True,
        ),
        Option(
            "ppcheck_bless",
            "write what was measured to the baseline's FILE; claims that did not run stay as "
            "they are. It has no place in a configuration",
            kind="bool",
            default=False,
            in_ini=False,
        ),
        Option(
            "ppcheck_against",
            "run MODEL beside the model under test and compare with it instead of a baseline",
            "MODEL",
            parse=_model,
        ),
        Option(
            "ppcheck_seed",
            "names every random choice: bootstrap samples and halves (default: 0)",
            "N",
            "int",
            0,
            parse=_seed,
        ),
        Option(
            "ppcheck_lenient",
            "report inconclusive claims as xfailed instead of failed",
            kind="bool",
            default=False,
        ),
        Option(
            "ppcheck_memory",
            "what a batch may take: 4GB, 500MB, or a share of the memory of the machine or the GPU "
            "such as 25% (default: 12.5%)",
            "SIZE",
            parse=Budget.parse,
        ),
        Option(
            "ppcheck_dtype",
            f"precision of weights and arithmetic: {', '.join(DTYPES)} (default: {DTYPES[0]})",
            "DTYPE",
            default=DTYPES[0],
            parse=_dtype,
        ),
        Option(
            "ppcheck_device",
            "where the model runs: cpu, cuda, cuda:1, mps, or auto for the first of cuda, mps and "
            "cpu that is there (default: cpu)",
            "DEVICE",
            default="cpu",
        ),
        Option(
            "ppcheck_allow_pickle",
            "accept weights that are no safetensors; they are loaded with weights_only",
            kind="bool",
            default=False,
        ),
        Option(
            "ppcheck_no_cache",
            "measure everything again, and keep nothing for the next run",
            kind="bool",
            default=False,
        ),
    )
}


def option(config: pytest.Config, name: str) -> Any:
    """The value of `ppcheck_NAME`. Raises UsageError for one that means nothing."""
    return OPTIONS[f"ppcheck_{name}"].value(config)


def folder_of(config: pytest.Config, name: str) -> Path:
    """Where a relative path in the value of `ppcheck_NAME` starts, as seen from this process."""
    return OPTIONS[f"ppcheck_{name}"].folder(config)


def check_options(config: pytest.Config) -> None:
    """Raise UsageError for the first value that means nothing, needed in this run or not."""
    _check_keys(config)
    for each in OPTIONS.values():
        each.value(config)


def _check_keys(config: pytest.Config) -> None:
    """Raise UsageError for a key in the configuration that would be ignored."""
    held = vars(config)  # no public name gives the keys; pytest before 9 has them without the _
    known = [name for name, each in OPTIONS.items() if each.in_ini]
    for key in held.get("_inicfg", held.get("inicfg", {})):
        if not key.startswith("ppcheck_") or key in known:
            continue
        why = "is given on the command line alone"
        if key not in OPTIONS:
            why = f"is not an option: {suggest(key, known)}"
        raise pytest.UsageError(f"{key} in {config.inipath} {why}")


def settings_of(config: pytest.Config) -> Settings:
    """How models are to be loaded and run. Raises UsageError."""
    return Settings(
        dtype=option(config, "dtype"),
        device=option(config, "device"),
        memory=option(config, "memory") or STANDARD.memory,
        allow_pickle=option(config, "allow_pickle"),
    )
