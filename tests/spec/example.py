"""A small spec, and what tests do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ppcheck.spec.load import Spec

SPEC = """\
ppcheck: 1
title: the game
prompts:
  game:
    template: "win 2 for {dose} {feeling} and {item} . pick"
    vary:
      item: [tea, milk, salt]
      feeling: {pain: [ache, sting], joy: [glee, cheer]}
      dose: {ordered: [faint, mild, severe]}
    choices: {two: "2", three: [three, "3"]}
    pairs: {feeling: [pain, joy]}
claims:
  - id: first
    says: Two is picked.
    check: choice
    on: game
    choice: two
    expect: {rate: ">= 0.5"}
  - id: second
    says: A head moves it.
    check: patch
    on: game
    site: L0H0
    mode: denoise
    metric: logit_diff(two, three)
    expect: {recovery: ">= 0.5"}
"""
"""A valid spec, its claims on lines 13 and 19: tests change one thing and see what is said."""

Written = Callable[..., Path]
Loaded = Callable[..., Spec]
Failure = Callable[..., str]


def changed(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
