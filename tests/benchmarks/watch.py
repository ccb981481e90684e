"""A pytest plugin that notes what a run takes once its model is loaded, into the file NOTES names.

These are seconds, megabytes that are held and the most that are, and tokens by block.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from ppcheck.arrays import Integers
from ppcheck.subject import load as loading
from ppcheck.subject.engine.blocks import Blocks
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.loaded import LoadedSubject
from tests.benchmarks.workload import held_mb, peak_mb


@dataclass
class Watch:
    """From the moment a model is loaded to the end of the run."""

    tokens: Counter[int] = field(default_factory=Counter)
    held: float = 0.0
    started: float = 0.0
    until: ExitStack = field(default_factory=ExitStack)
    peak: list[float] = field(default_factory=list)

    def start(self, subject: LoadedSubject) -> None:
        device = subject._engine.device
        on_cpu = device.type == "cpu"
        self.held = held_mb() if on_cpu else torch.cuda.memory_allocated(device) / 1e6
        self.peak = self.until.enter_context(peak_mb(device))
        self.started = time.perf_counter()

    def count(self) -> None:
        """Count what blocks are called with, one by one and in whole passes.

        Hooks on the modules would be copied with the model.
        """
        blocks, engine = cast(Any, Blocks), cast(Any, Engine)
        run, forward = blocks.run, engine.forward

        def counting(these: Blocks, layer: int, hidden: Tensor, *args: Any) -> Any:
            self.tokens[layer] += hidden.shape[0] * hidden.shape[1]
            return run(these, layer, hidden, *args)

        def counting_all(this: Engine, ids: Integers, *args: Any, **kwargs: Any) -> Any:
            for layer in range(this.shape.n_layers):
                self.tokens[layer] += ids.size
            return forward(this, ids, *args, **kwargs)

        blocks.run, engine.forward = counting, counting_all

    def notes(self) -> dict[str, Any]:
        seconds = time.perf_counter() - self.started
        self.until.close()
        tokens = [self.tokens[layer] for layer in range(max(self.tokens) + 1)]
        return {"seconds": seconds, "held": self.held, "peak": self.peak[0], "tokens": tokens}


_WATCH = pytest.StashKey[Watch]()


def pytest_configure(config: pytest.Config) -> None:
    watch = config.stash[_WATCH] = Watch()
    watch.count()
    load = loading.load

    def watched(*args: Any, **kwargs: Any) -> LoadedSubject:
        subject = load(*args, **kwargs)
        watch.start(subject)
        return subject

    loading.load = watched


def pytest_unconfigure(config: pytest.Config) -> None:
    notes = json.dumps(config.stash[_WATCH].notes())
    Path(os.environ["NOTES"]).write_text(notes, encoding="utf-8")
