"""What the engine is asked to read from the logits at the final position."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Readout(Protocol):
    """Turns logits at the final position into one number a prompt.

    ``tokens`` [prompt, k] are the only token ids whose logits are needed, so that nothing else need
    be unembedded; None asks for the whole vocabulary.
    """

    @property
    def tokens(self) -> Integers | None: ...

    def values(self, logits: Floats, rows: Integers) -> Floats:
        """``logits`` [row, k] (or [row, vocabulary]) of the prompts numbered ``rows``, to [row]."""
        ...
