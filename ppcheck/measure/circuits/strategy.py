"""What circuits are made of, nodes or edges: how some are kept, and what they are compared with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ppcheck.errors import MeasurementError
from ppcheck.measure.circuits.compared import Candidate, Ranked
from ppcheck.measure.circuits.edges import Cut
from ppcheck.measure.circuits.knockout import Kept, Knockout, Parts, random_circuits
from ppcheck.spec.expectations.metric import OF_CHOICES, Metric, Reading
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.sites.edge import Edges
from ppcheck.spec.sites.ranking import Ranking
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject.tokens.encoding import Encoded

NODES = (Kind.HEAD, Kind.MLP_OUT)
OF_NODES = ("nodes", "among", "position", "ranking")
"""Keys without a meaning for edges: they are all there are, at all tokens, in no order."""


@dataclass(frozen=True)
class Controls:
    """How many random circuits, and how many random subsets, a circuit is compared with."""

    random: int
    subsets: int
    seed: int


class CircuitStrategy(ABC):
    """Circuits of one kind of part."""

    @property
    @abstractmethod
    def sides(self) -> tuple[Encoded, ...]:
        """The prompts, or clean and corrupted ones."""

    @abstractmethod
    def run(self, wanted: Iterable[Parts], metric: Metric) -> Kept:
        """Keep each set of parts by itself."""

    @abstractmethod
    def candidate(self) -> Candidate | None:
        """The circuit, if one is named.

        Raises MeasurementError where it is not part of the whole, or all of it.
        """

    @abstractmethod
    def ranked(self, metric: Metric) -> Ranked | None:
        """All parts, the best first, if they are ranked.

        Raises MeasurementError where the ranking names what is not among them.
        """

    @property
    @abstractmethod
    def how(self) -> dict[str, Any]:
        """The ablation in full, since another one may lead to another conclusion."""

    @property
    @abstractmethod
    def note(self) -> str:
        """The same in words."""


@dataclass(frozen=True, eq=False)
class OfNodes(CircuitStrategy):
    """Nodes ``among`` which all but the circuit are ablated; ``reference`` names its prompts."""

    knockout: Knockout
    named: Sites | None
    among: Sites
    ranking: Ranking | None
    controls: Controls
    reference: str

    @property
    def sides(self) -> tuple[Encoded, ...]:
        return self.knockout.sides

    def run(self, wanted: Iterable[Parts], metric: Metric) -> Kept:
        return self.knockout.run(wanted, metric)

    def candidate(self) -> Candidate | None:
        if self.named is None:
            return None
        sites, nodes = self._sites(self.named, "circuit"), self.knockout.nodes
        if len(sites) == len(nodes):
            raise MeasurementError(f"the circuit is all of {self.among}: nothing is outside it")
        random, seed = self.controls.random, self.controls.seed
        others = random_circuits(nodes, frozenset(sites), random, seed) if random else []
        return Candidate.of(sites, nodes, others, self.controls.subsets, seed)

    def ranked(self, metric: Metric) -> Ranked | None:
        if self.ranking is None:
            return None
        if self.ranking.by is not None:
            return Ranked.by_effect(self.knockout, metric, self.ranking, self.controls.seed)
        named = self.ranking.sites
        order = () if named is None else self._sites(named, "ranking")
        return Ranked.given(order, self.knockout.nodes)

    def _sites(self, named: Sites, what: str) -> tuple[Site, ...]:
        sites = self.knockout.bench.subject.sites(named)
        if outside := [str(site) for site in sites if site not in self.knockout.nodes]:
            raise MeasurementError(f"{', '.join(outside)} of the {what} is not among {self.among}")
        return sites

    @property
    def how(self) -> dict[str, Any]:
        ablation, position = self.knockout.ablation, str(self.knockout.position)
        kind = "corrupted" if ablation is None else ablation.kind
        how = {"ablation": kind, "position": position, "among": len(self.knockout.nodes)}
        return how if ablation is None else how | ablation.source(self.reference)

    @property
    def note(self) -> str:
        ablation = self.knockout.ablation
        source = {
            "zero": "set to zero",
            "mean": f"set to the mean over `{self.reference}`",
            "resample": f"set to what others of `{self.reference}` have there",
            "corrupted": "set to what the corrupted prompt has there",
        }["corrupted" if ablation is None else ablation.kind]
        outside = f"what of {len(self.knockout.nodes)} nodes is outside a circuit"
        folded = ablation is not None and ablation.weights == "folded"
        how = ", as in folded weights" if folded else ""
        return f"{outside} is {source}, at {self.knockout.position}{how}"


@dataclass(frozen=True, eq=False)
class OfEdges(CircuitStrategy):
    """All edges of the model, of which all but the circuit bring what a corrupted prompt says."""

    cut: Cut
    named: Edges
    controls: Controls

    @property
    def sides(self) -> tuple[Encoded, ...]:
        return self.cut.sides

    def run(self, wanted: Iterable[Parts], metric: Metric) -> Kept:
        return self.cut.run(wanted, metric)

    def candidate(self) -> Candidate | None:
        graph, seed = self.cut.graph, self.controls.seed
        edges = graph.named(self.named)
        if len(edges) == len(graph.edges):
            raise MeasurementError("the circuit is all edges of the model: nothing is outside it")
        others = graph.random(frozenset(edges), self.controls.random, seed)
        return Candidate.of(edges, graph.edges, others, self.controls.subsets, seed)

    def ranked(self, metric: Metric) -> None:
        """Edges have no order."""
        del metric

    @property
    def how(self) -> dict[str, Any]:
        return {"ablation": "corrupted", "position": "all", "among": len(self.cut.graph.edges)}

    @property
    def note(self) -> str:
        outside = f"what of {len(self.cut.graph.edges):,} edges is outside a circuit"
        return f"{outside} brings what its sender says in the corrupted prompt"


def node_problems(key: str, sites: Sites) -> Problems:
    for pattern in sites:
        if pattern.kind not in NODES:
            message = f"{pattern} is not a node: name heads such as L1H2, and mlp_out"
            yield Problem(key, message)


def edge_problems(given: Collection[str], ablation: str) -> Problems:
    """What is wrong with the fields that are ``given`` beside edges."""
    if ablation != "corrupted":
        message = f"edges bring what a corrupted prompt says: not {ablation}"
        yield Problem("ablation", message)
    for key in OF_NODES:
        if key in given:
            yield Problem(key, f"`{key}` is of circuits of nodes: leave out it or `edges`")


def ranking_problems(ranking: Ranking, metric: Metric, ablation: str) -> Problems:
    """Gradients estimate metrics over choices alone, and integrated ones need another input."""
    method = ranking.method
    if method == "ablation":
        return
    if metric.reading not in (Reading.LOGIT_DIFF, *OF_CHOICES):
        wanted = "a logit_diff, a p or a log_p"
        yield Problem("ranking", f"{method} needs {wanted} as the (first) metric")
    if method == "integrated_gradients" and ablation in ("zero", "mean"):
        wanted = f"they need ablation corrupted or resample, and {ablation} has no input"
        yield Problem("ranking", f"integrated gradients go from one input to another: {wanted}")
