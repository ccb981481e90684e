"""How a model is to be loaded and run, as a user says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

DTYPES = ("float32", "float64", "bfloat16", "float16")
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+|%)")


@dataclass(frozen=True)
class Budget:
    """What a batch may take: so many bytes, or a share of the memory that there is."""

    amount: float
    is_share: bool = False

    @classmethod
    def parse(cls, text: str) -> Budget:
        """`4GB`, `500 MB`, `2GiB` or `25%`. Raises ValueError."""
        number, unit = match.groups() if (match := _SIZE.fullmatch(text.strip())) else ("0", "")
        amount = float(number)
        if unit == "%" and 0 < amount <= 100:
            return cls(amount / 100, is_share=True)
        if unit.upper() in _UNITS and amount:
            return cls(amount * _UNITS[unit.upper()])
        raise ValueError(f"{text!r} is not a size: write 4GB, 500MB, or a share such as 25%")

    def bytes(self, total: int) -> int:
        """The bytes that this is of ``total``."""
        return int(self.amount * total if self.is_share else self.amount)


@dataclass(frozen=True)
class Settings:
    """``device`` is one of torch's, or `auto`; pickled weights are refused unless allowed."""

    dtype: str = DTYPES[0]
    device: str = "cpu"
    memory: Budget = Budget(0.125, is_share=True)
    allow_pickle: bool = False


STANDARD = Settings()
