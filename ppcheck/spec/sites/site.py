"""Addresses of what a claim intervenes on, as text: ``L9H6.q``, ``resid_post.L[2-4]``, ``L3N117``.

The words are TransformerLens's, and its hook names (``blocks.9.attn.hook_z``) are read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any

from ppcheck.spec.grammar import TEXT_OR_LIST, Parsed, shown

FORMS = "L9H6, L9H6.q, L*H*, L[5-8]H*, L3N117, resid_post.L5, attn_out.L*, mlp_out.L3, embed"


class Kind(StrEnum):
    """What stands at a site; the value is its word in a spec."""

    HEAD = "z"
    QUERY = "q"
    KEY = "k"
    VALUE = "v"
    PATTERN = "pattern"
    NEURON = "neuron"
    RESID_PRE = "resid_pre"
    RESID_MID = "resid_mid"
    RESID_POST = "resid_post"
    ATTN_OUT = "attn_out"
    MLP_OUT = "mlp_out"
    EMBED = "embed"


OF_HEADS = frozenset({Kind.HEAD, Kind.QUERY, Kind.KEY, Kind.VALUE, Kind.PATTERN})
OF_KEY_VALUE_HEADS = frozenset({Kind.KEY, Kind.VALUE})
STREAMS = frozenset({Kind.RESID_PRE, Kind.RESID_MID, Kind.RESID_POST, Kind.ATTN_OUT, Kind.MLP_OUT})

_HOOKS = {
    Kind.HEAD: "attn.hook_z",
    Kind.QUERY: "attn.hook_q",
    Kind.KEY: "attn.hook_k",
    Kind.VALUE: "attn.hook_v",
    Kind.PATTERN: "attn.hook_pattern",
    Kind.NEURON: "mlp.hook_post",
    Kind.RESID_PRE: "hook_resid_pre",
    Kind.RESID_MID: "hook_resid_mid",
    Kind.RESID_POST: "hook_resid_post",
    Kind.ATTN_OUT: "hook_attn_out",
    Kind.MLP_OUT: "hook_mlp_out",
}
_KINDS = {hook: kind for kind, hook in _HOOKS.items()}
_OWN = tuple((hook, hook) for hook in _KINDS)

_RESULT = "attn.hook_result"
"""A head after W_O. What is done to it there is done to the head before it, W_O being linear."""
_READ = {**_KINDS, _RESULT: Kind.HEAD}
_INSTEAD = {
    _RESULT: "attn.hook_z",
    "attn.hook_attn_scores": "attn.hook_pattern",
    "attn.hook_rot_q": "attn.hook_q",
    "attn.hook_rot_k": "attn.hook_k",
    "hook_q_input": "attn.hook_q",
    "hook_k_input": "attn.hook_k",
    "hook_v_input": "attn.hook_v",
    "hook_mlp_in": "hook_resid_mid",
    "mlp.hook_pre": "mlp.hook_post",
}
"""Hooks that are not sites, and the site that comes closest to what they carry."""
_SELECTOR = r"(\*|\d+|\[[\d,\- ]+\])"
_HEAD = re.compile(rf"L{_SELECTOR}H{_SELECTOR}(?:\.(q|k|v|z|pattern))?")
_NEURON = re.compile(rf"L{_SELECTOR}N{_SELECTOR}")
_STREAM = re.compile(rf"({'|'.join(sorted(STREAMS))})\.L{_SELECTOR}")
_HOOK = re.compile(r"blocks\.(\d{1,6})\.([a-z_.]+?)(?:\[(\d{1,6})\])?")
_RANGE = re.compile(r"(\d{1,6})(?:\s*-\s*(\d{1,6}))?")
_MAX_NUMBERS = 200_000


@dataclass(frozen=True, order=True)
class Site:
    """One address. ``index`` is a head's or neuron's number; the embedding has no ``layer``."""

    kind: Kind
    layer: int | None = None
    index: int | None = None

    @property
    def hook(self) -> str:
        """The TransformerLens hook that carries the site."""
        if self.kind is Kind.EMBED:
            return "hook_embed"
        return f"blocks.{self.layer}.{_HOOKS[self.kind]}"

    def __str__(self) -> str:
        if self.kind is Kind.EMBED:
            return "embed"
        if self.kind is Kind.NEURON:
            return f"L{self.layer}N{self.index}"
        if self.kind in OF_HEADS:
            suffix = "" if self.kind is Kind.HEAD else f".{self.kind}"
            return f"L{self.layer}H{self.index}{suffix}"
        return f"{self.kind}.L{self.layer}"


def kind_of(hook: str) -> Kind:
    """The kind of site that a hook carries, by the name that `Site.hook` gives it."""
    return Kind.EMBED if hook == "hook_embed" else _KINDS[hook.split(".", 2)[2]]


@dataclass(frozen=True)
class SitePattern:
    """One written address. ``layers`` and ``indices`` are None for all that the model has."""

    kind: Kind
    layers: tuple[int, ...] | None
    indices: tuple[int, ...] | None
    text: str

    @classmethod
    def parse(cls, text: str) -> SitePattern:
        if text in ("embed", "hook_embed"):
            return cls(Kind.EMBED, (), (), text)
        if match := _HEAD.fullmatch(text):
            kind = Kind(match[3]) if match[3] else Kind.HEAD
            return cls(kind, _numbers(match[1]), _numbers(match[2]), text)
        if match := _NEURON.fullmatch(text):
            return cls(Kind.NEURON, _numbers(match[1]), _numbers(match[2]), text)
        if match := _STREAM.fullmatch(text):
            return cls(Kind(match[1]), _numbers(match[2]), (), text)
        if (match := _HOOK.fullmatch(text)) and match[2] in _READ:
            kind = _READ[match[2]]
            if kind in STREAMS and match[3]:
                raise ValueError(f"{text!r} has an index, and {kind} has neither heads nor neurons")
            indices = (int(match[3]),) if match[3] else None
            return cls(kind, (int(match[1]),), () if kind in STREAMS else indices, text)
        if near_hook := _near_hook(text):
            raise ValueError(f"{shown(text)} is not a site; {near_hook}")
        stream, dot, layer = text.partition(".")
        if dot and (near := get_close_matches(stream, STREAMS, n=1)):
            meant = f"{near[0]}.L{layer.removeprefix('L')}"
            raise ValueError(f"{shown(text)} is not a site; did you mean {meant}?")
        raise ValueError(f"{shown(text)} is not a site; sites are written {FORMS}")

    @property
    def site(self) -> Site | None:
        """The one site that it names, whatever the model; None where it may name several."""
        numbers = self.layers, self.indices
        if any(some is None or len(some) > 1 for some in numbers):
            return None
        layer, index = (next(iter(some or ()), None) for some in numbers)
        return Site(self.kind, layer, index)

    def covers(self, site: Site) -> bool:
        """Whether the site is one of those that it names, if the model has it."""
        return site.kind is self.kind and all(
            some is None or number is None or number in some
            for some, number in ((self.layers, site.layer), (self.indices, site.index))
        )

    @property
    def before_projection(self) -> str | None:
        """What to write for the head before W_O, where it is written as TransformerLens's result.

        A check that reads a head's own numbers, or moves it along a direction, cannot take the one
        for the other.
        """
        return self.text.replace(_RESULT, "attn.hook_z") if _RESULT in self.text else None

    @property
    def least(self) -> int:
        """How many sites it names, at the least."""
        return max(1, len(self.layers or ())) * max(1, len(self.indices or ()))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Sites:
    """All addresses that a claim names, as written."""

    patterns: tuple[SitePattern, ...]

    @classmethod
    def parse(cls, value: Any) -> Sites:
        words = value if isinstance(value, list) else [value]
        if not words or not all(isinstance(word, str) for word in words):
            raise ValueError(
                f"a site is text or a list of texts, such as {FORMS}; got {shown(value)}"
            )
        return cls(tuple(SitePattern.parse(word.strip()) for word in words))

    def __iter__(self) -> Iterator[SitePattern]:
        return iter(self.patterns)

    def __str__(self) -> str:
        texts = [pattern.text for pattern in self.patterns]
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _near_hook(text: str) -> str | None:
    """What to write for a hook of TransformerLens's that carries no site, if it looks like one."""
    match = re.fullmatch(r"(?:blocks\.(\d+)\.)?((?:[a-z]\w*\.)?hook_\w+)(\[\d+\])?", text)
    if match is None:
        return None
    layer, index = match[1] or "<layer>", match[3] or ""
    by_name = {hook.rpartition(".")[2]: site for hook, site in (*_INSTEAD.items(), *_OWN)}
    near = get_close_matches(match[2].rpartition(".")[2], by_name, n=1, cutoff=0.8)
    if not near:
        return f"the hooks that carry sites are {', '.join(_KINDS)}"
    site = by_name[near[0]]
    return f"did you mean blocks.{layer}.{site}{'' if _KINDS[site] in STREAMS else index}?"


def _numbers(text: str) -> tuple[int, ...] | None:
    if text == "*":
        return None
    numbers: list[int] = []
    for part in text.strip("[]").split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{shown(text)} is not a range; write 5, *, [5-8] or [1,3]")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"the range {part.strip()} runs backwards: write [{last}-{first}]")
        numbers += range(first, last + 1)
        if len(numbers) > _MAX_NUMBERS:
            raise ValueError(f"{shown(text)} names over {_MAX_NUMBERS:,}: write * for all")
    return tuple(dict.fromkeys(numbers))


SitesField = Annotated[
    Sites, Parsed(Sites.parse, f"A site, or a list of sites: {FORMS}", TEXT_OR_LIST)
]
