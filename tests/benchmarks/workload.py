"""What the benchmarks measure: models of published shapes with random weights, prompts, costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ppcheck.arrays import Floats, Integers
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.device import found_device
from ppcheck.subject.model.info import Shape
from ppcheck.subject.model.settings import Settings

CPU = torch.device("cpu")
ANSWERS = (11, 23)
"""The tokens whose logits are compared."""
SIDES = {"cpu": 2**11}
_FILLS_GPU = 2**13
_TINY = 2**7
_AGREES = 1e-4
_ROUNDINGS = 16


@dataclass(frozen=True)
class LogitDiff:
    """Logit of the first answer minus logit of the second."""

    tokens: Integers | None

    def values(self, logits: Floats, rows: Integers) -> Floats:  # noqa: ARG002
        return np.asarray(logits[:, 0] - logits[:, 1])

    @classmethod
    def of(cls, prompts: int) -> LogitDiff:
        return cls(np.tile(np.array([ANSWERS]), (prompts, 1)))


def pairs(count: int, length: int, differs: int, vocabulary: int) -> tuple[Any, Any]:
    """Ids of clean and corrupted prompts, [pair, token]; only the token ``differs`` is replaced."""
    rng = np.random.default_rng(0)
    clean = rng.integers(0, vocabulary, (count, length))
    corrupted = clean.copy()
    corrupted[:, differs] = (clean[:, differs] + 1 + rng.integers(0, vocabulary - 1)) % vocabulary
    return clean, corrupted


def prompts(ids: Integers) -> list[Prompt]:
    """Prompts of these ids, [prompt, token]."""
    return [
        Prompt("ids", (Turn(tuple(Piece(str(n), None, (int(n),)) for n in row)),), {}, "u", {}, "")
        for row in ids
    ]


def save(config: Any, path: Path) -> Path:
    """A model of this config with random weights, in the format that any other model has."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    auto: Any = AutoModelForCausalLM
    auto.from_config(config).save_pretrained(path)
    return path


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def steady(run: Callable[[], object], device: torch.device = CPU) -> float:
    """Seconds until the device is done; on a GPU of a second run, since the first loads kernels."""
    if device.type == "cpu":
        return seconds(run)

    def whole() -> None:
        run()
        torch.cuda.synchronize(device)

    whole()
    return seconds(whole)


def tolerance(dtype: torch.dtype) -> float:
    """How far apart two exact orders of evaluation may leave a logit of random weights."""
    return max(_AGREES, _ROUNDINGS * torch.finfo(dtype).eps)


@contextmanager
def peak_mb(device: torch.device = CPU) -> Iterator[list[float]]:
    """The most memory that is held meanwhile, once it is over: on a CPU by this process."""
    peak: list[float] = []
    if device.type == "cpu":
        reset_peak()
        yield peak
        peak.append(held_mb("VmHWM"))
    else:
        torch.cuda.reset_peak_memory_stats(device)
        yield peak
        peak.append(torch.cuda.max_memory_allocated(device) / 1e6)


def reset_peak() -> None:
    """Forget the most memory that this process has held, where Linux reports it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def held_mb(what: str = "VmRSS") -> float:
    """What this process holds, or with `VmHWM` the most that it has held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{what}:")[1].split()[0]) * 1024 / 1e6


@dataclass
class Products:
    """Large matrix products, timed beside a workload: before it and after it."""

    device: torch.device
    dtype: torch.dtype
    side: int
    seconds: list[float] = field(default_factory=list)

    @classmethod
    def on(cls, settings: Settings, *, tiny: bool = False) -> Products:
        device = found_device(settings.device)
        side = _TINY if tiny else SIDES.get(device.type, _FILLS_GPU)
        return cls(device, getattr(torch, settings.dtype), side)

    def time(self) -> None:
        shape = self.side, self.side
        a, b = (torch.randn(shape, device=self.device, dtype=self.dtype) for _ in range(2))
        with torch.inference_mode():
            self.seconds += [steady(lambda: a @ b, self.device) for _ in range(20)]

    @property
    def flops(self) -> float:
        """Operations a second in the median product: a shared machine has lucky ones."""
        return 2 * self.side**3 / float(np.median(self.seconds))


@contextmanager
def counted(subject: LoadedSubject) -> Iterator[list[int]]:
    """Tokens that blocks are called with, a number for each call."""
    replay = subject._engine.replay
    if replay is None:
        raise TypeError(f"{subject.info.name} is not replayed: {subject.no_replay}")
    blocks: Any = replay.blocks
    run, tokens = blocks.run, list[int]()

    def counting(layer: int, hidden: Tensor, *args: Any) -> Tensor:
        tokens.append(hidden.shape[0] * hidden.shape[1])
        output: Tensor = run(layer, hidden, *args)
        return output

    blocks.run = counting
    try:
        yield tokens
    finally:
        del blocks.run


def block_flops(shape: Shape) -> tuple[float, float, float, float]:
    """For one token in one block: what q, k with v, the output and the MLP cost in products."""
    d, width = shape.d_model, shape.n_heads * shape.d_head
    shared = shape.n_key_value_heads * shape.d_head
    gated = 3 if shape.d_mlp != 4 * d else 2
    return 2 * d * width, 4 * d * shared, 2 * width * d, 2 * gated * d * shape.d_mlp


def unavoidable(shape: Shape, layer: int, tokens: int, *, entering: bool) -> float:
    """FLOPs after one patch at ``layer`` that changes ``tokens`` tokens, the last of them read.

    ``entering`` patches what goes into the block (the residual stream), else a head's output. In
    the last block all tokens give keys and values, and only the last one is carried on.
    """
    q, kv, out, mlp = block_flops(shape)
    last = shape.n_layers - 1
    if layer == last:
        return kv * tokens + q + out + mlp if entering else out + mlp
    own = tokens * ((q + kv if entering else 0) + out + mlp)
    between = (last - 1 - layer) * tokens * (q + kv + out + mlp)
    return own + between + kv * tokens + q + out + mlp


def hooked(model: Any, ids: Tensor, hooks: Sequence[tuple[Any, Callable[..., Any]]]) -> Tensor:
    """Logits at the last token of a plain forward pass with PyTorch hooks on modules."""
    handles = [module.register_forward_pre_hook(hook) for module, hook in hooks]
    try:
        with torch.inference_mode():
            logits: Tensor = model(ids, use_cache=False).logits[:, -1]
        return logits
    finally:
        for handle in handles:
            handle.remove()
