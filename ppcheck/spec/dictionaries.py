"""From the folder of a sparse autoencoder or transcoder to a `Dictionary`, its weights unread."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

from ppcheck.errors import SpecError
from ppcheck.spec.dictionary import Activation, Dictionary, stat_of
from ppcheck.spec.grammar import shown, suggest
from ppcheck.spec.prompts.rows import resolve_inside
from ppcheck.spec.sites.site import Kind, Site, SitePattern
from ppcheck.spec.source import Source

CONFIG = "cfg.json"
WEIGHTS = "sae_weights.safetensors"
"""What the weights are called, unless the folder holds one safetensors file of another name."""
_NAME = re.compile(r"sae\.[A-Za-z_]\w*")
_ACTIVATIONS: dict[str, Activation] = {
    "relu": "relu",
    "standard": "relu",
    "transcoder": "relu",
    "jumprelu": "jumprelu",
    "jumprelu_transcoder": "jumprelu",
    "topk": "topk",
}
_AS_THEY_ARE: dict[str, Any] = {
    "normalize_activations": "none",
    "reshape_activations": "none",
    "rescale_acts_by_decoder_norm": False,
    "finetuning_scaling_factor": False,
    "hook_head_index": None,
}
"""Keys of a configuration that may say one thing alone: all else would change the features."""
_MOST = 1_000_000
_DTYPES = ("F32", "F16", "BF16", "F64")
_IN_ORDER = (Kind.RESID_PRE, Kind.ATTN_OUT, Kind.RESID_MID, Kind.MLP_OUT, Kind.RESID_POST)
"""The streams of a block as they are computed."""


def read_dictionaries(
    source: Source, features: Mapping[str, str]
) -> dict[str, Dictionary | SpecError]:
    """The dictionaries of a spec by name, or what is wrong with each."""
    found: dict[str, Dictionary | SpecError] = {}
    for name, folder in features.items():
        try:
            found[name] = read_dictionary(name, folder, source.path.parent)
        except (ValueError, OSError) as error:
            found[name] = source.error(f"{name}: {error}", ("features", name))
    return found


def read_dictionary(name: str, folder: str, within: Path) -> Dictionary:
    """The dictionary in a ``folder`` of ``within``, in the layout that SAELens writes.

    Raises ValueError where its files lead outside, are not there, do not fit together, or say that
    it computes something else than is read here.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{shown(name)} is not a name of features: call them sae.NAME")
    config = resolve_inside(within, f"{folder}/{CONFIG}", _MOST)
    said, named = _config(config), f"{folder}/{CONFIG}"
    try:
        reads, writes = _sites(said)
        activation, k, centred = _kind(said, is_transcoder=reads != writes)
        width, size = (_number(said, key) for key in ("d_in", "d_sae"))
    except ValueError as error:
        raise ValueError(f"{named}: {error}") from None
    weights = resolve_inside(within, f"{folder}/{_weights(config.parent)}", inf)
    shapes = {"W_enc": [width, size], "b_enc": [size], "W_dec": [size, width], "b_dec": [width]}
    if activation == "jumprelu":
        shapes["threshold"] = [size]
    try:
        _check_tensors(weights, shapes, activation)
    except ValueError as error:
        raise ValueError(f"{folder}/{weights.name}: {error}") from None
    if k > size:
        raise ValueError(f"{named}: k is {k}, and there are {size} features")
    return Dictionary(
        *(name, folder, config, weights, str(reads), str(writes)),
        *(width, size, activation, k, centred, (stat_of(config), stat_of(weights))),
    )


def _config(path: Path) -> Mapping[str, Any]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.parent.name}/{path.name} is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise ValueError(f"{path.parent.name}/{path.name} is not a JSON object")
    metadata = said.get("metadata")
    return {**(metadata if isinstance(metadata, dict) else {}), **said}


