"""From a file with prompts to the claims that hold, without the command."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ppcheck.api.runs import Place
from ppcheck.api.session import settings_of
from ppcheck.subject.model.settings import STANDARD

if TYPE_CHECKING:
    from ppcheck.discover.finding import Finding, Nothing
    from ppcheck.discover.write import Judged

MOST = 20


@dataclass(frozen=True, repr=False)
class Found:
    """What a search found on one half of the prompts, and what the other half says of it.

    ``findings`` are claims, the keys of a spec and what was seen; ``absent`` is what was looked for
    and not found. ``judged`` has the verdict of each finding by its id. ``text`` is the spec, with
    the claims that hold.
    """

    findings: tuple[Finding, ...]
    absent: tuple[Nothing, ...]
    judged: Mapping[str, Judged]
    text: str

    def __repr__(self) -> str:
        told = [f"{self.judged[each.id].verdict}: {each.claim['says']}" for each in self.findings]
        return "\n".join(told or ["nothing found"])


def find(
    path: Place,
    model: Place = "demo",
    *,
    only: Sequence[str] = (),
    most: int = MOST,
    minutes: float | None = None,
    revision: str | None = None,
    seed: int = 0,
    device: str = STANDARD.device,
    dtype: str = STANDARD.dtype,
    memory: str | None = None,
    allow_pickle: bool = False,
    cache: Place | None = None,
) -> Found:
    """Find claims on one half of a spec's prompts, and judge them on the other.

    It is what ``ppcheck discover`` does: ``only`` names phases, ``most`` is how many claims at the
    most, and ``minutes`` how long is looked. The rest is as in `run`.

    Raises SpecError where there is nothing to look at, SearchError for a phase that does not exist,
    ModelError for a model that cannot be loaded, and ValueError for an argument that is not valid.
    """
    from ppcheck.discover.choose import TELLING
    from ppcheck.discover.discover import discover, written
    from ppcheck.discover.draft import read_draft
    from ppcheck.discover.laboratory import Laboratory, load_model
    from ppcheck.discover.only import Only
    from ppcheck.subject.load import resolve

    settings = settings_of(seed, device, dtype, memory, allow_pickle=allow_pickle)
    asked = Only.parse([only] if isinstance(only, str) else only, TELLING)
    draft = read_draft(Path(path))
    kept = None if cache is None else (Path(cache, "measurements"), Path(cache, "claims"))
    loaded = load_model(resolve(os.fspath(model), revision), draft, settings, seed, kept)
    laboratory = Laboratory(loaded, draft, None if minutes is None else 60 * minutes)
    found = discover(laboratory, most, lambda _: None, asked)
    absent = tuple(each for part in found.parts for each in part.absent)
    text = written(found, laboratory, keep_failed=False)
    return Found(found.findings, absent, found.judged, text)
