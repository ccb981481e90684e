"""W9 and W10: what a run takes before its first forward pass, and where none is left to do."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from ppcheck.demo import weights_path
from tests.benchmarks.conftest import Table
from tests.benchmarks.workload import seconds

pytestmark = pytest.mark.usefixtures("as_usual")

ROOT = Path(__file__).parents[2]
SEVEN = "specs/demo/behaviour.pp.yaml"
ROUNDS = 3
IMPORT = "import torch"
FLOOR = f"""
import json
import torch
import transformers
config = json.load(open({str(weights_path() / "config.json")!r}))
getattr(transformers, config["architectures"][0]).from_pretrained({str(weights_path())!r})
transformers.AutoTokenizer.from_pretrained({str(weights_path())!r})
"""
"""What no run that measures can do without: its model's class, its weights and its tokenizer."""
MANY = 1000
SPEC = """
ppcheck: 1
title: many claims about one game
prompts:
  game:
    template: "{opening} . choose A for {points} points .
      choose B for 5 points and {dose} {feeling} . so choose"
    vary:
      opening: [hello, we play, a small game]
      points: [3, 5, 7]
      dose: {ordered: [faint, mild, strong, severe]}
      feeling: [pain, agony, light, sound]
    choices: {a: A, b: B}
claims:
"""
CLAIM = """
  - id: answers-{number}
    says: The answers are A and B, at least {bound} of the time.
    check: choice
    on: game
    choice: b
    expect: {{mass: ">= {bound}"}}
"""


@dataclass(frozen=True)
class Startup:
    """``cold_over_floor``: seven unknown claims over what loading the model takes by itself.

    ``warm_over_torch``: one known claim over `import torch`.
    """

    cold_over_floor: float
    warm_over_torch: float
    thousand_known_seconds: float


@dataclass(frozen=True)
class Shipped:
    """Seconds of all shipped specs on the demo model, start-up included."""

    cold_seconds: float
    warm_seconds: float


@dataclass(frozen=True)
class Compared(Shipped):
    """And of those of an earlier revision."""

    before_cold_seconds: float
    before_warm_seconds: float


def test_w9_start_up(tmp_path: Path, table: Table, tiny: bool) -> None:
    caches = (tmp_path / f"cold-{number}" for number in range(ROUNDS))
    warm, many = tmp_path / "warm", tmp_path / "many"
    one = f"{SEVEN}::pain-deters"
    spec = _many(tmp_path, 20 if tiny else MANY)
    _pytest(warm, one)
    took = _interleaved(
        {
            "torch": lambda: _python(IMPORT),
            "warm": lambda: _pytest(warm, one),
            "floor": lambda: _python(FLOOR),
            "cold": lambda: _pytest(next(caches), SEVEN),
        },
        1 if tiny else ROUNDS,
    )
    first = seconds(lambda: _pytest(many, str(spec)))
    again = seconds(lambda: _pytest(many, str(spec)))
    figures = Startup(took["cold"] / took["floor"], took["warm"] / took["torch"], again)
    notes = ", ".join(f"{name} {median:.1f} s" for name, median in took.items())
    table.add("W9", figures, f"{notes}; the thousand at first {first:.0f} s")


def test_w10_the_shipped_specs_on_the_demo(
    request: pytest.FixtureRequest, tmp_path: Path, table: Table, tiny: bool
) -> None:
    before = request.config.getoption("--before")
    specs = SEVEN if tiny else "specs"
    took: dict[str, list[float]] = {}
    with ExitStack() as stack:
        roots = {"now": ROOT}
        if before:
            roots["before"] = _worktree(before, tmp_path / "before", stack)
        for _ in ("cold", "warm"):
            for name, root in reversed(roots.items()):
                run = partial(_pytest, tmp_path / f"cache-{name}", specs, root)
                took.setdefault(name, []).append(seconds(run))
    figures = Shipped(*took["now"])
    if before:
        figures = Compared(*took["now"], *took["before"])
    table.add("W10", figures, f"before is {before}" if before else "")


def _interleaved(runs: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """The median seconds of each, all of them once in each round."""
    took = [{name: seconds(run) for name, run in runs.items()} for _ in range(rounds)]
    return {name: statistics.median(each[name] for each in took) for name in runs}


def _many(folder: Path, count: int) -> Path:
    """A spec of so many claims, each with a bound of its own."""
    path = folder / "many.pp.yaml"
    claims = [CLAIM.format(number=n, bound=f"{0.5 + n / 4000:.5f}") for n in range(count)]
    path.write_text(SPEC + "".join(claims), encoding="utf-8")
    return path


def _python(code: str) -> None:
    _run(["-c", code], ROOT)


def _pytest(cache: Path, specs: str, root: Path = ROOT) -> None:
    command = ["-m", "pytest", specs, "-q", "-p", "no:xdist", "--model=demo"]
    _run([*command, "-o", f"cache_dir={cache}"], root)


def _run(arguments: Sequence[str], root: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout + done.stderr


def _worktree(revision: str, path: Path, stack: ExitStack) -> Path:
    """The files of a revision, for as long as the stack is open."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(ROOT), "worktree", *arguments], check=True)

    git("add", "--quiet", "--detach", str(path), revision)
    stack.callback(git, "remove", "--force", str(path))
    return path
