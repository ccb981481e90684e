from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edit, Operation
from ppcheck.subject.load import load, resolve
from ppcheck.subject.operations.whole_pass import patch_whole


@pytest.mark.trust
@pytest.mark.parametrize("model_type", ["gpt2", "llama", "gpt_neox"])
def test_a_replay_is_exact_where_transformers_calls_the_cache_cache(
    saved: Any, ids_prompts: Any, logit_diff: Any, model_type: str
) -> None:
    subject = load(resolve(str(saved(model_type))))
    engine = subject._engine

    def rename(_module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """What transformers does from 5.24 on."""
        for old in ("past_key_values", "layer_past"):
            if old in kwargs:
                kwargs["cache"] = kwargs.pop(old)
        return args, kwargs

    for block in engine.hooks.bridge.booted.blocks:
        block.attn.register_forward_pre_hook(rename, with_kwargs=True)
    assert subject.replays, subject.no_replay
    target, source = (
        subject.encode(ids_prompts([ids])) for ids in ([3, 9, 4, 17, 20], [3, 9, 4, 22, 28])
    )
    cells = [
        Cell((Site(kind, 1, 0),), Position.parse(place))
        for kind in (Kind.PATTERN, Kind.QUERY, Kind.VALUE)
        for place in ("-2", "final")
    ]
    whole = patch_whole(engine, target, source, cells, logit_diff(1), progress=lambda *_: None)
    found = subject.patch(target, source, cells, logit_diff(1))
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-5)
    assert len(set(whole[:, 0].round(6))) > 1


@pytest.mark.trust
def test_a_bridge_that_boots_during_a_run_still_gives_gradients(
    saved: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    path = str(saved("bloom"))
    load(resolve(path))  # now the map is known, and the next one loads without the bridge
    subject = load(resolve(path))
    encoded = subject.encode(ids_prompts([[3, 9, 4]]))
    key = Site(Kind.KEY, 0, 0)  # in weights that only the bridge splits from queries and values
    subject.activations(encoded, [key], FINAL)
    change = Edit(key, FINAL, Operation.ADD, np.full(subject.shape.d_head, 0.1))
    assert np.isfinite(subject.estimate_edits(encoded, [(change,)], logit_diff(1))).all()
