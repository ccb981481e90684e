"""What runs know from runs before them: counted in forward passes, equal to the last byte."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import SPEC, write_spec

PROPERTY = """
  - id: always
    says: B is never chosen, which is not so.
    check: property
    on: game[feeling=neutral]
    forall: {points: {integers: [1, 9]}}
    always: logit_diff(a, b) > 0
    expect: {counterexamples: "<= 0"}
"""
Reader = Callable[[str], dict[str, Any]]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each forward pass of the engine, in this process; loading tries the model too."""
    from transformers import GPT2LMHeadModel

    from ppcheck.subject.model import causal

    rows: list[int] = []
    model: Any = GPT2LMHeadModel
    forward, check = model.forward, causal.check_causal

    @wraps(forward)
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        rows.append(len(kwargs["input_ids"]))
        return forward(self, *args, **kwargs)

    def uncounted(*args: Any) -> None:
        before = len(rows)
        check(*args)
        del rows[before:]

    monkeypatch.setattr(model, "forward", counted)
    monkeypatch.setattr(causal, "check_causal", uncounted)
    return rows


@pytest.fixture
def run(pytester: pytest.Pytester, read_record: Reader) -> Callable[..., dict[str, dict[str, Any]]]:
    """Run the spec in this folder, whose claims are not known by themselves: records by id."""

    def claims(*options: str) -> dict[str, dict[str, Any]]:
        shutil.rmtree(pytester.path / ".pytest_cache/d/ppcheck-claims", ignore_errors=True)
        pytester.runpytest_inprocess("game.pp.yaml", "--ppcheck-json", "run.json", *options)
        return {claim["id"]: claim for claim in read_record("run.json")["claims"]}

    return claims


def same_but_for_rounding(one: Any, other: Any) -> bool:
    """Prompts that run beside others are rounded otherwise, and so may be which is the worst."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-4, abs=1e-5)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            same_but_for_rounding(one[name], other[name]) for name in one if name != "worst"
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same_but_for_rounding, one, other))
    return bool(one == other)


def kept(pytester: pytest.Pytester) -> list[Path]:
    return sorted(pytester.path.glob(".pytest_cache/d/ppcheck/*/*"))


def figures(claims: dict[str, dict[str, Any]]) -> dict[str, Any]:
    parts = ("statistics", "facts", "verdict", "notes", "reason")
    return {name: [claim[part] for part in parts] for name, claim in claims.items()}


@pytest.mark.usefixtures("spec")
def test_a_second_run_makes_no_forward_pass_and_gives_the_same_figures(
    run: Callable[..., Any], passes: list[int]
) -> None:
    first = run()
    assert passes
    passes.clear()
    second = run()
    assert passes == []
    assert figures(first) == figures(second)
    assert all(claim["asked"] == claim["known"] > 0 for claim in second.values())
    assert first["sure"]["known"] == 0


@pytest.mark.usefixtures("spec")
def test_within_a_run_nothing_is_measured_twice(run: Callable[..., Any]) -> None:
    claims = run()
    assert (claims["deterred"]["known"], claims["attracted"]["known"]) == (0, 2)


def test_editing_words_and_bounds_measures_nothing(
    pytester: pytest.Pytester, spec: Path, run: Callable[..., Any], passes: list[int]
) -> None:
    del spec
    assert run()["attracted"]["verdict"] == "fails"
    passes.clear()
    edited = SPEC.replace('"> 0.1"', '"< 0.1"').replace("Pain makes B rarer", "Pain deters")
    write_spec(pytester, edited)
    assert run()["attracted"]["verdict"] == "holds"
    assert passes == []


def test_a_wider_claim_measures_only_what_is_new(
    pytester: pytest.Pytester, run: Callable[..., Any]
) -> None:
    for sites, known in (("[L2H0, L2H1]", 0), ("L2H*", 2 + 2), ("L2H1", 1 + 2)):
        write_spec(pytester, SPEC.replace("resid_post.L3", sites))
        claim = run("-k", "last-stream")["last-stream"]
        assert claim["known"] == known, sites
    assert claim["asked"] == claim["known"]


@pytest.mark.usefixtures("spec")
def test_what_a_run_measured_before_it_was_cut_off_is_known(run: Callable[..., Any]) -> None:
    assert list(run("-x")) == ["sure", "deterred", "attracted"]
    claims = run()
    assert [claim["asked"] - claim["known"] for claim in claims.values()] == [0, 0, 0, 1]


@pytest.mark.usefixtures("spec")
def test_other_weights_are_measured_again(run: Callable[..., Any]) -> None:
    demo = run()
    blunted = run("--model", "demo@blunted")
    assert not blunted["sure"]["known"]
    assert not blunted["deterred"]["known"]
    assert figures(demo) != figures(blunted)


@pytest.mark.usefixtures("spec")
def test_damaged_entries_are_measured_again_and_the_others_are_not(
    pytester: pytest.Pytester, run: Callable[..., Any]
) -> None:
    first, files = run(), kept(pytester)
    whole = [path.read_bytes() for path in files]
    # The two largest are endings, which no claim asks for; before them is what was read.
    *_, flipped, cut, _, _ = sorted(files, key=lambda path: path.stat().st_size)
    content = flipped.read_bytes()
    flipped.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    cut.write_bytes(cut.read_bytes()[:-8])
    second = run()
    assert figures(first) == figures(second)
    missing = sum(claim["asked"] - claim["known"] for claim in second.values())
    assert 2 <= missing < sum(claim["asked"] for claim in second.values())
    assert [path.read_bytes() for path in kept(pytester)] == whole


@pytest.mark.usefixtures("spec")
def test_no_cache_neither_reads_nor_writes(
    pytester: pytest.Pytester, run: Callable[..., Any], passes: list[int]
) -> None:
    without = run("--ppcheck-no-cache")
    assert kept(pytester) == []
    once = list(passes)
    with_cache = run()
    passes.clear()
    again = run("--ppcheck-no-cache")
    assert passes == once
    assert figures(without) == figures(with_cache) == figures(again)
    assert again["attracted"]["known"] == 2


@pytest.mark.usefixtures("spec")
def test_the_order_of_claims_and_what_is_known_before_change_figures_by_rounding_alone(
    pytester: pytest.Pytester, run: Callable[..., Any]
) -> None:
    forward = run("--ppcheck-no-cache")
    pytester.makeconftest(
        "import pytest\n"
        "@pytest.hookimpl(trylast=True)\n"
        "def pytest_collection_modifyitems(items):\n"
        "    items.reverse()\n"
    )
    backward = run("--ppcheck-no-cache")
    run("-k", "last-stream")
    partly_known = run()
    assert same_but_for_rounding(figures(forward), figures(backward))
    assert same_but_for_rounding(figures(forward), figures(partly_known))


@pytest.mark.usefixtures("spec")
def test_cache_clear_forgets(run: Callable[..., Any]) -> None:
    run("-k", "sure")
    assert run("-k", "sure")["sure"]["known"] > 0
    assert run("-k", "sure", "--cache-clear")["sure"]["known"] == 0


@pytest.mark.usefixtures("spec")
def test_a_run_without_pytests_cache_measures(
    pytester: pytest.Pytester, run: Callable[..., Any]
) -> None:
    assert run("-k", "sure", "-p", "no:cacheprovider")["sure"]["verdict"] == "holds"
    assert kept(pytester) == []


def block(cache: Path) -> None:
    """Put files where the folder's own folders would be."""
    cache.mkdir(parents=True)
    for number in range(256):
        (cache / f"{number:02x}").write_text("in the way")