def _sites(said: Mapping[str, Any]) -> tuple[Site, Site]:
    """What is read and what is written."""
    reads = _site(said, "hook_name")
    is_transcoder = said.get("hook_name_out") or "transcoder" in str(said.get("architecture"))
    writes = _site(said, "hook_name_out") if is_transcoder else reads
    first, second = ((site.layer or 0, _IN_ORDER.index(site.kind)) for site in (reads, writes))
    if first > second:
        raise ValueError(
            f"it reads {reads} and writes {writes}, which comes earlier: a transcoder writes what "
            "comes after"
        )
    return reads, writes


def _site(said: Mapping[str, Any], key: str) -> Site:
    hook = said.get(key)
    if not isinstance(hook, str):
        raise ValueError(f"`{key}` names a hook, as blocks.5.hook_resid_post; got {shown(hook)}")
    try:
        site = SitePattern.parse(hook).site
    except ValueError as error:
        raise ValueError(f"`{key}`: {error}") from None
    if site is None or site.kind not in _IN_ORDER:
        streams = ", ".join(_IN_ORDER)
        raise ValueError(f"`{key}` is {hook}, and features are read of streams alone: {streams}")
    return site


def _kind(said: Mapping[str, Any], *, is_transcoder: bool) -> tuple[Activation, int, bool]:
    """How pre-activations become activations, how many stay, and whether b_dec is taken off."""
    architecture = said.get("architecture")
    if not isinstance(architecture, str) or architecture not in _ACTIVATIONS:
        known = suggest(str(architecture), _ACTIVATIONS)
        raise ValueError(f"the architecture {shown(architecture)} is not read: {known}")
    for key, only in _AS_THEY_ARE.items():
        if (value := said.get(key, only)) not in (only, None):
            raise ValueError(
                f"`{key}` is {shown(value)}, which would make other features: {shown(only)} alone "
                "is read"
            )
    activation = _ACTIVATIONS[architecture]
    for key in ("activation_fn", "activation_fn_str"):
        if (value := said.get(key, "relu")) not in ("relu", activation):
            raise ValueError(f"`{key}` is {shown(value)}, and the architecture {activation}")
    k = _number(said, "k") if activation == "topk" else 0
    centred = said.get("apply_b_dec_to_input", False if is_transcoder else None)
    if not isinstance(centred, bool):
        raise ValueError("`apply_b_dec_to_input` says whether b_dec is taken from what is read")
    if centred and is_transcoder:
        raise ValueError(
            "`apply_b_dec_to_input` is true, and the b_dec of a transcoder is of what it writes"
        )
    return activation, k, centred


def _number(said: Mapping[str, Any], key: str) -> int:
    number = said.get(key)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"`{key}` is a whole number from 1 up; got {shown(number)}")
    return number


def _weights(folder: Path) -> str:
    """The name of the file of weights. Raises ValueError where it is not clear which it is."""
    names = sorted(path.name for path in folder.glob("*.safetensors"))
    if WEIGHTS in names or not names:
        return WEIGHTS
    if len(names) > 1:
        raise ValueError(
            f"{folder.name} holds {', '.join(names)}: call the file of the weights {WEIGHTS}"
        )
    return names[0]


def _check_tensors(path: Path, shapes: Mapping[str, list[int]], activation: Activation) -> None:
    """Raises ValueError unless the file has just these tensors, of these shapes."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            found = {name: (s.get_shape(), s.get_dtype()) for name, s in slices.items()}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"not a safetensors file: {error}") from None
    for name, shape in shapes.items():
        if name not in found:
            raise ValueError(f"there is no tensor {name}, of shape {shape}: {suggest(name, found)}")
        if found[name][0] != shape:
            raise ValueError(
                f"{name} has shape {found[name][0]}, and by {CONFIG} it is {shape}: W_enc is "
                "[d_in, d_sae] and W_dec [d_sae, d_in]"
            )
        if found[name][1] not in _DTYPES:
            raise ValueError(f"{name} is of {found[name][1]}: save it as {' or '.join(_DTYPES)}")
    if more := sorted(found.keys() - shapes.keys()):
        raise ValueError(
            f"a {activation} dictionary has no tensor {more[0]}: it would be left out, and the "
            "features would be others"
        )
