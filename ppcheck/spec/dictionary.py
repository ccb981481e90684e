"""A dictionary of features, such as a sparse autoencoder: what its files say of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

Activation = Literal["relu", "jumprelu", "topk"]

Stat = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Dictionary:
    """``size`` features of the activations [width] at one site, in the ``folder`` as written.

    ``reads`` is the site that they are made of, and ``writes`` the one that they add up to: the
    same, but for a transcoder. ``k`` is how many are active under topk, and ``centred`` says
    whether the decoder's bias is taken from what is read.
    """

    name: str
    folder: str
    config: Path
    weights: Path
    reads: str
    writes: str
    width: int
    size: int
    activation: Activation
    k: int
    centred: bool
    stats: tuple[Stat, Stat]
    """Size and times of both files when they were read, by which it is seen that one changed."""

    @property
    def files(self) -> tuple[Path, Path]:
        return self.config, self.weights

    @property
    def has_changed(self) -> bool:
        """Whether a file is another now. Raises OSError where one cannot be read."""
        return self.stats != tuple(map(stat_of, self.files))

    @cached_property
    def sha256(self) -> str:
        """Of both files. Raises OSError where one cannot be read."""
        whole = sha256()
        for path in self.files:
            with path.open("rb") as file:
                whole.update(file_digest(file, "sha256").digest())
        return whole.hexdigest()


def stat_of(path: Path) -> Stat:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
