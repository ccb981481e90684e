"""How a model is to be loaded and run, as a user says it."""

from __future__ import annotations

from dataclasses import dataclass

DTYPES = ("float32", "float64", "bfloat16", "float16")


@dataclass(frozen=True)
class Settings:
    """``device`` is one of torch's, or `auto`; pickled weights are refused unless allowed."""

    dtype: str = DTYPES[0]
    device: str = "cpu"
    allow_pickle: bool = False


STANDARD = Settings()
