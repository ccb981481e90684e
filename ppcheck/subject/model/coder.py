"""The weights of a dictionary: a stream to features, and features back to a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.spec.dictionary import Activation, Dictionary

_NUMBERS = 2**24
"""How many activations of features are computed at once."""


@dataclass(frozen=True, eq=False)
class Coder:
    """Encoder [width, feature] and decoder [feature, width], in double precision.

    A feature's pre-activation is what the encoder makes of a stream, less ``centre``, and adds its
    ``bias``. Under relu it is active where that is above 0, under jumprelu where it is above its
    ``threshold`` too, and under topk where it is among the ``k`` largest as well.
    """

    encoder: Floats
    bias: Floats
    decoder: Floats
    decoder_bias: Floats
    threshold: Floats
    activation: Activation
    k: int
    centre: Floats

    def encode(self, streams: Floats, features: Sequence[int]) -> Floats:
        """Activations of some features, [..., width] to [..., feature]; NaN stays NaN."""
        chosen = np.array(features, dtype=np.int64)
        found = np.empty((*streams.shape[:-1], len(chosen)))
        rows, flat = streams.reshape(-1, streams.shape[-1]), found.reshape(-1, len(chosen))
        for part in self._parts(len(rows)):
            flat[part] = self._encoded(rows[part], chosen)
        return found

    def reconstruct(self, streams: Floats) -> Floats:
        """What all features add up to, with the decoder's bias, [..., width] to [..., width]."""
        found = np.empty_like(streams)
        rows, flat = (each.reshape(-1, each.shape[-1]) for each in (streams, found))
        everything = np.arange(len(self.bias))
        for part in self._parts(len(rows)):
            flat[part] = self._encoded(rows[part], everything) @ self.decoder + self.decoder_bias
        return found

    def _parts(self, rows: int) -> Iterator[slice]:
        step = max(1, _NUMBERS // len(self.bias))
        return (slice(start, start + step) for start in range(0, rows, step))

    def _encoded(self, rows: Floats, chosen: np.ndarray) -> Floats:
        rows = rows - self.centre
        if self.activation != "topk":
            before = rows @ self.encoder[:, chosen] + self.bias[chosen]
            active: Floats = np.where(before > self.threshold[chosen], np.maximum(before, 0), 0)
            return np.where(np.isnan(before), before, active)
        before = rows @ self.encoder + self.bias
        most = np.argpartition(-before, self.k - 1, axis=1)[:, : self.k]
        kept = np.zeros_like(before)
        np.put_along_axis(kept, most, np.take_along_axis(before, most, axis=1), axis=1)
        return np.where(np.isnan(before), before, np.maximum(kept, 0))[:, chosen]


def load_coder(dictionary: Dictionary) -> Coder:
    """Raises MeasurementError where the files are others than were found, or are not finite."""
    try:
        changed = dictionary.has_changed
    except OSError:
        changed = True
    if changed:
        name, folder = dictionary.name, dictionary.folder
        raise MeasurementError(f"{name}: a file of {folder} changed after the spec was read")
    return _loaded(dictionary)


@lru_cache(maxsize=4)
def _loaded(dictionary: Dictionary) -> Coder:
    from safetensors import safe_open

    tensors: dict[str, Floats] = {}
    with safe_open(dictionary.weights, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118  (it is a file, and no mapping)
            tensors[name] = file.get_tensor(name).double().numpy()
            if not np.isfinite(tensors[name]).all():
                path = f"{dictionary.folder}/{dictionary.weights.name}"
                raise MeasurementError(f"{dictionary.name}: {name} of {path} is not finite")
    nothing = np.zeros(dictionary.width)
    return Coder(
        encoder=tensors["W_enc"],
        bias=tensors["b_enc"],
        decoder=tensors["W_dec"],
        decoder_bias=tensors["b_dec"],
        threshold=tensors.get("threshold", np.zeros(dictionary.size)),
        activation=dictionary.activation,
        k=dictionary.k,
        centre=tensors["b_dec"] if dictionary.centred else nothing,
    )
