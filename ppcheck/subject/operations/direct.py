"""What the parts of a model add directly to logits, the final norm's scale being what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ppcheck.arrays import Floats, Integers
from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.site import STREAMS, Kind, Site
from ppcheck.subject.engine.batches import Progress, batches, stacked
from ppcheck.subject.engine.engine import Engine
from ppcheck.subject.engine.hooks import Hook, by_hook
from ppcheck.subject.interventions.readout import Readout, width
from ppcheck.subject.model.device import doubled, in_numpy, near
from ppcheck.subject.model.site_map import End
from ppcheck.subject.tokens.encoding import Encoded

_ADDED = STREAMS | {Kind.HEAD, Kind.EMBED}
_LARGE = 1024.0
_FLAT = 1e-3

Seen = Mapping[str, Tensor]
"""What each hook shows at the final token, [row, component, width]."""


def direct(
    engine: Engine,
    encoded: Encoded,
    sites: Sequence[Site],
    readout: Readout,
    *,
    progress: Progress,
) -> Floats:
    """See `Subject.direct`."""
    if readout.tokens is None:
        raise ValueError("what is added to a metric over the whole vocabulary is not defined")
    outlet = Outlet.of(engine)
    values = np.empty((len(sites) + 1, len(encoded), *width(readout)))
    done = 0
    for numbers in batches([(len(ids),) for ids in encoded.ids], lambda key: engine.rows(key[0])):
        rows = np.array(numbers, dtype=np.int64)
        added = outlet.added(stacked(encoded.ids, numbers), sites, readout.tokens[rows])
        for place, logits in enumerate(added):
            values[place, numbers] = readout.values(logits, rows)
        done += len(numbers)
        progress("direct", done, len(encoded))
    return values


@dataclass(frozen=True, eq=False)
class Norm:
    """A layer norm ``gain * (x - mean) / scale + bias``; an RMS norm leaves the mean in.

    ``gain`` and ``bias`` [d_model] are read off what the module makes of known vectors, so that
    it does not matter how its code keeps them.
    """

    module: Any
    gain: Tensor
    bias: Tensor
    centres: bool

    @classmethod
    def of(cls, module: Any, like: Tensor) -> Norm:
        """``like`` [d_model] is of the precision and on the device that the module wants."""
        ones = torch.ones_like(like)
        signs = ones.clone()
        signs[::2] = -1
        # So large that what the norm adds to the variance is lost.
        bias, flat, steep = doubled(module(_LARGE * torch.stack([0 * ones, ones, signs])))
        centres = bool((flat - bias).abs().max() < _FLAT * (steep - bias).abs().max())
        plain = doubled(signs)
        if centres:
            plain = plain - plain.mean()
        scale = (plain * plain).mean().sqrt()
        return cls(module, (steep - bias) * scale / plain, bias, centres)

    def scale(self, whole: Tensor) -> Tensor:
        """What the norm divides ``whole`` [row, d_model] by, [row, 1]."""
        made = doubled(self.module(whole)) - self.bias
        plain = self._plain(doubled(whole))
        scale: Tensor = plain.norm(dim=-1, keepdim=True) / made.norm(dim=-1, keepdim=True)
        return scale

    def of_part(self, part: Tensor, scale: Tensor) -> Tensor:
        """What is made of a part [row, d_model] at the scale of the whole, less the bias.

        What is made of the parts adds up to what is made of the whole.
        """
        return self._plain(doubled(part)) / scale

    def _plain(self, x: Tensor) -> Tensor:
        return self.gain * (x - x.mean(-1, keepdim=True) if self.centres else x)


@dataclass(frozen=True, eq=False)
class Outlet:
    """The way from a model's last stream to its logits, and the parts that the stream is made of.

    ``cap`` is where logits are soft-capped, None where they are not.
    """

    engine: Engine
    norm: Any
    unembedding: nn.Linear
    cap: float | None

    @classmethod
    def of(cls, engine: Engine) -> Outlet:
        """Raises UnsupportedError where there is no final norm, or no linear unembedding."""
        names, model = engine.hooks.map, engine.hooks.root
        unembedding = None
        if names.unembedding is not None:
            unembedding = model.get_submodule(names.unembedding)
        if names.final_norm is None or not isinstance(unembedding, nn.Linear):
            raise _unsupported(engine, "its logits are not a linear map of a final norm")
        config = model.config.get_text_config()
        cap = getattr(config, "final_logit_softcapping", None)
        return cls(engine, model.get_submodule(names.final_norm), unembedding, cap)

    def added(self, ids: Integers, sites: Sequence[Site], tokens: Integers) -> Floats:
        """What sites, and at last biases, add to logits of ``tokens`` [row, k]: [part, row, k].

        Raises UnsupportedError for a site that is not added to the stream, and where the parts
        of the model do not add up to its logits.
        """
        every = self._every()
        seen, logits = self._seen(ids, [*sites, *every])
        with self.engine.running():
            few = torch.from_numpy(tokens).to(logits.device)
            weight = doubled(self.unembedding.weight[few])
            whole = seen[every[-1].hook][:, 0]
            norm = Norm.of(self.norm, whole[0])
            parts = [self._part(site, seen) for site in (*sites, *every)]
            scale = norm.scale(whole)
            # One by one, so that no sum depends on which other parts are asked for.
            added = [torch.einsum("rd,rkd->rk", norm.of_part(p, scale), weight) for p in parts]
            bias = weight @ norm.bias
            if self.unembedding.bias is not None:
                bias = bias + doubled(self.unembedding.bias[few])
            self._check(torch.stack(parts[len(sites) :]), added[-1] + bias, logits.gather(1, few))
            return in_numpy(torch.stack([*added[: len(sites)], bias]))

    def _every(self) -> list[Site]:
        """The parts that make up the last stream, and that stream."""
        layers = range(self.engine.shape.n_layers)
        outputs = [Site(kind, n) for n in layers for kind in (Kind.ATTN_OUT, Kind.MLP_OUT)]
        return [Site(Kind.RESID_PRE, 0), *outputs, Site(Kind.RESID_POST, layers[-1])]

    def _seen(self, ids: Integers, sites: Sequence[Site]) -> tuple[Seen, Tensor]:
        """All heads of a layer of which one is among the sites; logits [row, vocabulary]."""
        hooks, seen = self.engine.hooks, dict[str, Tensor]()

        def keeper(hook: str, some: Sequence[Site]) -> Hook:
            def keep(activation: Tensor) -> None:
                seen[hook] = hooks.components(activation[:, -1:], some)[:, 0]

            return keep

        heads = range(self.engine.shape.n_heads)
        shown: list[Site] = []
        for site in sites:
            hooks.check(site)
            if site.kind not in _ADDED:
                raise UnsupportedError(f"{site} is not added to the stream: name its head or layer")
            whole = site.kind is Kind.HEAD
            shown += [Site(site.kind, site.layer, n) for n in heads] if whole else [site]
            if whole:
                shown.append(Site(Kind.ATTN_OUT, site.layer))
        groups = by_hook(shown)
        keepers = [(hook, keeper(hook, groups[hook])) for hook in groups]
        logits = self.engine.forward(ids, keepers, reads=True)
        return seen, logits[:, -1]

    def _part(self, site: Site, seen: Seen) -> Tensor:
        """What the site adds to the stream, [row, d_model]."""
        if site.kind is not Kind.HEAD:
            return seen[site.hook][:, 0]
        hooks = self.engine.hooks
        place = hooks.map.sites[site.hook]
        if place is None or place.end is not End.INPUT:
            raise _unsupported(self.engine, f"{site} has no projection of its own")
        project = hooks.root.get_submodule(place.module)
        heads = seen[site.hook]
        alone = torch.zeros_like(heads)
        alone[:, site.index] = heads[:, site.index]
        together = project(heads.flatten(1))
        part: Tensor = project(alone.flatten(1)) - project(torch.zeros_like(heads[:1]).flatten(1))
        if (after := hooks.map.norms[site.layer or 0]) is not None:
            norm = Norm.of(hooks.root.get_submodule(after), together[0])
            part = norm.of_part(part, norm.scale(together)).to(part)
            together = norm.module(together)
        if not near(together, seen[Site(Kind.ATTN_OUT, site.layer).hook][:, 0]):
            raise _unsupported(
                self.engine, f"the heads of layer {site.layer} are not all that its attention adds"
            )
        return part

    def _check(self, parts: Tensor, total: Tensor, logits: Tensor) -> None:
        *some, whole = parts
        if not near(torch.stack(some).sum(dim=0), whole):
            what = "attention, MLPs and embedding do not add up to its last stream"
            raise _unsupported(self.engine, what)
        if self.cap is not None:
            total = self.cap * torch.tanh(total / self.cap)
        if not near(total.to(logits), logits):
            raise _unsupported(self.engine, "its final norm and unembedding do not give its logits")


def _unsupported(engine: Engine, why: str) -> UnsupportedError:
    return UnsupportedError(f"{engine.hooks.model} allows no direct attribution: {why}")
