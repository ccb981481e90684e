"""What a direction does beyond what any of several random ones of its length does."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from ppcheck.measure.search import Mask
from ppcheck.measure.statistics import Floats

DrawsField = Annotated[
    int,
    Field(
        ge=1,
        le=200,
        description="How many random directions of the same length are the control. One of them "
        "would be the strongest of all, by chance alone, once in so many and one cases.",
    ),
]


def beyond(effects: Floats, random: Floats, looked: Mask) -> Floats:
    """The size of an effect less the size of the strongest random direction's, [prompt].

    ``effects`` [prompt] and ``random`` [draw, prompt] are signed. Which random direction is the
    strongest, and the signs by which effects count as their sizes, is told by ``looked`` prompts.
    """
    means = random[:, looked].mean(axis=1)
    strongest = int(np.abs(means).argmax())
    return turned(effects, looked) - turned(random[strongest], looked)


def turned(effects: Floats, looked: Mask) -> Floats:
    """Effects [..., prompt] with the sign that makes their means over ``looked`` positive."""
    signs = np.sign(effects[..., looked].mean(axis=-1, keepdims=True))
    return np.asarray(signs * effects)
