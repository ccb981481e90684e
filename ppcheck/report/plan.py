"""What a person reads of a plan."""

from __future__ import annotations

import math

from ppcheck.measure.plan import Plan, Share
from ppcheck.measure.recorder import SAMPLE
from ppcheck.report.text import counted, printable

_ENOUGH = 30
"""Units from which on intervals cover as often as they say; see the calibration."""
_COSTLY = 3
_PREFIXES = ("", "k", "M", "G", "T", "P")


def plan_text(plan: Plan) -> str:
    """The plan of one model, in lines."""
    rows = [
        ("asked for", f"{plan.asked:,} measurements by {counted(plan.claims, 'claim')}"),
        ("known", f"{plan.known:,}, in the cache or asked for twice"),
        ("to measure", f"{plan.to_measure:,}"),
    ]
    if plan.requests:
        rows += _work(plan)
    if plan.guessed:
        what = ", ".join(map(printable, plan.guessed))
        rows.append(("guessed", f"what is found by looking, and so what is measured of it: {what}"))
    rows += [
        ("not planned", f"{printable(n)}: {printable(why)}") for n, why in plan.refused.items()
    ]
    lines = [printable(plan.subject.info.name)]
    return "".join(f"{line}\n" for line in [*lines, *(f"  {n:<13} {text}" for n, text in rows)])


def _work(plan: Plan) -> list[tuple[str, str]]:
    prompts, cells = plan.prompts, plan.members("patch")
    tokens = sum(map(len, prompts))
    reads = plan.members("read")
    rows = [
        ("prompts", f"{len(prompts):,}; {tokens:,} tokens, {plan.distinct_tokens:,} distinct"),
        ("readouts", f"{reads:,}"),
        ("captures", f"{plan.members('capture'):,} sites, {plan.members('attention'):,} heads"),
        ("patched", f"{cells:,} cells, {sum(r.runs for r in plan.requests):,} runs"),
    ]
    if replies := plan.members("reply"):
        rows.append(("replies", f"{replies:,}, none of which ends before it must"))
    if gradients := plan.members("gradient"):
        rows.append(("gradients", f"{gradients:,} cells"))
    if rewired := plan.members("rewire"):
        rows.append(("rewired", f"{rewired:,} sets of edges"))
    if cells:
        layers = "  ".join(f"L{n} {count:,}" for n, count in enumerate(plan.replayed))
        rows.append(("recomputed", f"tokens by layer: {layers}"))
    pace = f"at {_scaled(plan.speed or 0)}FLOP/s, measured by reading {SAMPLE} prompts"
    rows.append(("arithmetic", f"{_scaled(plan.flops)}FLOP"))
    rows.append(("expected", f"{plan.seconds:.2g} s {pace}"))
    return rows + _cheaper(plan)


def _cheaper(plan: Plan) -> list[tuple[str, str]]:
    """Which claims cost most, and what fewer units of the dearest prompt set would spare."""
    costly = sorted(plan.shares, key=lambda share: -share.flops)[:_COSTLY]
    named = ", ".join(f"{printable(s.claim)} {s.flops / plan.flops:.0%}" for s in costly)
    rows = [("costly", f"{named} of the arithmetic")]
    of_sets: dict[tuple[str, str], list[Share]] = {}
    for share in plan.shares:
        of_sets.setdefault((share.claim.partition("::")[0], share.prompts), []).append(share)
    (spec, name), dearest = max(of_sets.items(), key=lambda of: sum(s.flops for s in of[1]))
    units = max(share.units for share in dearest)
    few = max(_ENOUGH, units // 4)
    if few < units:
        spared = sum(share.flops for share in dearest) / plan.flops * (1 - few / units)
        wider = math.sqrt(units / few)
        what = f"`sample: {few}` of the {units:,} units of {printable(spec)}'s `{name}`"
        would = f"would spare about {spared:.0%}, with intervals {wider:.1f} times as wide"
        rows.append(("cheaper", f"{what} {would}"))
    return rows


def _scaled(value: float) -> str:
    """``2.7 T``: with the prefix that leaves one to three digits."""
    power = 0
    while value >= 1000 and power < len(_PREFIXES) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.3g} {_PREFIXES[power]}"
