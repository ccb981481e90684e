"""Specs are run on models, without pytest."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ppcheck.api.runs import Place, Run
from ppcheck.errors import ModelError, SpecError
from ppcheck.spec.files import SUFFIX, found
from ppcheck.subject.model.settings import DTYPES, STANDARD, Budget, Settings

if TYPE_CHECKING:
    from ppcheck.record.examine import Examination, Measured
    from ppcheck.record.known import KnownClaims
    from ppcheck.record.run import ClaimRecord
    from ppcheck.spec.load import Spec
    from ppcheck.subject.load import ModelRef
    from ppcheck.subject.store import Store
    from ppcheck.subject.subject import Subject

_Claim = TypeVar("_Claim")


def load_spec(path: Place) -> Spec:
    """Read a spec. What is wrong with one claim stands in its entry's ``error``.

    Raises SpecError where the file as a whole cannot be used.
    """
    from ppcheck.measure.registry import CHECKS
    from ppcheck.spec.load import load_spec as load

    return load(Path(path), CHECKS)


def run(
    specs: Spec | Place | Iterable[Spec | Place],
    model: Place | Sequence[Place] = "demo",
    *,
    revision: str | None = None,
    seed: int = 0,
    device: str = STANDARD.device,
    dtype: str = STANDARD.dtype,
    memory: str | None = None,
    allow_pickle: bool = False,
    cache: Place | None = None,
) -> Run:
    """Measure and judge the claims of specs, folders of specs, or loaded specs, on each model.

    ``model`` is `demo`, `demo@REVISION`, a Hugging Face directory, a GGUF file, the directory of a
    PEFT adapter, `BASE+ADAPTER` or a name on the hub, or several of these. ``memory`` is what a
    batch may take: `4GB`, or a share such as `25%`. ``cache`` is a folder in which measurements are
    kept for the next run.

    A claim that cannot be measured, a spec that cannot be read and a model that cannot be loaded
    give records that say why. Raises SpecError where a path has no spec, ModelError for a model
    that does not exist, and ValueError for an argument that is not valid.
    """
    from ppcheck.record.cache import Disk
    from ppcheck.record.known import KnownClaims
    from ppcheck.spec.load import Spec
    from ppcheck.subject.load import resolve
    from ppcheck.subject.store import Memory

    settings = settings_of(seed, device, dtype, memory, allow_pickle=allow_pickle)
    names = [model] if isinstance(model, str | os.PathLike) else list(model)
    if not names:
        raise ValueError("model=[]: give at least one model")
    session = _Session(
        refs=tuple(dict.fromkeys(resolve(os.fspath(name), revision) for name in names)),
        settings=settings,
        store=Memory(None if cache is None else Disk(Path(cache, "measurements"))),
        known=None if cache is None else KnownClaims(Path(cache, "claims"), settings),
        seed=seed,
    )
    given = [specs] if isinstance(specs, str | os.PathLike | Spec) else specs
    return session.run([each if isinstance(each, Spec) else Path(each) for each in given])


def settings_of(
    seed: int, device: str, dtype: str, memory: str | None, *, allow_pickle: bool
) -> Settings:
    """Raises ValueError for an argument that is not valid."""
    if seed < 0:
        raise ValueError(f"seed={seed}: a seed is a whole number from 0 up")
    if dtype not in DTYPES:
        raise ValueError(f"dtype={dtype!r} is not one of {', '.join(DTYPES)}")
    budget = STANDARD.memory if memory is None else Budget.parse(memory)
    return Settings(dtype, device, budget, allow_pickle)


@dataclass
class _Session:
    """One call of `run`: the models that it asks for, of which one at a time is in memory."""

    refs: tuple[ModelRef, ...]
    settings: Settings
    store: Store
    known: KnownClaims | None
    seed: int
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    specs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def run(self, sources: Sequence[Spec | Path]) -> Run:
        from ppcheck.record.finish import finished
        from ppcheck.record.naming import place_name

        started = time.time()
        records: list[ClaimRecord] = []
        specs = list(self._readable(_files(sources), records))
        for ref in self.refs:
            records += self._records(specs, ref)
        record = finished(
            records,
            self.models,
            started=started,
            root=Path.cwd(),
            paths=[place_name(_path(source)) for source in sources],
            specs=self.specs,
        )
        return Run(record)

    def _readable(
        self, sources: Sequence[Spec | Path], records: list[ClaimRecord]
    ) -> Iterator[Spec]:
        """The specs; one that cannot be read becomes a record."""
        from ppcheck.record.examine import unreadable
        from ppcheck.record.naming import named_once
        from ppcheck.record.run import outcome_of

        taken: dict[str, Path] = {}
        for source in sources:
            name = named_once(_path(source), taken)
            try:
                spec = load_spec(source) if isinstance(source, Path) else source
            except SpecError as error:
                record = unreadable(_path(source), self.refs[0].label, error)
                records.append(record.model_copy(update={"outcome": outcome_of(record)}))
                self.specs[name] = (record.id,)
                continue
            self.specs[name] = tuple(entry.id for entry in spec.entries)
            yield spec

    def _records(self, specs: Sequence[Spec], ref: ModelRef) -> Iterator[ClaimRecord]:
        from ppcheck.record.examine import Examination
        from ppcheck.record.run import outcome_of

        model = _Model(ref, self.settings, self.store)
        claims = [(spec, entry) for spec in specs for entry in spec.entries]
        for spec, entry in _with_progress(claims, ref.label):
            record = self._record(Examination(spec, entry, ref.label, self.seed), model)
            yield record.model_copy(update={"outcome": outcome_of(record)})
        if model.subject is not None:
            self.models[ref.label] = asdict(model.subject.info)

    def _record(self, examination: Examination, model: _Model) -> ClaimRecord:
        """What was measured and judged, or why it could not be."""
        from ppcheck.record.known import examined
        from ppcheck.subject.memo import Memo

        def measured() -> Measured:
            return examination.measured(Memo(model.loaded(), self.store))

        try:
            if examination.entry.error is not None:
                raise examination.entry.error
            examination.check_about(model.ref)
            return examined(examination, model.ref, self.known, measured, self.models)
        except Exception as error:  # noqa: BLE001  (the record is where it is said)
            return examination.refused(error)


@dataclass
class _Model:
    """A model that is loaded when a claim first asks for it, and is tried once."""

    ref: ModelRef
    settings: Settings
    store: Store
    subject: Subject | None = None
    error: ModelError | None = None

    def loaded(self) -> Subject:
        """Raises ModelError where it cannot be loaded."""
        from ppcheck.subject.load import load

        if self.error is not None:
            raise self.error
        if self.subject is None:
            try:
                self.subject = load(self.ref, self.settings, self.store)
            except ModelError as error:
                self.error = error
                raise
        return self.subject


def _path(source: Spec | Path) -> Path:
    return source if isinstance(source, Path) else source.path


def _files(sources: Iterable[Spec | Path]) -> list[Spec | Path]:
    """Each spec once, in the order given, those of folders by name.

    Raises SpecError where a path does not exist, or a folder has no spec.
    """
    files: dict[Path, Spec | Path] = {}
    for source in sources:
        if not isinstance(source, Path):
            files.setdefault(source.path.resolve(), source)
            continue
        if not source.exists():
            raise SpecError("there is no such file or folder", source)
        if not (specs := found(source)):
            raise SpecError(f"there is no spec (*{SUFFIX}) in this folder", source)
        for path in specs:
            files.setdefault(path.resolve(), path)
    return list(files.values())


def _with_progress(claims: Sequence[_Claim], model: str) -> Iterable[_Claim]:
    """With a bar while they are examined, where somebody watches: in a terminal or a notebook."""
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        return claims
    from tqdm.std import tqdm

    bar: Iterable[_Claim] = tqdm(claims, desc=model, unit="claim", leave=False)
    return bar
