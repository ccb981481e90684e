from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.engine.hooks import by_hook
from ppcheck.subject.operations.recording import Asked, _of_tree, _of_whole_passes, recorded
from tests.subject.conftest import CONFIGS
from tests.subject.engine.test_tree import NOT_REPLAYED, OWN_MASK, branching

PLAIN = frozenset(Kind) - {Kind.PATTERN}


def sites_of(engine: Any) -> list[Site]:
    """Those of a model that its own modules show."""
    found = []
    for kind in sorted(PLAIN):
        for layer in [None] if kind is Kind.EMBED else range(engine.shape.n_layers):
            index = 1 if kind in (Kind.HEAD, Kind.NEURON, Kind.QUERY) else None
            site = Site(kind, layer, 0 if kind in (Kind.KEY, Kind.VALUE) else index)
            if engine.hooks.has(site.hook) and engine.hooks.places([site.hook]) is not None:
                found.append(site)
    return found


def by_place(seen: Any) -> dict[tuple[int, int], dict[str, Any]]:
    return {
        (prompt, place): {hook: some[row].numpy() for hook, some in each.activations.items()}
        for each in seen
        for row, (prompt, place) in enumerate(
            zip(each.prompts.tolist(), each.places.tolist(), strict=True)
        )
    }


@pytest.mark.parametrize("model_type", sorted(CONFIGS.keys() - OWN_MASK - NOT_REPLAYED))
@given(prompts=branching(), size=st.integers(1, 12), data=st.data())
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_a_tree_records_is_what_whole_passes_record(
    deep: Any, model_type: str, prompts: list[tuple[int, ...]], size: int, data: Any
) -> None:
    engine = deep(model_type)._engine
    assert engine.no_tree is None
    sites = data.draw(
        st.lists(st.sampled_from(sites_of(engine)), min_size=1, max_size=4, unique=True)
    )
    at = [
        np.array(data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=3, unique=True)), int)
        for ids in prompts
    ]
    at[0] = np.array([len(prompts[0]) - 1])
    default, engine.max_tree = engine.max_tree, size
    asked = Asked(prompts, sites, at, "capture", lambda *_: None)
    try:
        found = by_place(_of_tree(engine, engine.replay, asked))
    except UnsupportedError:  # some models show their heads in a layout of their own
        with pytest.raises(UnsupportedError):
            list(_of_whole_passes(engine, asked))
        return
    finally:
        engine.max_tree = default
    whole = by_place(_of_whole_passes(engine, asked))
    assert found.keys() == whole.keys()
    for key, of_hooks in whole.items():
        assert found[key].keys() == of_hooks.keys() == by_hook(sites).keys()
        for hook, expected in of_hooks.items():
            np.testing.assert_allclose(found[key][hook], expected, rtol=0, atol=1e-5)


def test_a_token_that_prompts_share_runs_once_and_what_follows_the_last_one_asked_for_never(
    deep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = deep("llama")._engine
    assert engine.no_tree is None
    prompts = [(1, 2, 3, 9, 9), (1, 2, 4, 8, 8, 8), (1, 2, 3, 7)]
    ran: list[tuple[int, int]] = []
    run = engine.replay.blocks.run

    def counted(layer: int, hidden: Any, *arguments: Any) -> Any:
        ran.append((layer, hidden.shape[1]))
        return run(layer, hidden, *arguments)

    monkeypatch.setattr(engine.replay.blocks, "run", counted)
    at = [np.array([2])] * 3
    sites = [Site(Kind.RESID_POST, 0)]
    list(recorded(engine, Asked(prompts, sites, at, "capture", lambda *_: None)))
    keys_of_all, those_asked_for = (0, 4), (0, 2)
    assert ran == [keys_of_all, those_asked_for]
