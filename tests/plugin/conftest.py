from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

SPEC = """
ppcheck: 1
title: the game, in short
prompts:
  game:
    template: "{opening} . choose A for {points} points .
      choose B for 5 points and {dose} {feeling} . so choose"
    vary:
      opening: [hello, we play, a small game]
      points: [3, 5, 7]
      dose: {ordered: [faint, mild, strong, severe]}
      feeling: {pain: [pain, agony], neutral: [light, sound]}
    choices: {a: A, b: B}
    pairs: {feeling: [pain, neutral]}
claims:
  - id: sure
    says: The answers are A and B.
    check: choice
    on: game
    choice: b
    expect: {mass: ">= 0.9"}
  - id: deterred
    says: Pain makes B rarer.
    check: contrast
    on: game
    metric: p(b)
    expect: {difference: "< -0.1"}
  - id: attracted
    says: Pain makes B likelier, which is not so.
    check: contrast
    on: game
    metric: p(b)
    expect: {difference: "> 0.1"}
  - id: last-stream
    says: All that differs passes through the last residual stream.
    check: patch
    on: game
    site: resid_post.L3
    mode: denoise
    metric: logit_diff(a, b)
    expect: {recovery: "0.99..1.01"}
"""


@pytest.fixture(scope="session", autouse=True)
def _imported() -> None:
    """Import what a run imports: pytester forgets what a run imports, and some load only once."""
    from ppcheck.measure.registry import CHECKS
    from ppcheck.report.terminal import table
    from ppcheck.subject.load import load, resolve

    for check in CHECKS.values():
        check()
    load(resolve("demo"))
    import_module("ppcheck.subject.operations.self_test")
    import_module("transformer_lens")
    import_module("sqlalchemy.dialects.sqlite")
    # Its own plugin imports it at the end of every run, in a second and more.
    import_module("hypothesis.internal.observability")
    for name in ("record.known", "record.baseline", "record.cache", "report.html", "api.session"):
        import_module(f"ppcheck.{name}")
    table([], colour=True)


@pytest.fixture
def spec(pytester: pytest.Pytester) -> Path:
    """A folder with `game.pp.yaml`: three claims hold on the demo model, `attracted` fails."""
    return write_spec(pytester, SPEC)


@pytest.fixture
def read_record(pytester: pytest.Pytester) -> Callable[[str], dict[str, Any]]:
    def read(name: str = "run.json") -> dict[str, Any]:
        record: dict[str, Any] = json.loads((pytester.path / name).read_text())
        return record

    return read


def write_spec(pytester: pytest.Pytester, text: str, name: str = "game") -> Path:
    """A spec at the root of a project, from which records name it."""
    (pytester.path / ".git").mkdir(exist_ok=True)
    path = pytester.path / f"{name}.pp.yaml"
    path.write_text(text, encoding="utf-8")
    return path
