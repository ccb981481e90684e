"""Whole forward passes in batches of equal length; only what is asked for leaves them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from ppcheck.arrays import Floats, Integers
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.batches import Progress, batches
from ppcheck.subject.engine.blocks import Blocks
from ppcheck.subject.engine.frame import cache_name
from ppcheck.subject.engine.hooks import Hook, Hooks, by_hook, not_finite
from ppcheck.subject.engine.memory import Result, captured_size, in_parts, row_size
from ppcheck.subject.engine.prefix import branches
from ppcheck.subject.engine.replay import Replay
from ppcheck.subject.engine.work import Work
from ppcheck.subject.interventions.readout import LastStream, Readout
from ppcheck.subject.model.bridge import Bridge
from ppcheck.subject.model.device import in_numpy, near, total_memory
from ppcheck.subject.model.rounding import Rounding
from ppcheck.subject.model.settings import STANDARD, Budget
from ppcheck.subject.model.site_map import SiteMap
from ppcheck.subject.model.twin import twin

Sequences = Sequence[Sequence[int]]

_SMALL = 10_000_000
_MAX_TOKENS = {"cpu": 2**10}
_FILLS_GPU = 2**16
_MAX_TREE = {"cpu": 2**8}
_FILLS_GPU_TREE = 2**12
"""Each token of a part of a tree is compared with all of the part."""
_WRITTEN, _DRAWN = {"cpu": 2**3}, {"cpu": 2**5}
_FILLS_GPU_WRITTEN = 2**6
_TRIED_TOKENS = 8
_DEFAULT_THREADS = torch.get_num_threads()


class SelfTest(Protocol):
    """What is tried of an engine before what it gives is trusted."""

    def fault(self, engine: Engine, replay: Replay) -> str | None:
        """What of the model cannot be replayed; None where all of it can."""
        ...

    def tree_fault(self, engine: Engine, replay: Replay) -> str | None:
        """Why its prompts cannot be run as a tree; None where they can."""
        ...

    def rounding(self, engine: Engine) -> Rounding:
        """What different orders of evaluation make of the same logits."""
        ...


class Engine:
    """Runs one model.

    A batch holds at most ``max_tokens`` tokens and ``max_logits`` logits and takes at most
    ``memory`` bytes, but is at least one row.
    """

    def __init__(
        self,
        model: Any,
        sites: SiteMap,
        bridge: Bridge,
        label: str,
        self_test: SelfTest,
        memory: Budget = STANDARD.memory,
    ) -> None:
        self._model, self._twin = model, twin(model)
        self.hooks = Hooks(model, sites, bridge, label)
        self.shape = sites.shape
        self._self_test = self_test
        self.work = Work(self.shape.n_layers)
        self.device: torch.device = model.device
        self.dtype: torch.dtype = model.dtype
        self.memory = memory.bytes(total_memory(self.device))
        self.max_tokens = _MAX_TOKENS.get(self.device.type, _FILLS_GPU)
        self.max_tree = _MAX_TREE.get(self.device.type, _FILLS_GPU_TREE)
        self.max_logits = 2**24
        self.max_written = _WRITTEN.get(self.device.type, _FILLS_GPU_WRITTEN)
        self.max_drawn = _DRAWN.get(self.device.type, _FILLS_GPU_WRITTEN)
        # Threads that share one small matrix product mostly wait for each other.
        parameters = sum(parameter.numel() for parameter in model.parameters())
        self._threads = 1 if parameters < _SMALL else _DEFAULT_THREADS
        self._keeps_last = "logits_to_keep" in inspect.signature(model.forward).parameters

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """The tokens with which the model says that it has ended, as its own files have them."""
        named = getattr(self._model, "generation_config", None)
        found = getattr(named, "eos_token_id", None)
        return tuple(found) if isinstance(found, list) else () if found is None else (found,)

    @contextmanager
    def running(self, *, gradients: bool = False) -> Iterator[None]:
        """On as many threads as pay; nothing is kept for ``gradients`` but where they are taken."""
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        with torch.inference_mode(not gradients), torch.set_grad_enabled(gradients):
            yield

    @property
    def replay(self) -> Replay | None:
        """Resumed runs; None where the model cannot be replayed, and `no_replay` says why."""
        return self._replay if self.no_replay is None else None

    @cached_property
    def no_replay(self) -> str | None:
        try:
            with self.running():
                self._replay = Replay(Blocks(self._twin, self.hooks))
        except Exception as error:  # noqa: BLE001 (it is the model's own code that is tried)
            return f"{type(error).__name__}: {error}"
        return self._self_test.fault(self, self._replay)

    @cached_property
    def no_tree(self) -> str | None:
        """Why prompts are not run as a tree; None where they are."""
        if self.replay is None:
            return self.no_replay
        return self._self_test.tree_fault(self, self.replay)

    @cached_property
    def rounding(self) -> Rounding:
        """How far rounding alone moves what the model computes."""
        return self._self_test.rounding(self)

    def captured_rows(self, length: int) -> int:
        """How many prompts of ``length`` tokens are captured together, with their sources."""
        most = self._held(4 * captured_size(self.shape, length))
        return max(1, min(self.max_tokens // length, most))

    def resumed_rows(self, length: int, first: int, readout: Readout) -> int:
        """How many prompts are replayed together from token ``first`` on."""
        tokens, logits = length - first, self.shape.n_vocabulary
        if isinstance(readout, LastStream):
            logits = 0
        elif readout.tokens is not None:
            logits = readout.tokens.shape[1] * self.shape.d_model
        most = self._held(2 * row_size(self.shape, tokens, length, logits))
        return max(1, min(self.max_tokens // tokens, most))

    def rows(self, length: int, keep: int = 1, shared: int = 0) -> int:
        """How many rows of ``length`` tokens fit a batch that unembeds the last ``keep``.

        The first ``shared`` tokens run once for all rows.
        """
        tokens = length - shared
        logits = (keep if self._keeps_last else length) * self.shape.n_vocabulary
        most = self._held(2 * row_size(self.shape, tokens, length, logits))
        return max(1, min(self.max_tokens // tokens, self.max_logits // logits, most))

    def tree_tokens(self, height: int) -> int:
        """How many tokens of a tree run together, beside the keys of a path as long as it is."""
        most = self.max_tree
        while most > 1 and not self._held(row_size(self.shape, most, most + height)):
            most //= 2
        return most

    def written_rows(self, length: int, *, drawn: bool) -> int:
        """How many rows are written together that end by token ``length``: always as many, but
        where the memory is too small. Of those that are ``drawn`` each prompt has several.
        """
        tokens = 1 if self.has_cache else length
        size = row_size(self.shape, tokens, length, tokens * self.shape.n_vocabulary)
        most = self.max_drawn if drawn else self.max_written
        while most > 1 and self._held(2 * size) < most:
            most //= 2
        return most

    def _held(self, size: int) -> int:
        """How many times so many numbers fit the memory. Half precision sums up in single."""
        return self.memory // (max(4, self.dtype.itemsize) * size)

    def forward(
        self,
        ids: Integers,
        hooks: Sequence[tuple[str, Hook]],
        keep: int = 1,
        *,
        gradients: bool = False,
        reads: bool = False,
    ) -> Tensor:
        """Logits of the last ``keep`` tokens, [row, keep, vocabulary], of ids [row, token].

        With ``reads`` no hook writes. Raises MeasurementError where logits are not finite.
        """
        only = {"logits_to_keep": keep} if self._keeps_last else {}
        attached = self.hooks.attached(hooks, len(ids), reads=reads)
        with self.running(gradients=gradients), attached as model:
            output = model(input_ids=self.placed(ids), use_cache=False, **only)
            logits: Tensor = output.logits[:, -keep:]
            if not torch.isfinite(logits).all():
                raise not_finite("logits")
        return logits

    def extended(self, ids: Integers, cache: DynamicCache) -> Tensor:
        """Logits of the last token, [row, vocabulary], of ids [row, token].

        They follow those in ``cache``, which takes them in. Raises MeasurementError where logits
        are not finite.
        """
        only = {"logits_to_keep": 1} if self._keeps_last else {}
        kept = {cache_name(self._model): cache}
        with self.running():
            output = self._model(input_ids=self.placed(ids), use_cache=True, **kept, **only)
            logits: Tensor = output.logits[:, -1]
            if not torch.isfinite(logits).all():
                raise not_finite("logits")
        return logits

    @cached_property
    def has_cache(self) -> bool:
        """Whether the model goes on from a cache of keys and values as in a whole pass."""
        length = min(_TRIED_TOKENS, self.shape.n_positions)
        ids = (np.arange(2 * length).reshape(2, length) * 7 + 3) % self.shape.n_vocabulary
        whole, cache = self.forward(ids, [])[:, -1], DynamicCache()
        try:
            for part in np.split(ids, [length // 2, length - 1], axis=1):
                logits = self.extended(part, cache)
        except Exception:  # noqa: BLE001 (it is the model's own code that is tried)
            return False
        has_keys = all(getattr(layer, "keys", None) is not None for layer in cache.layers)
        return has_keys and near(logits, whole)

    def record(
        self, ids: Integers, sites: Sequence[Site], pick: Callable[[Tensor], Tensor]
    ) -> dict[str, Tensor]:
        """What ``pick`` keeps of the components at each hook (see `Hooks.components`), by hook.

        The components are those of `by_hook`, in its order.
        """
        found: dict[str, Tensor] = {}

        def recorder(hook: str, some: Sequence[Site]) -> Hook:
            def keep(activation: Tensor) -> None:
                found[hook] = pick(self.hooks.components(activation, some))

            return keep

        groups = by_hook(sites)
        hooks = [(hook, recorder(hook, some)) for hook, some in groups.items()]
        self.forward(ids, hooks, reads=True)
        return found

    @cached_property
    def obeys_patterns(self) -> bool:
        """Whether heads without attention output nothing.

        Where the bridge leaves attention to the model's own code it only shows the patterns.
        """
        outputs: list[Tensor] = []
        hooks: list[tuple[str, Hook]] = []
        for layer in range(self.shape.n_layers):
            pattern, head = Site(Kind.PATTERN, layer).hook, Site(Kind.HEAD, layer).hook
            if self.hooks.has(pattern, head):
                hooks += [(pattern, torch.zeros_like), (head, outputs.append)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the bridge warns of what is found out here
            self.forward(np.zeros((1, 1), dtype=np.int64), hooks)
        return not any(output.any() for output in outputs)

    def branches(self, ids: Sequences, keep: Sequence[int]) -> Iterator[tuple[list[int], int]]:
        """Prompts that run together, by number, and how many first tokens they share.

        Of each the last ``keep`` tokens are read.
        """
        if self.replay is not None:
            most = max(keep)
            return branches(ids, keep, lambda length, shared: self.rows(length, most, shared))
        keys = [(len(row), kept) for row, kept in zip(ids, keep, strict=True)]
        return ((batch, 0) for batch in batches(keys, lambda key: self.rows(*key)))

    def placed(self, ids: Integers) -> Tensor:
        return torch.from_numpy(ids).to(self.device)

    def in_batches(
        self,
        ids: Sequences,
        run: Callable[[Sequence[int]], Result],
        what: str,
        progress: Progress,
    ) -> Iterator[tuple[list[int], Result]]:
        """The numbers of prompts of one length that ``run`` took together, and what it gave."""
        done = 0
        for batch in batches([(len(row),) for row in ids], lambda key: self.rows(key[0])):
            for part, result in in_parts(batch, len(batch), run, self.hooks.model):
                yield list(part), result
                done += len(part)
                progress(what, done, len(ids))


def read_out(logits: Tensor, readout: Readout, numbers: Sequence[int]) -> Floats:
    """The readout's values of logits [row, 1, vocabulary] of the prompts ``numbers``, [row]."""
    rows = np.array(numbers, dtype=np.int64)
    last = logits[:, -1]
    if readout.tokens is not None:
        last = last.gather(1, torch.from_numpy(readout.tokens[rows]).to(last.device))
    return readout.values(in_numpy(last), rows)
