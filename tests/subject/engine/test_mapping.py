from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.mapping import found_map, site_map
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.site_map import SHIPPED, End, Place, SiteMap, keep_map, known_map
from tests.subject.ship_maps import shipped

JOINT = {"gpt2": 3, "gpt_neox": None, "llama": 0}
"""How many of q, k and v are thirds of a joint output; None where heads come one after another."""


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ppcheck" / "site-maps"


@pytest.fixture
def found(tiny: Callable[[str], LoadedSubject]) -> Callable[[str], SiteMap]:
    def find(model_type: str) -> SiteMap:
        hooks = tiny(model_type)._engine.hooks
        return found_map(hooks.root, hooks.bridge, hooks.model)[0]

    return find


@pytest.mark.parametrize("model_type", sorted(JOINT))
def test_modules_are_found_for_every_site_that_they_show(
    found: Callable[[str], SiteMap], model_type: str
) -> None:
    sites = found(model_type).sites
    ends = {kind: sites.get(Site(kind, 1).hook) for kind in Kind}
    joint = [ends[kind] for kind in (Kind.QUERY, Kind.KEY, Kind.VALUE)]
    thirds = [place.third for place in joint if place is not None]
    assert (len(thirds) - thirds.count(None) if thirds else None) == JOINT[model_type]
    assert len(set(joint)) == max(1, len(thirds))
    pattern = ends[Kind.PATTERN]
    assert pattern is not None
    assert pattern.end is End.WEIGHTS
    head = ends[Kind.HEAD]
    assert head is not None
    assert head.end is End.INPUT


def test_a_module_that_shows_other_numbers_than_the_bridge_carries_no_site(
    tiny: Callable[[str], LoadedSubject],
) -> None:
    """The model is made to differ from its twin in the bridge in one place."""
    subject = tiny("llama")
    hooks = subject._engine.hooks
    module = hooks.root.get_submodule("model.layers.1.mlp")
    handle = module.register_forward_hook(lambda _module, _args, output: output * 1.01)
    try:
        sites = found_map(hooks.root, hooks.bridge, hooks.model)[0].sites
    finally:
        handle.remove()
    lost = {hook for hook, place in sites.items() if place is None}
    assert lost == {"blocks.1.hook_mlp_out", "blocks.1.hook_resid_post"}


def test_the_shipped_maps_are_what_the_bridge_shows_today() -> None:
    assert {path.name: path.read_bytes() for path in SHIPPED.glob("*.json")} == shipped()


@pytest.mark.slow
def test_a_model_whose_map_is_known_is_loaded_without_transformer_lens(saved: Any) -> None:
    code = (
        "import sys; from ppcheck.subject.load import load, resolve; load(resolve(sys.argv[1]));"
        "print('transformer_lens' in sys.modules)"
    )

    def imported(model: str) -> str:
        command = [sys.executable, "-c", code, model]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    path = str(saved("llama"))
    assert [imported("demo"), imported(path), imported(path)] == ["False", "True", "False"]


def test_a_kept_map_is_used_where_its_modules_are_there_and_made_again_where_not(
    tiny: Callable[[str], LoadedSubject], found: Callable[[str], SiteMap], cache: Path
) -> None:
    hooks, real = tiny("llama")._engine.hooks, found("llama")
    assert known_map("a") is None
    other = replace(real, final_norm="model.layers.0")
    keep_map("a", other)
    assert site_map(hooks.root, hooks.bridge, "a", "llama") == known_map("a") == other
    keep_map("a", replace(real, final_norm="transformer.ln_f"))
    assert site_map(hooks.root, hooks.bridge, "a", "llama") == known_map("a") == real
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[:-30])
    assert known_map("a") is None
    assert site_map(hooks.root, hooks.bridge, "a", "llama") == real
    assert json.loads(file.read_text())["final_norm"] == "model.norm"


def test_a_map_tried_on_numbers_that_are_not_finite_is_not_kept(
    demo_with_nan: Path, cache: Path
) -> None:
    hooks = load(resolve(str(demo_with_nan)))._engine.hooks
    assert site_map(hooks.root, hooks.bridge, "a", "nan").sites.keys() == hooks.map.sites.keys()
    assert not cache.exists()


def test_where_no_cache_can_be_written_maps_are_made_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: Callable[[str], SiteMap]
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    keep_map("a", found("llama"))
    assert known_map("a") is None


def test_a_module_that_never_runs_is_not_taken_for_a_site_without_effect(
    tiny: Callable[[str], LoadedSubject], monkeypatch: pytest.MonkeyPatch, ids_prompts: Any
) -> None:
    subject = tiny("llama")
    hooks, name = subject._engine.hooks, "blocks.1.hook_mlp_out"
    models = hooks.root, subject._engine._twin
    for model in models:
        model.add_module("idle", torch.nn.Identity())
    idle = replace(hooks.map, sites={**hooks.map.sites, name: Place("idle", End.OUTPUT)})
    monkeypatch.setattr(hooks, "map", idle)
    encoded, sites = subject.encode(ids_prompts([[3, 9, 4]])), [Site(Kind.MLP_OUT, 1)]
    try:
        with pytest.raises(UnsupportedError, match=f"does not compute {name}"):
            subject.capture(encoded, sites, [1])
    finally:
        for model in models:
            del model.idle
