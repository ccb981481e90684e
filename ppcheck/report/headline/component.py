"""Which component a figure of a claim is about, as a reader names it: ``head L26H2``."""

from __future__ import annotations

from dataclasses import dataclass

from ppcheck.record.leading import member_of
from ppcheck.record.run import ClaimRecord
from ppcheck.report.text import printable
from ppcheck.spec.sites.receiver import LOGITS
from ppcheck.spec.sites.site import OF_HEADS, Kind, Site, SitePattern

_DIRECTIONS = frozenset({"steer", "direction_ablation"})
_TELLS = " → "
_STREAMS = {
    Kind.RESID_PRE: "stream before layer",
    Kind.RESID_MID: "stream inside layer",
    Kind.RESID_POST: "stream after layer",
    Kind.ATTN_OUT: "attention of layer",
    Kind.MLP_OUT: "MLP of layer",
}
_PARTS = {
    Kind.QUERY: "queries of ",
    Kind.KEY: "keys of ",
    Kind.VALUE: "values of ",
    Kind.PATTERN: "pattern of ",
}
_NUMBERED = {Kind.NEURON: "neuron", Kind.FEATURE: "feature"}


@dataclass(frozen=True)
class Component:
    """``key`` is one for all that is said of it; ``tells`` is who reads it, of a direct path."""

    key: str
    words: str
    tells: str = ""


def component_of(claim: ClaimRecord, title: str) -> Component | None:
    """What the claim's statistic of this title is of; None where that is several, or no site."""
    named = member_of(title) or _own(claim)
    sender, _, receiver = named.partition(_TELLS)
    site = _site(sender.partition(" at ")[0])
    if site is None:
        return None
    if claim.check in _DIRECTIONS:
        return Component(f"direction at {site}", f"direction in {_words(site)}")
    return Component(_key(site), _words(site), _receiver(receiver))


def short(name: str) -> str:
    """A site in few words: ``L26H2``, ``attention of layer 26``; anything else as it is."""
    site = _site(name)
    return printable(name) if site is None or site.kind not in _STREAMS else _words(site)


def _own(claim: ClaimRecord) -> str:
    """The only site that the claim names."""
    named = claim.measures
    if claim.check == "path":
        return f"{named.get('sender', '')}{_TELLS}{named.get('receiver', '')}"
    return named.get("site") or named.get("played_by") or ""


def _site(name: str) -> Site | None:
    try:
        return SitePattern.parse(name).site
    except ValueError:
        return None


def _key(site: Site) -> str:
    """A head's queries, keys and values are the head's."""
    return f"L{site.layer}H{site.index}" if site.kind in OF_HEADS else str(site)


def _words(site: Site) -> str:
    if site.kind in _STREAMS:
        return f"{_STREAMS[site.kind]} {site.layer}"
    if site.kind in OF_HEADS:
        return f"{_PARTS.get(site.kind, '')}head {_key(site)}"
    return f"{_NUMBERED.get(site.kind, '')} {site}".strip()


def _receiver(name: str) -> str:
    if name == LOGITS:
        return "the logits"
    site = _site(name)
    return printable(name) if site is None else _words(site)
