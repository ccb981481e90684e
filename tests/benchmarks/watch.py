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
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from ppcheck.subject import load as loading
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
        engine = subject._engine
        for model in (engine._model, engine._twin):
            for layer, name in enumerate(engine.hooks.map.blocks):
                block = model.get_submodule(name)
                block.register_forward_pre_hook(partial(self._count, layer), with_kwargs=True)
        self.held = held_mb()
        if engine.device.type != "cpu":
            self.held = torch.cuda.memory_allocated(engine.device) / 1e6
        self.peak = self.until.enter_context(peak_mb(engine.device))
        self.started = time.perf_counter()

    def _count(self, layer: int, _block: Any, args: Any, kwargs: Any) -> None:
        rows, tokens = (args[0] if args else kwargs["hidden_states"]).shape[:2]
        self.tokens[layer] += rows * tokens

    def notes(self) -> dict[str, Any]:
        seconds = time.perf_counter() - self.started
        self.until.close()
        tokens = [self.tokens[layer] for layer in range(max(self.tokens) + 1)]
        return {"seconds": seconds, "held": self.held, "peak": self.peak[0], "tokens": tokens}


_WATCH = pytest.StashKey[Watch]()


def pytest_configure(config: pytest.Config) -> None:
    watch = config.stash[_WATCH] = Watch()
    load = loading.load

    def watched(*args: Any, **kwargs: Any) -> LoadedSubject:
        subject = load(*args, **kwargs)
        watch.start(subject)
        return subject

    loading.load = watched


def pytest_unconfigure(config: pytest.Config) -> None:
    notes = json.dumps(config.stash[_WATCH].notes())
    Path(os.environ["NOTES"]).write_text(notes, encoding="utf-8")
