"""What one pytest process knows: the models asked for, and the one in memory."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ppcheck.errors import ModelError, UnsupportedError
from ppcheck.plugin.options import folder_of, option, settings_of

if TYPE_CHECKING:
    from ppcheck.plugin.progress import ProgressLine
    from ppcheck.record.cache import Disk
    from ppcheck.record.examine import Examination, Measured
    from ppcheck.record.known import KnownClaims
    from ppcheck.record.run import ClaimRecord
    from ppcheck.subject.load import ModelRef
    from ppcheck.subject.model.settings import Settings
    from ppcheck.subject.store import Store
    from ppcheck.subject.subject import Subject

DEFAULT_MODEL = "demo"


@dataclass(frozen=True)
class Cache:
    """Measurements of this process and, where ``disk`` is there, of those before it.

    ``claims`` are those that need no model. ``lack`` says why there is no disk,
    where one was to be used.
    """

    store: Store
    disk: Disk | None = None
    claims: KnownClaims | None = None
    lack: str | None = None

    @property
    def trouble(self) -> str | None:
        """What is wrong with the cache, if anything; it never is a reason to fail."""
        return self.lack if self.disk is None else self.disk.trouble


@dataclass
class State:
    """The models under test, and what is known of them.

    Only the last one stays in memory, and the one that it is compared with. ``models`` are facts of
    those that claims were tried on, by label. ``examples`` is where counterexamples are kept.
    """

    refs: tuple[ModelRef, ...]
    seed: int
    settings: Settings
    cache: Cache
    against: ModelRef | None = None
    examples: Path | None = None
    expectations: int = 0
    named: dict[str, Path] = field(default_factory=dict)
    held: dict[str, Subject] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    @property
    def store(self) -> Store:
        return self.cache.store

    def name(self, spec: Path) -> None:
        """Take note of a spec. Raises SpecError where another one has the same name in records."""
        from ppcheck.record.naming import named_once

        named_once(spec, self.named)

    def examined(
        self, examination: Examination, ref: ModelRef, progress: ProgressLine
    ) -> ClaimRecord:
        """The claim's record on a model, which is loaded where the record is not known.

        Raises PpcheckError where the claim cannot be measured.
        """
        from ppcheck.judge.verdict import Verdict
        from ppcheck.record.known import examined
        from ppcheck.subject.memo import Memo

        def measured() -> Measured:
            if ref.label not in self.held:
                progress.loading(ref.label)
            subject = Memo(self.subject(ref), self.store)
            subject.progress = progress
            progress.measuring()
            return examination.measured(subject)

        found = examined(examination, ref, self.cache.claims, measured, self.models)
        if found.verdict is Verdict.NOT_APPLICABLE:
            raise UnsupportedError(found.reason)
        return found

    def subject(self, ref: ModelRef) -> Subject:
        """The model, loaded on first use. Raises ModelError where it cannot be loaded."""
        if ref.label in self.broken:
            raise ModelError(f"the model {ref.label!r} could not be loaded: see its first error")
        if ref.label not in self.held:
            from ppcheck.subject.load import load

            kept = self.against.label if self.against else None
            self.held = {label: held for label, held in self.held.items() if label == kept}
            try:
                self.held[ref.label] = load(ref, self.settings, self.store)
            except ModelError:
                self.broken.add(ref.label)
                raise
            self.models[ref.label] = asdict(self.held[ref.label].info)
        return self.held[ref.label]


_STATE = pytest.StashKey[State]()


def state_of(config: pytest.Config) -> State:
    """The state of this run. Raises UsageError for a model that cannot be meant."""
    if _STATE not in config.stash:
        from ppcheck.subject.load import resolve

        names = list(dict.fromkeys(option(config, "model") or [DEFAULT_MODEL]))
        revision, folder = option(config, "revision"), folder_of(config, "model")
        try:
            refs = tuple(resolve(name, revision, folder) for name in names)
            other = option(config, "against")
            against = None if other is None else resolve(other, folder=folder_of(config, "against"))
        except ModelError as error:
            raise pytest.UsageError(str(error)) from None
        seed, settings = option(config, "seed"), settings_of(config)
        cache, examples = _cache(config, settings), _examples(config)
        config.stash[_STATE] = State(refs, seed, settings, cache, against, examples)
    return config.stash[_STATE]


def _examples(config: pytest.Config) -> Path | None:
    """Where counterexamples are kept for the next run; under CI every run starts afresh."""
    cache: pytest.Cache | None = getattr(config, "cache", None)
    if option(config, "no_cache") or cache is None or os.environ.get("CI"):
        return None
    try:
        return cache.mkdir("ppcheck-examples")
    except OSError:
        return None  # `_cache` says so


def _cache(config: pytest.Config, settings: Settings) -> Cache:
    from ppcheck.record.cache import NOT_KEPT, Disk
    from ppcheck.record.known import KnownClaims
    from ppcheck.subject.store import Memory

    cache: pytest.Cache | None = getattr(config, "cache", None)  # None under `-p no:cacheprovider`
    if option(config, "no_cache") or cache is None:
        return Cache(Memory())
    try:
        disk = Disk(cache.mkdir("ppcheck"))
        claims = KnownClaims(cache.mkdir("ppcheck-claims"), settings)
    except OSError as error:
        return Cache(Memory(), lack=f"{NOT_KEPT}: {error}")
    return Cache(Memory(disk), disk, claims)
