"""Patches by hand: one prompt is run with what stands in the other of its pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.spec.expectations.metric import Metric
from ppcheck.spec.prompts.grid import Pair, Prompt
from ppcheck.spec.sites.position import Position
from tests.real.plain import Change, Plain, put

Run = tuple[tuple[str, ...], Position]
"""Sites that take the other prompt's activations, at a position."""
SHARE = {"denoise": "recovery", "noise": "damage"}


@dataclass(frozen=True)
class Patched:
    """A metric of pairs, [pair], and of runs with patches, [run, pair]."""

    mode: str
    clean: Floats
    corrupted: Floats
    patched: Floats

    @property
    def gaps(self) -> Floats:
        return self.clean - self.corrupted

    @property
    def changes(self) -> Floats:
        denoised = self.patched - self.corrupted
        return denoised if self.mode == "denoise" else self.clean - self.patched

    @property
    def shares(self) -> Floats:
        return np.asarray(self.changes.sum(axis=1) / self.gaps.sum())


def patched(
    plain: Plain, pairs: Sequence[Pair], runs: Sequence[Run], metric: Metric, mode: str
) -> Patched:
    """Each run of each pair: one prompt with what stands in the other at some sites and tokens."""
    columns = []
    sites = list(dict.fromkeys(site for some, _ in runs for site in some))
    for pair in pairs:
        source, target = pair.clean, pair.corrupted
        if mode == "noise":
            source, target = target, source
        taken = plain.activations(plain.text(source).ids, sites)
        rows = [
            [
                Change(site, plain.at(target, position), put(value))
                for site in some
                for value in [taken[site][list(plain.at(source, position))]]
            ]
            for some, position in runs
        ]
        columns.append(read(plain, metric, target, rows))
    return Patched(mode, *untouched(plain, pairs, metric), np.array(columns).T)


def untouched(plain: Plain, pairs: Sequence[Pair], metric: Metric) -> tuple[Floats, Floats]:
    """The metric of clean and of corrupted prompts, [pair] each."""
    clean = [read(plain, metric, pair.clean, [[]])[0] for pair in pairs]
    corrupted = [read(plain, metric, pair.corrupted, [[]])[0] for pair in pairs]
    return np.array(clean), np.array(corrupted)


def read(plain: Plain, metric: Metric, prompt: Prompt, runs: Sequence[Sequence[Change]]) -> Floats:
    """The metric of each run of a prompt, [run]."""
    ids = plain.text(prompt).ids
    if runs == [[]]:  # from its first token on, with nothing kept
        return np.asarray(plain.metric(metric, prompt, plain.logits(ids, every=True)[-1:]))
    return np.asarray(plain.metric(metric, prompt, plain.logits(ids, runs)))


def per_pair(values: Floats, gaps: Floats) -> Floats:
    """A ratio's values as a record has them: each numerator over the mean gap."""
    return np.asarray(values / gaps.mean())
