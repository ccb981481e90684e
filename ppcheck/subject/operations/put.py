"""Change activations at chosen rows, tokens, heads and neurons: the same in every kind of run."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.site import OF_HEADS, Kind, Site
from ppcheck.subject.engine.hooks import Hook, operated
from ppcheck.subject.interventions.edit import Operation
from ppcheck.subject.model.device import near


@dataclass(frozen=True, eq=False)
class Put:
    """An operation with ``values`` [place, width] on one kind of site.

    ``row``, ``token`` and ``index`` [place] say on which row, token and head or neuron.
    """

    site: Site
    operation: Operation
    length: int
    row: Tensor
    token: Tensor
    index: Tensor
    values: Tensor

    def hooks(self, model: str) -> list[tuple[Kind, Hook]]:
        if self.site.kind is Kind.RESID_MID:
            return self._between(model)
        return [(self.site.kind, self.replace)]

    def replace(self, activation: Tensor) -> Tensor:
        new = activation.clone()
        kind = self.site.kind
        row, token, chosen = self._shown(activation.shape[2 if kind is Kind.PATTERN else 1])
        at: tuple[Tensor, ...] = (row, token)
        if kind is Kind.PATTERN:
            at = (row, self.index[chosen], token)
        elif kind in OF_HEADS or kind is Kind.NEURON:
            at = (row, token, self.index[chosen])
        values, now = self.values[chosen], activation[at]
        new[at] = operated(self.operation, now.view(values.shape), values).view(now.shape)
        return new

    def _shown(self, tokens: int) -> tuple[Tensor, Tensor, Tensor | slice]:
        """The places among the last ``tokens``: rows, tokens among these, and which they are."""
        token = self.token - (self.length - tokens)
        if not len(token) or int(token.min()) >= 0:
            return self.row, token, slice(None)
        chosen = token >= 0
        return self.row[chosen], token[chosen], chosen

    def _between(self, model: str) -> list[tuple[Kind, Hook]]:
        """Change the residual between attention and MLP.

        Its hook is the input of the MLP's norm, which the residual goes around. So attention is
        made to add what is missing, and the hook only checks that the block does add the two.
        """
        before: list[Tensor] = []
        wanted: list[Tensor] = []

        def keep(residual: Tensor) -> None:
            before.append(residual)

        def complete(output: Tensor) -> Tensor:
            row, token, chosen = self._shown(output.shape[1])
            stream = before[0][:, -output.shape[1] :][row, token]
            now = stream + output[row, token]
            wanted.append(operated(self.operation, now, self.values[chosen]))
            output = output.clone()
            output[row, token] = wanted[0] - stream
            return output

        def check(residual: Tensor) -> None:
            row, token, _ = self._shown(residual.shape[1])
            if not near(residual[row, token], wanted[0].to(residual)):
                raise UnsupportedError(
                    f"{model} has no {self.site}: its block is not a sum of outputs"
                )

        return [(Kind.RESID_PRE, keep), (Kind.ATTN_OUT, complete), (Kind.RESID_MID, check)]
