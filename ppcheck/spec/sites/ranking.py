"""In what order nodes are taken into a circuit: found by their effects, or given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast, get_args

from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed, suggest
from ppcheck.spec.sites.site import Sites

By = Literal["effect", "size"]
Method = Literal["ablation", "attribution", "integrated_gradients"]
_FORM = re.compile(r"(effect|size)(?:\s+by\s+(\w+))?")
FORMS = "`effect` or `size`, `effect by attribution`, `effect by integrated_gradients`"


@dataclass(frozen=True)
class Ranking:
    """``by`` effect (the most positive first) or by its size; or ``sites``, the best first.

    The ``method`` says how effects are found: by ablating each node alone, or estimated by the
    gradient at the untouched run (attribution patching), or by the mean of the gradients on the
    way to it from the input that takes its place (integrated gradients).
    """

    by: By | None = None
    sites: Sites | None = None
    method: Method = "ablation"

    @classmethod
    def parse(cls, value: Any) -> Ranking:
        if isinstance(value, str) and (form := _FORM.fullmatch(value.strip())):
            methods = get_args(Method)
            method = form[2] or "ablation"
            if method not in methods:
                raise ValueError(f"unknown method {method!r}: {suggest(method, methods)}")
            return cls(by=cast("By", form[1]), method=cast("Method", method))
        try:
            return cls(sites=Sites.parse(value))
        except ValueError as error:
            raise ValueError(f"a ranking is {FORMS}, or sites, best first: {error}") from None

    def __str__(self) -> str:
        if self.by is None:
            return str(self.sites)
        return self.by if self.method == "ablation" else f"{self.by} by {self.method}"


RankingField = Annotated[
    Ranking,
    Parsed(
        Ranking.parse,
        "The order in which nodes are kept: `effect` (of ablating each alone, the most positive "
        "first), `size` (of that effect), either of them estimated `by attribution` or `by "
        "integrated_gradients`, or a list of sites, best first.",
        TEXT_OR_LIST,
    ),
]
