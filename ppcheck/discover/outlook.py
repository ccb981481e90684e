"""How long a search takes, phase by phase, before it starts."""

from __future__ import annotations

from collections.abc import Iterator

from ppcheck.discover.carriers import ALL, BEST
from ppcheck.discover.draft import Raw
from ppcheck.discover.laboratory import Laboratory
from ppcheck.discover.only import EVERYTHING, Only
from ppcheck.discover.phases import blocks, circuit, contrast, flow, heads, paths, probe, steering
from ppcheck.discover.search import MOST_DOSES
from ppcheck.discover.study import Study, claim
from ppcheck.discover.trace import Trace, class_traces, doses
from ppcheck.errors import PpcheckError
from ppcheck.spec.sites.site import Sites

Seconds = dict[str, float]
_BOUND = ">= 0.123456"


def outlook(laboratory: Laboratory, only: Only = EVERYTHING) -> Seconds:
    """About how many seconds each phase takes that is not known already.

    It is as if every difference moved the answer, and none took more than the first of its set.
    """
    seconds: Seconds = {}
    for prompts in laboratory.draft.sets.values():
        study = Study(laboratory, prompts)
        traces = _traced(study, only)
        for phase, some in _typical(study, traces[0]) if traces else ():
            if not (phase == contrast.PHASE or only.runs(phase)):
                continue
            try:
                needed = len(traces) * laboratory.expected(some)
            except PpcheckError:
                continue
            if phase == probe.PHASE:
                needed += sum(probe.fitting(study, trace) for trace in traces)
            seconds[phase] = seconds.get(phase, 0.0) + needed
    return seconds


def _traced(study: Study, only: Only) -> list[Trace]:
    prompt_set = study.prompts.prompt_set
    declared = class_traces(study.name, prompt_set) if only.compares_classes else []
    dosed = [trace for trace, _ in doses(study.name, prompt_set)] if only.traces_doses else []
    return [*declared, *dosed[:MOST_DOSES]]


def _typical(study: Study, trace: Trace) -> Iterator[tuple[str, list[Raw]]]:
    """Claims that cost about as much as what each phase looks at."""
    metric = contrast.linear(study.choices)
    paired = {"pairs": trace.pairs, "metric": metric}
    patched = {**paired, "mode": "denoise"}

    def of(check: str, **keys: object) -> Raw:
        return claim("look", "Look.", check, trace.on, keys, {"gap": _BOUND})

    many = _first(study, "L*H*")
    streams = [f"resid_post.L{layer}" for layer in _spread(study.n_layers, flow.STEPS + 3)]
    deep = study.n_layers > flow.SHALLOW
    yield (
        contrast.PHASE,
        [claim("look", "Look.", "contrast", trace.on, paired, {"difference": _BOUND})],
    )
    yield flow.PHASE, [of("patch", **patched, site=streams) if deep else of("flow", **paired)]
    yield blocks.PHASE, [of("patch", **patched, site=_first(study, "attn_out.L*"))]
    noise = {**patched, "mode": "noise"}
    yield (
        heads.PHASE,
        [of("patch", **patched, site=many), of("patch", **noise, site=many[: heads.MOST])],
    )
    tellers = many if len(many) <= BEST else many[:: len(many) // BEST]
    told = {**patched, "sender": tellers, "receiver": many[-paths.HEADS :]}
    yield paths.PHASE, [of("path", **told, position=at) for at in ("final", trace.variable)]
    if not (trace.column or trace.is_dose):
        middle = study.n_layers // 2
        direction = {"between": {trace.variable: [trace.clean, trace.corrupted]}}
        steered = {"site": f"resid_post.L{middle}", "direction": direction, "metric": metric}
        one = claim("look", "Look.", "steer", trace.on_corrupted, steered, {"excess": _BOUND})
        yield steering.PHASE, [one]
        yield probe.PHASE, [probe.cheapest(study, trace)]
    knocked = {**paired, "ablation": "corrupted"}
    some = many[: circuit.MOST // 2]
    yield circuit.PHASE, [of("circuit", **knocked, nodes=some, random=20, subsets=0)]


def _first(study: Study, sites: str) -> list[str]:
    """As many sites as are patched of these."""
    names = [str(site) for site in study.laboratory.model.subject.sites(Sites.parse(sites))]
    return names if len(names) <= ALL else names[:: len(names) // (2 * BEST)]


def _spread(layers: int, steps: int) -> list[int]:
    return sorted({round((layers - 1) * step / (steps + 1)) for step in range(1, steps + 1)})
