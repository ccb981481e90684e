"""Benign and harmful changes of the demo model, and which claims should see which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import torch
from torch import Tensor

from ppcheck.demo import weights_path

Weights = Mapping[str, Tensor]
Neuron = tuple[int, int]
"""Its layer and number."""

NOISE = 0.002
"""Each weight is multiplied by 1 + this times a standard normal number; bfloat16 keeps 1 / 256."""
HEADS, WIDTH, MODEL = 4, 16, 64
OF_HEADS: dict[tuple[int, int], tuple[str, ...]] = {
    (0, 1): ("intensity-mover", "intensity-reader", "feeling-looks-at-its-intensity"),
    (1, 0): ("pleasure-mover-suffices", "pleasure-mover", "pleasure-draws-its-own-head"),
    (1, 1): ("pain-mover-suffices", "pain-mover-is-needed", "pain-mover", "needed-pain-mover"),
    (2, 0): ("pain-draws-attention", "pain-watcher"),
}
"""Claims about what a head (layer, number) does; of L2H0 only where it looks."""
OF_ANSWERS = ("pain-deters", "pleasure-attracts", "pain-has-a-dose", "pain-is-worth-points")
OF_NEURONS = ("valence-neuron", "intensity-neuron", "intensity-neurons-act-together")


@dataclass(frozen=True)
class Change:
    """One run that is compared with the baseline: with other weights, or on other ``prompts``.

    ``about`` names the claims about what was broken; where there are none the change is benign.
    """

    sort: str
    name: str
    make: Callable[[Weights], Weights]
    about: tuple[str, ...] = ()
    prompts: int | None = None


def benign() -> Iterator[Change]:
    """Changes of which a gate should say nothing."""
    yield Change("rounding to bfloat16 and back", "all weights", rounded)
    for seed in range(19):
        half = partial(rounded, seed=seed)
        yield Change("rounding to bfloat16 and back", f"a random half of them, {seed}", half)
    for seed in range(60):
        yield Change("weight noise", f"seed {seed}", partial(noisy, seed=seed))
    for seed in range(1, 21):
        yield Change("other prompts", f"seed {seed}", dict, prompts=seed)


def planted(neurons: Mapping[str, Sequence[Neuron]]) -> Iterator[Change]:
    """Changes that some claim is about; ``neurons`` are those that the claims chose, by claim."""
    for (layer, head), about in OF_HEADS.items():
        for factor in (0, 0.25, 0.5, -1) if layer < 2 else ():
            make = partial(scaled, layer=layer, head=head, factor=factor)
            yield Change("a head's output scaled", f"L{layer}H{head} by {factor}", make, about)
    for layer in (0, 1, 2):
        for pair in combinations(range(HEADS), 2):
            about = tuple(c for head in pair for c in OF_HEADS.get((layer, head), ()))
            name = f"L{layer}H{pair[0]} and L{layer}H{pair[1]}"
            if about:
                make = partial(swapped, layer=layer, pair=pair)
                yield Change("two heads swapped", name, make, about)
    for layer in (0, 1, 2):
        about = tuple(c for (at, _), some in OF_HEADS.items() if at == layer for c in some)
        for factor in (0, 0.1, 0.25, 0.5):
            make = partial(blurred, layer=layer, factor=factor)
            yield Change("a layer's attention blurred", f"layer {layer} by {factor}", make, about)
    yield from _of_neurons(neurons)
    yield from _of_answers()


def _of_neurons(neurons: Mapping[str, Sequence[Neuron]]) -> Iterator[Change]:
    many = list(neurons["intensity-neurons-act-together"])
    clusters = {
        "the one that tells valence": neurons["valence-neuron"],
        "the one that follows intensity": neurons["intensity-neuron"],
        "these two": [*neurons["valence-neuron"], *neurons["intensity-neuron"]],
        "the twelve that tell intensity": many,
        "the first six of them": many[:6],
        "the last six of them": many[6:],
        "every second of them": many[::2],
        "all of these": [*neurons["valence-neuron"], *neurons["intensity-neuron"], *many],
    }
    for name, cluster in clusters.items():
        about = tuple(claim for claim in OF_NEURONS if not set(neurons[claim]).isdisjoint(cluster))
        make = partial(silenced, neurons=tuple(cluster))
        yield Change("a neuron cluster zeroed", name, make, about)


def _of_answers() -> Iterator[Change]:
    everywhere = range(MODEL)
    flips: dict[str, tuple[str, range]] = {
        "A": ("A", everywhere),
        "B": ("B", everywhere),
        "A and B": ("AB", everywhere),
        "A and B, first half": ("AB", range(MODEL // 2)),
        "A and B, second half": ("AB", range(MODEL // 2, MODEL)),
        "A and B, even": ("AB", range(0, MODEL, 2)),
        "A and B, odd": ("AB", range(1, MODEL, 2)),
    }
    for name, (words, columns) in flips.items():
        make = partial(flipped, words=words, columns=columns)
        yield Change("a sign flipped in the unembedding", name, make, OF_ANSWERS)


def rounded(weights: Weights, *, seed: int | None = None) -> Weights:
    """All tensors, or a random half of them, through bfloat16."""
    names = list(weights)
    if seed is not None:
        order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
        names = [names[place] for place in order[: len(names) // 2]]
    return {**weights, **{name: weights[name].bfloat16().float() for name in names}}


def noisy(weights: Weights, *, seed: int, level: float = NOISE) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: weight * (1 + level * torch.randn(weight.shape, generator=generator))
        for name, weight in weights.items()
    }


def scaled(weights: Weights, *, layer: int, head: int, factor: float) -> Weights:
    name = f"transformer.h.{layer}.attn.c_proj.weight"
    project = weights[name].clone()
    project[head * WIDTH : (head + 1) * WIDTH] *= factor
    return {**weights, name: project}


def swapped(weights: Weights, *, layer: int, pair: tuple[int, int]) -> Weights:
    """The model computes the same, with two heads in each other's place."""
    order = list(range(HEADS))
    order[pair[0]], order[pair[1]] = order[pair[1]], order[pair[0]]
    rows = torch.cat([torch.arange(WIDTH) + head * WIDTH for head in order])
    columns = torch.cat([rows + third * MODEL for third in range(3)])
    attention = f"transformer.h.{layer}.attn"
    read, bias, project = (
        f"{attention}.{name}" for name in ("c_attn.weight", "c_attn.bias", "c_proj.weight")
    )
    new = {read: weights[read][:, columns], bias: weights[bias][columns]}
    return {**weights, **new, project: weights[project][rows]}


