"""Options on the command line, and the same ones in pytest's configuration."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppcheck.demo import weights_path
from ppcheck.plugin.options import OPTIONS, option, settings_of
from ppcheck.plugin.state import state_of
from ppcheck.subject.model.settings import STANDARD, Budget, Settings

Reader = Callable[[str], dict[str, Any]]
INI = """
[pytest]
ppcheck_model = demo@tuned "./a folder"
ppcheck_revision = main
ppcheck_json = run.json
ppcheck_report = site
ppcheck_markdown = run.md
ppcheck_history = sqlite:///h.db
ppcheck_baseline = good.json
ppcheck_seed = 3
ppcheck_lenient = true
ppcheck_memory = 500MB
ppcheck_dtype = float64
ppcheck_device = auto
ppcheck_allow_pickle = true
ppcheck_no_cache = true
"""
SAID = {
    "model": ["demo@tuned", "./a folder"],
    "revision": "main",
    "json": "run.json",
    "report": "site",
    "markdown": "run.md",
    "history": "sqlite:///h.db",
    "baseline": "good.json",
    "seed": 3,
    "lenient": True,
    "memory": Budget(5e8),
    "dtype": "float64",
    "device": "auto",
    "allow_pickle": True,
    "no_cache": True,
}


def values(config: pytest.Config) -> dict[str, Any]:
    return {name: option(config, name) for name in SAID}


def test_every_option_can_stand_in_the_configuration(pytester: pytest.Pytester) -> None:
    # Two are about one run alone, and one excludes a baseline.
    others = {"ppcheck_bless", "ppcheck_shipped", "ppcheck_against"}
    assert {f"ppcheck_{name}" for name in SAID} | others == OPTIONS.keys()
    pytester.makeini(INI.replace("./a folder", "demo").replace("revision = main", "revision ="))
    said = values(pytester.parseconfigure())
    assert said == SAID | {"model": ["demo@tuned", "demo"], "revision": ""}


def test_toml_says_the_same(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml(
        """
        [tool.pytest]
        ppcheck_model = ["demo", "demo@tuned"]
        ppcheck_seed = 3
        ppcheck_lenient = true
        ppcheck_memory = "25%"
        """
    )
    said = values(pytester.parseconfigure())
    assert (said["model"], said["seed"], said["lenient"]) == (["demo", "demo@tuned"], 3, True)
    assert said["memory"] == Budget(0.25, is_share=True)


def test_the_command_line_wins(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI.replace("./a folder", "demo").replace("revision = main", "revision ="))
    said = values(
        pytester.parseconfigure(
            *("--ppcheck-seed=5", "--ppcheck-memory=1GB", "--model=demo@blunted"),
            *("--ppcheck-dtype=bfloat16", "--ppcheck-device=cpu"),
        )
    )
    assert (said["seed"], said["memory"], said["model"]) == (5, Budget(1e9), ["demo@blunted"])
    assert (said["dtype"], said["device"], said["json"]) == ("bfloat16", "cpu", "run.json")


def test_nothing_said_is_the_standard(pytester: pytest.Pytester) -> None:
    config = pytester.parseconfigure()
    assert settings_of(config) == STANDARD == Settings()
    assert option(config, "seed") == 0
    assert not any(option(config, name) for name in ("lenient", "no_cache", "json", "model"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("--ppcheck-memory=lots", "*--ppcheck-memory (or ppcheck_memory): 'lots' is not a size*"),
        ("--ppcheck-dtype=int8", "*'int8' is none of float32, float64, bfloat16, float16*"),
        ("--ppcheck-seed=x", "*invalid int value: 'x'*"),
        ("--ppcheck-seed=-1", "*-1 is negative: a seed is a whole number from 0 up*"),
        ("--ppcheck-json=", "*--ppcheck-json (or ppcheck_json): it names no file*"),
        ("--ppcheck-json=game.pp.yaml", "*'game.pp.yaml' is a spec, and would be lost*"),
        ("--ppcheck-markdown=game.pp.yaml", "*'game.pp.yaml' is a spec, and would be lost*"),
        ("--model=", "*--ppcheck-model (or ppcheck_model): it names no model*"),
        ("--ppcheck-against=", "*it names no model*"),
    ],
)
def test_what_means_nothing_is_a_usage_error(
    pytester: pytest.Pytester, spec: Path, given: str, message: str
) -> None:
    result = pytester.runpytest_inprocess(spec, given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


@pytest.mark.trust
@pytest.mark.parametrize(
    "line",
    [
        "ppcheck_seed = abc",
        "ppcheck_seed = -1",
        "ppcheck_lenient = maybe",
        "ppcheck_no_cache = perhaps",
        "ppcheck_allow_pickle = 2",
        "ppcheck_model = 'demo",
        "ppcheck_model = ''",
        "ppcheck_json =",
        "ppcheck_baseline =",
        "ppcheck_report = game.pp.yaml",
        "ppcheck_history = runs",
        "ppcheck_memory = lots",
        "ppcheck_dtype = int8",
    ],
)
def test_what_means_nothing_in_a_configuration_is_a_usage_error_with_the_keys_name(
    pytester: pytest.Pytester, spec: Path, line: str
) -> None:
    pytester.makeini(f"[pytest]\n{line}")
    result = pytester.runpytest_inprocess("--collect-only", spec)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{line.partition(' ')[0]}*"])
    assert "collected" not in result.stdout.str()


@pytest.mark.trust
def test_a_path_in_a_configuration_starts_at_the_configurations_folder(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini(
        INI.replace("./a folder", "./a model").replace("ppcheck_revision = main\n", "")
    )
    shutil.copytree(weights_path(), pytester.path / "a model")
    monkeypatch.chdir(pytester.mkdir("below"))
    config = pytester.parseconfigure()
    paths = {name: option(config, name) for name in ("json", "markdown", "report", "baseline")}
    assert paths == {
        "json": "../run.json",
        "markdown": "../run.md",
        "report": "../site",
        "baseline": "../good.json",
    }
    assert [ref.label for ref in state_of(config).refs] == ["demo@tuned", "../a model"]
    given = pytester.parseconfigure("--ppcheck-json=run.json", "--model=demo")
    assert option(given, "json") == "run.json"


@pytest.mark.trust
def test_a_model_that_a_configuration_names_is_not_looked_for_where_pytest_is_started(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a folder so called is there: it could hold another model."""
    pytester.makeini("[pytest]\nppcheck_model = model\n")
    shutil.copytree(weights_path(), pytester.path / "model")
    shutil.copytree(weights_path("blunted"), pytester.mkdir("below") / "model")
    monkeypatch.chdir(pytester.path / "below")
    (ref,) = state_of(pytester.parseconfigure()).refs
    assert ref.path is not None
    assert ref.path.resolve() == pytester.path / "model"


