"""How often what a search finds is so: over seeds, in random models, and where a part was moved.

    python -m tests.discover.replication [seeds] [random] [moved]

It prints what docs/discover.md shows. On two cores it takes about a quarter of an hour.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ppcheck.demo import weights_path
from ppcheck.discover.discover import Discovery, discover
from ppcheck.discover.draft import read_draft
from ppcheck.discover.laboratory import Laboratory, Model
from ppcheck.discover.only import EVERYTHING, Only
from ppcheck.discover.search import INSIDE
from ppcheck.subject.load import load, resolve
from ppcheck.subject.store import Memory
from tests.discover.conftest import DOSES, FEELINGS
from tests.discover.conftest import GAME as SHORT

SEEDS, RANDOM, SHUFFLED, MOVED = 20, 40, 10, 30
MOST = 30
ALL_FEELINGS = (
    "{pain: [pain, agony, ache], pleasure: [pleasure, delight, joy], "
    "neutral: [light, sound, breeze]}"
)
GAME = SHORT.replace(FEELINGS, ALL_FEELINGS)
MOVERS = {"pain-not-neutral": (1, 1), "pleasure-not-neutral": (1, 0)}
"""Which head of the demo, by layer and number, brings most of what, by the ids of claims."""


def main(wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, study in (("seeds", _seeds), ("random", _random), ("moved", _moved)):
            if not wanted or name in wanted:
                study(Path(folder))


def _seeds(folder: Path) -> None:
    """Twenty ways to halve the demo's prompts: how many claims hold, phase by phase."""
    verdicts: dict[str, Counter[str]] = {}
    for seed in range(SEEDS):
        discovery = _found("demo", _file(folder, GAME + f"    seed: {seed}\n"), seed)
        for finding in discovery.findings:
            verdict = discovery.judged[finding.id].verdict.partition(",")[0]
            verdicts.setdefault(finding.phase, Counter())[verdict] += 1
        _say(f"seed {seed}: {discovery.holding} of {len(discovery.findings)} hold")
    for phase, counts in verdicts.items():
        _say(_row(phase, counts))
    _say(_row("all", sum(verdicts.values(), Counter())))


def _row(name: str, counts: Counter[str]) -> str:
    share = counts["holds"] / counts.total()
    return f"| {name} | {counts.total()} | {share:.1%} | {dict(counts)} |"


def _random(folder: Path) -> None:
    """Models that know nothing: what is claimed of their inside, and what of that holds."""
    claims = held = models = 0
    for name, text in _of_chance(folder):
        discovery = _found(name, _file(folder, text), 0)
        inside = [finding for finding in discovery.findings if finding.phase in INSIDE]
        models += bool(inside)
        claims += len(inside)
        held += sum(discovery.judged[finding.id].holds for finding in inside)
    _say(f"random: {claims} claims about the inside of {models} of {RANDOM} models; {held} hold")


def _of_chance(folder: Path) -> Iterator[tuple[str, str]]:
    """Untrained models of several shapes, and the demo with its words' classes shuffled."""
    yield "demo@step0", GAME
    shapes = [_gpt2, _llama]
    for number in range(1, RANDOM - SHUFFLED):
        yield str(_saved(folder, shapes[number % 2](number), f"random{number}")), GAME
    for number in range(SHUFFLED):
        yield "demo", _shuffled(number)


def _moved(folder: Path) -> None:
    """The demo with its heads in another order: whether the moved ones are named."""
    from transformers import GPT2LMHeadModel

    from ppcheck.demo.train_updates import derangements, rewire

    demo: Any = GPT2LMHeadModel.from_pretrained(weights_path(None))
    named: Counter[str] = Counter()
    for seed in range(MOVED):
        path = _saved(folder, rewire(demo, seed), f"moved{seed}")
        orders = derangements(demo.config.n_layer, demo.config.n_head, seed)
        discovery = _found(str(path), _file(folder, GAME), 0, Only(frozenset({"heads"})))
        ids = {finding.id for finding in discovery.findings if discovery.judged[finding.id].holds}
        for effect, (layer, head) in MOVERS.items():
            new = orders[layer].index(head)
            named[effect] += f"{effect}-head-l{layer}h{new}" in ids
        _say(f"{seed}: {', '.join(sorted(ids))}")
    for effect, count in named.items():
        _say(f"moved: {effect} named in {count} of {MOVED}")


def _found(model: str, path: Path, seed: int, only: Only = EVERYTHING) -> Discovery:
    ref = resolve(model)
    laboratory = Laboratory(Model(ref, load(ref), Memory(), None, seed), read_draft(path))
    return discover(laboratory, MOST, lambda _: None, only)


def _gpt2(seed: int) -> Any:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    config = GPT2Config.from_pretrained(weights_path(None))
    config.n_layer, config.initializer_range = 2 + seed % 4, (0.02, 0.1, 0.3)[seed % 3]
    return GPT2LMHeadModel(config)


def _llama(seed: int) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=80,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2 + seed % 4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=(0.02, 0.1, 0.3)[seed % 3],
        bos_token_id=None,
        eos_token_id=1,
    )
    return LlamaForCausalLM(config)


def _saved(folder: Path, model: Any, name: str) -> Path:
    """A directory of the model with the demo's tokenizer."""
    path = folder / name
    model.save_pretrained(path)
    for file in weights_path(None).glob("tokenizer*"):
        shutil.copy(file, path)
    return path


def _shuffled(seed: int) -> str:
    """The game with words in classes that mean nothing: each has one of every kind."""
    kinds = [
        ["pain", "agony", "ache"],
        ["pleasure", "delight", "joy"],
        ["light", "sound", "breeze"],
    ]
    draw = random.Random(seed)
    mixed = zip(*(draw.sample(kind, 3) for kind in kinds), strict=True)
    one, other, third = (f"[{', '.join(words)}]" for words in mixed)
    text = GAME.replace(ALL_FEELINGS, f"{{one: {one}, other: {other}, third: {third}}}")
    return text.replace("{feeling: [pain, neutral]}", "{feeling: [one, third]}").replace(
        DOSES, "[faint, mild, extreme]"
    )


def _file(folder: Path, text: str) -> Path:
    path = folder / "game.pp.yaml"
    path.write_text(text)
    return path


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
