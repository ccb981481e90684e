"""`circuit`: a set of nodes, or of edges, does by itself what the whole model does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import ClassVar, Literal

from pydantic import Field

from ppcheck.measure.circuits.compared import OF_CURVE, OF_RANDOM, OF_SET, Candidate, Ranked
from ppcheck.measure.circuits.edges import Cut, Graph
from ppcheck.measure.circuits.knockout import Kept, Knockout, Parts
from ppcheck.measure.circuits.strategy import (
    CircuitStrategy,
    Controls,
    OfEdges,
    OfNodes,
    edge_problems,
    node_problems,
    ranking_problems,
)
from ppcheck.measure.core.check import Bench, Check, CheckResult, StatisticResult
from ppcheck.measure.core.doubts import estimates
from ppcheck.measure.core.facts import Facts
from ppcheck.measure.core.validation import metric_problems, patch_problems
from ppcheck.measure.interventions.ablation import (
    Ablation,
    MeanOver,
    WeightsField,
    ablation_problems,
)
from ppcheck.spec.claim import PairsField
from ppcheck.spec.expectations.metric import Metric, MetricsField
from ppcheck.spec.expectations.range import Range
from ppcheck.spec.problem import Problem, Problems
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.spec.prompts.selection import SelectionField
from ppcheck.spec.sites.edge import EdgesField
from ppcheck.spec.sites.position import Position, PositionField
from ppcheck.spec.sites.ranking import RankingField
from ppcheck.spec.sites.site import Sites, SitesField

MOST_ARE_BEATEN = 0.95
"""A circuit that beats fewer random ones than these is one of many."""
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
    by: MeanOver = Field(
        "position", description="One mean for each token of the position, or pooled."
    )
    draws: int = Field(
        4, ge=1, le=100, description="How many other prompts each prompt is resampled from."
    )
    weights: WeightsField = "raw"
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
            yield from node_problems(key, sites or Sites(()))
        if not self._named and self.ranking is None:
            yield Problem(
                "nodes", "name the circuit's nodes or `edges`, or a `ranking` for its curve"
            )
        if self.ranking is not None:
            yield from ranking_problems(self.ranking, self.metric.first, self.ablation)
        if self.edges is not None:
            yield from edge_problems(self.model_fields_set, self.ablation)
        for key in ("random", "subsets"):
            if not self._named and key in self.model_fields_set:
                yield Problem(key, f"`{key}` compares with a circuit: name its `nodes` or `edges`")

    @property
    def _named(self) -> bool:
        return self.nodes is not None or self.edges is not None

    @property
    def is_paired(self) -> bool:
        return self.ablation == "corrupted"

    @property
    def sampling(self) -> Iterator[str]:
        yield from super().sampling
        if self.looks:
            yield "ranking"
        yield from (f"expect.{name}" for name in self.expect if name.partition("@")[0] in OF_RANDOM)

    @property
    def looks(self) -> bool:
        return self.ranking is not None and self.ranking.by is not None

    def doubts(self, bench: Bench, result: CheckResult) -> Iterator[str]:
        del bench
        beaten = estimates(result, "beats_random")
        if beaten and min(beaten) < MOST_ARE_BEATEN and self.expect.keys().isdisjoint(OF_RANDOM):
            yield (
                f"{1 - min(beaten):.0%} of random circuits of this size are as faithful: expect "
                "`beats_random` too"
            )

    def measure(self, bench: Bench) -> CheckResult:
        parts = self._parts(bench)
        circuit, ranked = parts.candidate(), parts.ranked(self.metric.first)
        wanted = [*(circuit.wanted() if circuit else ()), *(ranked.points if ranked else ())]
        runs = {metric: parts.run(wanted, metric) for metric in self.metric}
        first = runs[self.metric.first]
        drawn = Facts(
            maps={f"faithfulness lost in {m}": circuit.map(kept) for m, kept in runs.items()}
            if circuit
            else {},
            curves={f"faithfulness in {m}": ranked.curve(kept) for m, kept in runs.items()}
            if ranked
            else {},
            extras={"faithfulness_of_nothing": first.faithfulness(Parts())},
        )
        facts = (circuit.facts(first) if circuit else Facts()) | Facts(extras=parts.how) | drawn
        notes = [parts.note]
        if ranked:
            facts |= Facts(
                ranking=tuple(map(str, ranked.order)), extras={"ranked_by": str(self.ranking)}
            )
            notes += ranked.notes
        if ranked and ranked.effects:
            facts |= Facts(effects=ranked.effects, extras={"sign": SIGN})
        results = self._of(runs, circuit, ranked)
        return self.result(bench, parts.sides, results, facts, notes)

    def _of(
        self, runs: Mapping[Metric, Kept], circuit: Candidate | None, ranked: Ranked | None
    ) -> Iterator[StatisticResult]:
        for metric, kept in runs.items():
            named = partial(self.metric.name, metric=metric)
            if circuit:
                yield from circuit.results(kept, named)
            if ranked:
                yield from ranked.results(kept, named)
            yield kept.gap(named("gap"))

    def _parts(self, bench: Bench) -> CircuitStrategy:
        controls = Controls(self.random, self.subsets, bench.seed)
        if self.edges is not None:
            cut = Cut(bench, bench.pairs(self.on, self.pairs), Graph(bench.subject))
            return OfEdges(cut, self.edges, controls)
        reference = str(self.reference or self.on)
        knockout = self._knockout(bench)
        return OfNodes(knockout, self.nodes, self.among, self.ranking, controls, reference)

    def _knockout(self, bench: Bench) -> Knockout:
        nodes = bench.subject.sites(self.among)
        if self.ablation == "corrupted":
            return Knockout(bench, bench.pairs(self.on, self.pairs), nodes, self.position, None)
        encoded = bench.prompts(self.on)
        reference = encoded if self.reference is None else bench.prompts(self.reference)
        how = Ablation(self.ablation, reference, self.by, self.draws, self.weights)
        return Knockout(bench, (encoded,), nodes, self.position, how)