def test_the_record_says_in_what_precision_and_where(
    pytester: pytest.Pytester, spec: Path, read_record: Reader
) -> None:
    claims = {}
    for dtype in ("float32", "float64"):
        result = pytester.runpytest_inprocess(
            spec, "--ppcheck-dtype", dtype, "--ppcheck-json=run.json", "--ppcheck-memory=100MB"
        )
        result.assert_outcomes(passed=3, failed=1)
        record = read_record("run.json")
        assert (record["model"]["dtype"], record["model"]["device"]) == (dtype, "cpu")
        claims[dtype] = {claim["id"]: claim for claim in record["claims"]}
        assert claims[dtype]["sure"]["known"] == 0, "another precision is another measurement"
    first, second = (
        claims[dtype]["deterred"]["statistics"]["difference"]["estimate"] for dtype in claims
    )
    assert first != second
    assert first == pytest.approx(second, abs=1e-5)


def test_a_device_that_is_not_there_is_one_clear_error(
    pytester: pytest.Pytester, spec: Path
) -> None:
    result = pytester.runpytest_inprocess(spec, "--ppcheck-device", "cuda:7")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*this machine has no device 'cuda:7': torch finds cpu*"])


@pytest.mark.trust
@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("ppcheck_modle = demo", "*ppcheck_modle in *tox.ini is not an option: did you mean*"),
        ("ppcheck_bless = true", "*ppcheck_bless in *tox.ini is given on the command line alone*"),
    ],
)
def test_a_key_that_would_be_ignored_is_a_usage_error(
    pytester: pytest.Pytester, key: str, message: str
) -> None:
    pytester.makeini(f"[pytest]\n{key}\n")
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
