"""Options on the command line, and the same ones in pytest's configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppcheck.plugin.options import OPTIONS, option, settings_of
from ppcheck.subject.settings import STANDARD, Budget, Settings

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
    others = {"ppcheck_bless", "ppcheck_against"}  # one is an act, and one excludes a baseline
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
        ("--ppcheck-memory=lots", "*--ppcheck-memory (or ppcheck_memory): 'lots' is no size*"),
        ("--ppcheck-dtype=int8", "*'int8' is none of float32, float64, bfloat16, float16*"),
        ("--ppcheck-seed=x", "*invalid int value: 'x'*"),
    ],
)
def test_what_means_nothing_is_a_usage_error(
    pytester: pytest.Pytester, spec: Path, given: str, message: str
) -> None:
    result = pytester.runpytest_inprocess(spec, given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


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
