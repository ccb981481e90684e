"""Names for the arrays that pass between steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Labels = NDArray[np.int64]
"""A whole number for each example: equal numbers are one unit, or one class."""
Mask = NDArray[np.bool_]
"""Which of some examples are meant."""