@pytest.mark.trust
@pytest.mark.parametrize("blocked", [".pytest_cache", "d", "d/ppcheck", "d/ppcheck/*"])
def test_a_cache_that_cannot_be_used_is_said_once_and_fails_nothing(
    pytester: pytest.Pytester, spec: Path, blocked: str
) -> None:
    """Also where warnings are errors."""
    cache = pytester.path / ".pytest_cache"
    if blocked.endswith("*"):
        block(cache / "d" / "ppcheck")
    else:
        file = cache if blocked == cache.name else cache / blocked
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("in the way")
    quiet = ("-p", "no:stepwise", "-W", "error", "-W", "ignore::pytest.PytestCacheWarning")
    result = pytester.runpytest_inprocess(spec, "--ppcheck-json=run.json", "-k", "not last", *quiet)
    result.assert_outcomes(passed=2, failed=1, deselected=1)
    said = [line for line in result.outlines if "the cache" in line]
    assert len(said) == 1
    assert said[0].startswith("warning: the cache cannot be written, and nothing is kept")


@pytest.mark.trust
@pytest.mark.slow
@pytest.mark.usefixtures("spec")
def test_several_workers_say_it_once(pytester: pytest.Pytester) -> None:
    block(pytester.path / ".pytest_cache" / "d" / "ppcheck")
    result = pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(passed=3, failed=1)
    assert result.stdout.str().count("the cache cannot be written") == 1


@pytest.mark.slow
@pytest.mark.usefixtures("spec")
def test_workers_fill_one_cache_that_a_run_alone_can_use(
    pytester: pytest.Pytester, run: Callable[..., Any], read_record: Reader, passes: list[int]
) -> None:
    pytester.runpytest_subprocess("-n", "2", "--ppcheck-json", "workers.json", "game.pp.yaml")
    alone = run()
    assert passes == []
    workers = {claim["id"]: claim for claim in read_record("workers.json")["claims"]}
    assert figures(workers) == figures(alone)


@pytest.mark.slow
@pytest.mark.usefixtures("spec")
def test_two_runs_at_once_share_a_cache(
    pytester: pytest.Pytester, run: Callable[..., Any], read_record: Reader, passes: list[int]
) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "game.pp.yaml", "--ppcheck-json"]
    both = [
        subprocess.Popen([*command, name], cwd=pytester.path, stdout=subprocess.DEVNULL)
        for name in ("one.json", "other.json")
    ]
    assert [process.wait() for process in both] == [1, 1]  # `attracted` fails
    alone = run()
    assert passes == []
    for name in ("one.json", "other.json"):
        claims = {claim["id"]: claim for claim in read_record(name)["claims"]}
        assert figures(claims) == figures(alone)


@pytest.mark.parametrize(
    ("options", "ci", "folders"), [((), "", 1), (("--ppcheck-no-cache",), "", 0), ((), "true", 0)]
)
def test_a_counterexample_is_kept_for_the_next_run_but_not_under_ci(
    pytester: pytest.Pytester,
    run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    ci: str,
    folders: int,
) -> None:
    monkeypatch.setenv("CI", ci)
    write_spec(pytester, SPEC.split("  - id: sure")[0] + PROPERTY)
    claim = run(*options)["always"]
    assert claim["facts"]["counterexample"]["words"] == {"points": "1"}
    assert claim["statistics"]["counterexamples"]["worst"][0]["value"] == 1
    examples = pytester.path / ".pytest_cache" / "d" / "ppcheck-examples"
    assert len(list(examples.glob("*"))) == folders
