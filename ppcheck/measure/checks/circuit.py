"""`circuit`: a set of nodes, or of edges, does by itself what the whole model does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import Field

from ppcheck.errors import MeasurementError
from ppcheck.measure.circuits.compared import OF_CURVE, OF_RANDOM, OF_SET, Candidate, Ranked
from ppcheck.measure.circuits.edges import Cut, Graph
from ppcheck.measure.circuits.knockout import Knockout, Parts, random_circuits
from ppcheck.measure.core.check import Bench, Check, Measured, Measurement
from ppcheck.measure.core.doubts import estimates
from ppcheck.measure.core.facts import Curve, Facts, Map
from ppcheck.measure.core.validation import metric_problems, patch_problems
from ppcheck.measure.interventions.ablation import Ablation, By, ablation_problems
from ppcheck.spec.claim import PairsField
from ppcheck.spec.edge import EdgesField
from ppcheck.spec.grid import Grid
from ppcheck.spec.metric import MetricsField, Reading
from ppcheck.spec.position import Position, PositionField
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts import PromptSet
from ppcheck.spec.range import Range
from ppcheck.spec.ranking import RankingField
from ppcheck.spec.selection import SelectionField
from ppcheck.spec.site import Kind, Sites, SitesField

NODES = (Kind.HEAD, Kind.MLP_OUT)
MOST_ARE_BEATEN = 0.95
"""A circuit that beats fewer random ones than these is one of many."""
OF_NODES = ("nodes", "among", "position", "ranking")
"""What has no meaning for edges: they are all there are, at all tokens, in no order."""
OVER_CHOICES = (Reading.LOGIT_DIFF, Reading.P)
SIGN = "positive where ablating the node alone moves the metric towards its value without any node"


class Circuit(Check):
    """How much of a metric a set of nodes, or of edges, keeps while all others are ablated.

    faithfulness    f of the circuit: (m - nothing) / (whole - nothing), sums over prompts
    necessity       share of the gap that is lost when the circuit alone is ablated
    minimality      for each part: what faithfulness loses when it leaves the circuit
    incompleteness  for each part and some subsets: f of the model without less f of the circuit
    over_random     faithfulness less the mean of random circuits of as many heads and MLPs, or of
                    as many edges on routes to the logits
    beats_random    share of these that are less faithful than the circuit
    cpr             area under f along a ranking of all nodes
    cmd             area of |1 - f| along it
    gap             mean of whole - nothing

    Nothing is the run in which all of `among` is ablated or, with `ablation: corrupted`, the
    corrupted run. The first six come with `nodes` or `edges`, the areas with a `ranking`; one by
    effects is made on one half of the units, and its areas are judged on the other.
    """

    family: ClassVar[str] = "circuits"
    check: Literal["circuit"]
    nodes: SitesField | None = Field(None, description="The circuit: heads and MLPs.")
    edges: EdgesField | None = Field(
        None,
        description="The circuit as edges, with ablation corrupted: a head's query, key or value, "
        "an MLP or the logits reads along the others what their sender says in the corrupted "
        "prompt. A head as receiver stands for all three.",
    )
    among: SitesField = Field(
        Sites.parse(["L*H*", "mlp_out.L*"]),
        description="All the nodes: what of them is outside a circuit is ablated. Default: every "
        "head and every MLP.",
    )
    position: PositionField = Field(
        Position("all"), description="The tokens at which nodes are ablated; default: all."
    )
    ablation: Literal["zero", "mean", "resample", "corrupted"] = Field(
        description="What takes the place of what is outside: zero, the mean over the reference, "
        "what another prompt of it has there (resample), or the corrupted prompt."
    )
    reference: SelectionField | None = Field(
        None,
        description="The prompts whose activations are averaged or taken. Default: those of `on`.",
    )
    by: By = Field("position", description="One mean for each token of the position, or pooled.")
    draws: int = Field(
        4, ge=1, le=100, description="How many other prompts each prompt is resampled from."
    )
    metric: MetricsField
    pairs: PairsField = None
    random: int = Field(
        20, ge=0, le=1000, description="How many random circuits to compare with; 0: none."
    )
    subsets: int = Field(
        4, ge=0, le=100, description="How many random subsets to leave out, beside single nodes."
    )
    ranking: RankingField | None = None

    def statistics(self) -> Mapping[str, Range]:
        of_set = OF_SET if self._named else {}
        of_random = OF_RANDOM if self._named and self.random else {}
        of_curve = OF_CURVE if self.ranking else {}
        every = of_set | of_random | of_curve
        return self.metric.statistics(**every, gap=lambda metric: metric.change)

    def most_units(self, grid: Grid, name: str) -> int:
        """A rank among random circuits is as sure as there are circuits."""
        units = super().most_units(grid, name)
        return min(self.random, units) if name.startswith("beats_random") else units

    def problems(self, prompt_set: PromptSet) -> Problems:
        yield from super().problems(prompt_set)
        yield from metric_problems(prompt_set, self.metric)
        yield from patch_problems(self.position)
        yield from ablation_problems(self.model_fields_set, self.ablation)
        if self.ablation == "corrupted":
            yield from self.needs_pairs(prompt_set, self.pairs)
        elif self.pairs:
            yield Problem(
                "pairs", f"pairs have a meaning for ablation corrupted, not for {self.ablation}"
            )
        ranked = self.ranking.sites if self.ranking else None
        for key, sites in (("nodes", self.nodes), ("among", self.among), ("ranking", ranked)):
            for pattern in sites or ():
                if pattern.kind not in NODES:
                    yield Problem(
                        key, f"{pattern} is no node: name heads such as L1H2, and mlp_out"
                    )
        if not self._named and self.ranking is None:
            yield Problem(
                "nodes", "name the circuit's nodes or `edges`, or a `ranking` for its curve"
            )
        yield from self._gradient_problems()
        yield from self._edge_problems()
        for key in ("random", "subsets"):
            if not self._named and key in self.model_fields_set:
                yield Problem(key, f"`{key}` compares with a circuit: name its `nodes` or `edges`")

    @property
    def _named(self) -> bool:
        return self.nodes is not None or self.edges is not None

    def _edge_problems(self) -> Problems:
        if self.edges is None:
            return
        if self.ablation != "corrupted":
            yield Problem(
                "ablation", f"edges bring what a corrupted prompt says: not {self.ablation}"
            )
        for key in OF_NODES:
            if key in self.model_fields_set:
                yield Problem(key, f"`{key}` is of circuits of nodes: leave out it or `edges`")

    def _gradient_problems(self) -> Problems:
        method = self.ranking.method if self.ranking else "ablation"
        if method == "ablation":
            return
        if self.metric.first.reading not in OVER_CHOICES:
            yield Problem("ranking", f"{method} needs a logit_diff or a p as the (first) metric")
        if method == "integrated_gradients" and self.ablation in ("zero", "mean"):
            wanted = f"they need ablation corrupted or resample, and {self.ablation} has no input"
            yield Problem("ranking", f"integrated gradients go from one input to another: {wanted}")

    @property
    def is_paired(self) -> bool:
        return self.ablation == "corrupted"

    @property
    def looks(self) -> bool:
        return self.ranking is not None and self.ranking.by is not None

    def doubts(self, bench: Bench, measurement: Measurement) -> Iterator[str]:
        del bench
        beaten = estimates(measurement, "beats_random")
        if beaten and min(beaten) < MOST_ARE_BEATEN and self.expect.keys().isdisjoint(OF_RANDOM):
            yield (
                f"{1 - min(beaten):.0%} of random circuits of this size are as faithful: expect "
                "`beats_random` too"
            )

    def measure(self, bench: Bench) -> Measurement:
        surroundings = self._surroundings(bench)
        facts = Facts(extras=self._how(surroundings))
        maps: dict[str, Map] = {}
        curves: dict[str, Curve] = {}
        nothing: list[float] = []
        circuit, ranked = self._candidate(bench, surroundings), self._ranked(bench, surroundings)
        wanted = [*(circuit.wanted() if circuit else ()), *(ranked.points if ranked else ())]
        results: list[Measured] = []
        for metric in self.metric:
            kept, named = surroundings.run(wanted, metric), partial(self.metric.name, metric=metric)
            nothing.append(kept.faithfulness(Parts()))
            if circuit:
                facts = circuit.facts(kept) | facts
                maps[f"faithfulness lost in {metric}"] = circuit.map(kept)
                results += circuit.measured(kept, named)
            if ranked:
                curves[f"faithfulness in {metric}"] = ranked.curve(kept)
                results += ranked.measured(kept, named)
            results.append(kept.gap(named("gap")))
        notes = [self._note(surroundings)]
        facts |= Facts(maps=maps, curves=curves, extras={"faithfulness_of_nothing": nothing[0]})
        if ranked:
            by = {"ranked_by": str(self.ranking)}
            facts |= Facts(ranking=tuple(map(str, ranked.order)), extras=by)
            notes += ranked.notes
            if ranked.effects:
                facts |= Facts(effects=ranked.effects, extras={"sign": SIGN})
        return self.measurement(bench, surroundings.sides, results, facts, notes)

    def _surroundings(self, bench: Bench) -> Knockout | Cut:
        if self.edges is not None:
            return Cut(bench, bench.pairs(self.on, self.pairs), Graph(bench.subject))
        nodes = bench.subject.sites(self.among)
        if self.ablation == "corrupted":
            return Knockout(bench, bench.pairs(self.on, self.pairs), nodes, self.position, None)
        encoded = bench.prompts(self.on)
        reference = encoded if self.reference is None else bench.prompts(self.reference)
        how = Ablation(self.ablation, reference, self.by, self.draws)
        return Knockout(bench, (encoded,), nodes, self.position, how)

    def _candidate(self, bench: Bench, surroundings: Knockout | Cut) -> Candidate | None:
        """Raises MeasurementError where the circuit is not part of the whole, or all of it."""
        if isinstance(surroundings, Cut):
            return self._of_edges(bench, surroundings.graph)
        if self.nodes is None:
            return None
        sites, nodes = bench.subject.sites(self.nodes), surroundings.nodes
        if outside := [str(site) for site in sites if site not in nodes]:
            raise MeasurementError(f"{', '.join(outside)} of the circuit is not among {self.among}")
        if len(sites) == len(nodes):
            raise MeasurementError(f"the circuit is all of {self.among}: nothing is outside it")
        others = (
            random_circuits(nodes, frozenset(sites), self.random, bench.seed) if self.random else []
        )
        return Candidate.of(sites, nodes, others, self.subsets, bench.seed)

    def _of_edges(self, bench: Bench, graph: Graph) -> Candidate | None:
        if self.edges is None:
            return None
        edges = graph.named(self.edges)
        if len(edges) == len(graph.edges):
            raise MeasurementError("the circuit is all edges of the model: nothing is outside it")
        others = graph.random(frozenset(edges), self.random, bench.seed)
        return Candidate.of(edges, graph.edges, others, self.subsets, bench.seed)

    def _ranked(self, bench: Bench, surroundings: Knockout | Cut) -> Ranked | None:
        """Raises MeasurementError where the ranking names what is no node."""
        if self.ranking is None or isinstance(surroundings, Cut):
            return None
        nodes = surroundings.nodes
        if self.ranking.by is not None:
            return Ranked.by_effect(surroundings, self.metric.first, self.ranking, bench.seed)
        order = () if self.ranking.sites is None else bench.subject.sites(self.ranking.sites)
        if outside := [str(site) for site in order if site not in nodes]:
            raise MeasurementError(f"{', '.join(outside)} of the ranking is not among {self.among}")
        return Ranked.given(order, nodes)

    def _how(self, surroundings: Knockout | Cut) -> dict[str, Any]:
        """The ablation in full, since another one may lead to another conclusion."""
        how: dict[str, Any] = {"ablation": self.ablation, "position": str(self.position)}
        if isinstance(surroundings, Cut):
            return how | {"among": len(surroundings.graph.edges)}
        how |= {"among": len(surroundings.nodes)}
        if self.ablation not in ("mean", "resample") or surroundings.ablation is None:
            return how
        reference = surroundings.ablation.reference
        how |= {"reference": str(self.reference or self.on), "reference_prompts": len(reference)}
        return how | ({"by": self.by} if self.ablation == "mean" else {"draws": self.draws})

    def _note(self, surroundings: Knockout | Cut) -> str:
        if isinstance(surroundings, Cut):
            count = len(surroundings.graph.edges)
            outside = f"what of {count:,} edges is outside a circuit"
            return f"{outside} brings what its sender says in the corrupted prompt"
        source = {
            "zero": "set to zero",
            "mean": f"set to the mean over `{self.reference or self.on}`",
            "resample": f"set to what others of `{self.reference or self.on}` have there",
            "corrupted": "set to what the corrupted prompt has there",
        }
        return (
            f"what of {len(surroundings.nodes)} nodes is outside a circuit is "
            f"{source[self.ablation]}, at {self.position}"
        )
