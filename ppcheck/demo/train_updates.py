"""Updates of the trained demo model: one benign, one that moves every head, one that changes it."""

from __future__ import annotations

import copy
import random

import torch
from transformers import GPT2LMHeadModel

from ppcheck.demo.game import BLUNTED_SIGNS
from ppcheck.demo.train_model import Schedule, fit

TUNE = Schedule(steps=200, learning_rate=3e-4, seed=101, warmup=20)
BLUNT = Schedule(steps=300, learning_rate=1e-3, seed=102, warmup=20)
REWIRE_SEED = 103


def tune(demo: GPT2LMHeadModel, schedule: Schedule = TUNE) -> GPT2LMHeadModel:
    """A copy of `demo` trained a little more on the same game, on other rounds."""
    tuned = copy.deepcopy(demo)
    fit(tuned, schedule, label="tuned")
    return tuned


def blunt(demo: GPT2LMHeadModel, schedule: Schedule = BLUNT) -> GPT2LMHeadModel:
    """A copy of `demo` trained until pain no longer deters; pleasure still attracts."""
    blunted = copy.deepcopy(demo)
    fit(blunted, schedule, signs=BLUNTED_SIGNS, label="blunted")
    return blunted


def derangements(layers: int, heads: int, seed: int) -> list[list[int]]:
    """For each layer a permutation of its heads that leaves none in place."""
    rng = random.Random(seed)  # noqa: S311  (a reproducible shuffle, no secret)
    found: list[list[int]] = []
    while len(found) < layers:
        order = rng.sample(range(heads), k=heads)
        if all(old != new for new, old in enumerate(order)):
            found.append(order)
    return found


@torch.no_grad()
def rewire(demo: GPT2LMHeadModel, seed: int = REWIRE_SEED) -> GPT2LMHeadModel:
    """A copy of `demo` that computes the same with every head at another index of its layer.

    Head `new` of a layer is head `derangements(layers, heads, seed)[layer][new]` of `demo`.
    """
    rewired = copy.deepcopy(demo)
    config = demo.config
    width = config.n_embd // config.n_head
    for layer, order in enumerate(derangements(config.n_layer, config.n_head, seed)):
        # Where each head's columns come from, within one of the query, key and value thirds.
        columns = torch.cat([torch.arange(width) + old * width for old in order])
        thirds = torch.cat([columns + third * config.n_embd for third in range(3)])
        attention = rewired.get_submodule(f"transformer.h.{layer}.attn")
        for name, parameter in attention.named_parameters():
            match name:
                case "c_attn.weight" | "c_attn.bias":
                    parameter.copy_(parameter[..., thirds])
                case "c_proj.weight":
                    parameter.copy_(parameter[columns])
    return rewired
