"""What one pytest process knows: the models asked for, and the one in memory."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ppcheck.errors import ModelError, SpecError
from ppcheck.plugin.options import option, settings_of

if TYPE_CHECKING:
    from ppcheck.subject.load import ModelRef
    from ppcheck.subject.memo import Store
    from ppcheck.subject.settings import Settings
    from ppcheck.subject.subject import Subject

DEFAULT_MODEL = "demo"


@dataclass
class State:
    """The models under test, and what is known of them.

    Only the last one stays in memory, and the one that it is compared with. ``examples`` is where
    counterexamples are kept.
    """

    refs: tuple[ModelRef, ...]
    seed: int
    settings: Settings
    store: Store
    against: ModelRef | None = None
    examples: Path | None = None
    expectations: int = 0
    named: dict[str, Path] = field(default_factory=dict)
    held: dict[str, Subject] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def name(self, spec: Path) -> None:
        """Take note of a spec. Raises SpecError where another one has the same name in records."""
        from ppcheck.record.naming import spec_name

        name = spec_name(spec)
        other = self.named.setdefault(name, spec.resolve())
        if other != spec.resolve():
            raise SpecError(
                f"{other} is called {name} in records, as this file is: put a pyproject.toml, or a "
                "git repository, in the folder that holds both",
                spec,
            )

    def subject(self, ref: ModelRef) -> Subject:
        """The model, loaded on first use. Raises ModelError where it cannot be loaded."""
        if ref.label in self.broken:
            raise ModelError(f"the model {ref.label!r} could not be loaded: see its first error")
        if ref.label not in self.held:
            from ppcheck.subject.load import load

            kept = self.against.label if self.against else None
            self.held = {label: held for label, held in self.held.items() if label == kept}
            try:
                self.held[ref.label] = load(ref, self.settings)
            except ModelError:
                self.broken.add(ref.label)
                raise
        return self.held[ref.label]


_STATE = pytest.StashKey[State]()


def state_of(config: pytest.Config) -> State:
    """The state of this run. Raises UsageError for a model that cannot be meant."""
    if _STATE not in config.stash:
        from ppcheck.subject.load import resolve

        names = list(dict.fromkeys(option(config, "model") or [DEFAULT_MODEL]))
        try:
            refs = tuple(resolve(name, option(config, "revision")) for name in names)
            other = option(config, "against")
            against = None if other is None else resolve(other)
        except ModelError as error:
            raise pytest.UsageError(str(error)) from None
        seed, settings = option(config, "seed"), settings_of(config)
        store, examples = _store(config), _examples(config)
        config.stash[_STATE] = State(refs, seed, settings, store, against, examples)
    return config.stash[_STATE]


def _examples(config: pytest.Config) -> Path | None:
    """Where counterexamples are kept for the next run; under CI every run starts afresh."""
    cache: pytest.Cache | None = getattr(config, "cache", None)
    if option(config, "no_cache") or cache is None or os.environ.get("CI"):
        return None
    try:
        return cache.mkdir("ppcheck-examples")
    except OSError:
        return None  # `_store` has warned


def _store(config: pytest.Config) -> Store:
    """Measurements of this process and, unless that is not wanted, of those before it."""
    from ppcheck.record.cache import Disk
    from ppcheck.subject.memo import Memory

    cache: pytest.Cache | None = getattr(config, "cache", None)  # None under `-p no:cacheprovider`
    if option(config, "no_cache") or cache is None:
        return Memory()
    try:
        return Memory(Disk(cache.mkdir("ppcheck")))
    except OSError as error:
        message = f"no measurement is kept for the next run: {error}"
        warnings.warn(pytest.PytestCacheWarning(message), stacklevel=2)
        return Memory()
