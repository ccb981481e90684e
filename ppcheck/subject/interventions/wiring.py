"""Which edges of a model bring what a clean prompt says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppcheck.spec.sites.edge import Edge
from ppcheck.spec.sites.site import Kind, Site

Group = tuple[Site, ...]
"""Senders that write to the stream side by side: the embedding, one MLP, or heads of one layer."""


@dataclass(frozen=True)
class Wiring:
    """With ``keeps`` these edges alone are clean and all others corrupted; without, the reverse.

    Either way may say the same; the work grows with the number of ``edges``.
    """

    edges: frozenset[Edge]
    keeps: bool


def side_by_side(senders: Sequence[Site]) -> list[Group]:
    groups: dict[tuple[int | None, bool], list[Site]] = {}
    for site in senders:
        groups.setdefault((site.layer, site.kind is Kind.MLP_OUT), []).append(site)
    return [tuple(group) for group in groups.values()]


def after(group: Group, *, parallel: bool) -> Site:
    """The stream as these leave it, before anything has answered to them.

    ``parallel`` is of blocks in which attention and MLP read the same stream.
    """
    layer, mlp = group[0].layer, group[0].kind is Kind.MLP_OUT
    return Site(Kind.RESID_POST if mlp or parallel else Kind.RESID_MID, layer)