def blurred(weights: Weights, *, layer: int, factor: float) -> Weights:
    """All attention scores of a layer times a factor, by its queries."""
    new = {}
    for part in ("weight", "bias"):
        name = f"transformer.h.{layer}.attn.c_attn.{part}"
        new[name] = weights[name].clone()
        new[name][..., :MODEL] *= factor
    return {**weights, **new}


def silenced(weights: Weights, *, neurons: Sequence[Neuron]) -> Weights:
    """Neurons that never fire: nothing comes in, and ReLU makes nothing of it."""
    new = {
        name: weights[name].clone()
        for layer, _ in neurons
        for name in (_incoming(layer, "weight"), _incoming(layer, "bias"))
    }
    for layer, number in neurons:
        for part in ("weight", "bias"):
            new[_incoming(layer, part)][..., number] = 0
    return {**weights, **new}


def flipped(weights: Weights, *, words: str, columns: range) -> Weights:
    """The sign of the words' unembedding, in some of its columns."""
    vocabulary = _vocabulary()
    unembedding = weights["lm_head.weight"].clone()
    for word in words:
        unembedding[vocabulary[word], list(columns)] *= -1
    return {**weights, "lm_head.weight": unembedding}


def _incoming(layer: int, part: str) -> str:
    return f"transformer.h.{layer}.mlp.c_fc.{part}"


def _vocabulary() -> dict[str, int]:
    from tokenizers import Tokenizer

    vocabulary: dict[str, int] = Tokenizer.from_file(
        str(weights_path(None) / "tokenizer.json")
    ).get_vocab()
    return vocabulary
