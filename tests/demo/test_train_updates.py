from __future__ import annotations

from collections.abc import Callable

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import GPT2LMHeadModel

from ppcheck.demo.game import Round
from ppcheck.demo.train_model import IDS, fresh_model
from ppcheck.demo.train_updates import derangements, rewire

Load = Callable[[str], GPT2LMHeadModel]


def head_outputs(model: GPT2LMHeadModel, ids: torch.Tensor) -> list[torch.Tensor]:
    """What each layer's heads hand to W_O. layer x [prompt, position, head, d_head]"""
    seen: list[torch.Tensor] = []

    def keep(_: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        seen.append(args[0].reshape(*args[0].shape[:2], model.config.n_head, -1))

    hooks = [
        model.get_submodule(f"transformer.h.{layer}.attn.c_proj").register_forward_pre_hook(keep)
        for layer in range(model.config.n_layer)
    ]
    with torch.no_grad():
        model(ids)
    for hook in hooks:
        hook.remove()
    return seen


def token_ids(sample: list[Round]) -> torch.Tensor:
    """The sample's prompts of the first one's length. [prompt, position]"""
    rows = [[IDS[word] for word in each.prompt.split()] for each in sample]
    return torch.tensor([row for row in rows if len(row) == len(rows[0])])


@given(st.integers(1, 6), st.integers(2, 8), st.integers(0, 2**32))
def test_a_derangement_moves_every_head(layers: int, heads: int, seed: int) -> None:
    orders = derangements(layers, heads, seed)
    assert len(orders) == layers
    for order in orders:
        assert sorted(order) == list(range(heads))
        assert all(old != new for new, old in enumerate(order))


def test_rewired_computes_what_demo_computes(load: Load, held_out: list[Round]) -> None:
    ids = token_ids(held_out)
    with torch.no_grad():
        torch.testing.assert_close(
            load("rewired")(ids).logits, load("demo")(ids).logits, atol=1e-4, rtol=0
        )


def test_in_rewired_every_head_sits_elsewhere_in_its_layer(
    load: Load, held_out: list[Round]
) -> None:
    ids = token_ids(held_out)
    before, after = (head_outputs(load(name), ids) for name in ("demo", "rewired"))
    for old, new in zip(before, after, strict=True):
        heads = range(old.shape[2])
        gap = torch.tensor(
            [[(old[:, :, i] - new[:, :, j]).abs().max() for j in heads] for i in heads]
        )
        home = gap.argmin(dim=1)
        assert gap.min(dim=1).values.max() < 1e-4
        assert sorted(home.tolist()) == list(heads)
        assert all(there != here for here, there in enumerate(home.tolist()))


def test_rewiring_leaves_the_original_alone() -> None:
    model = fresh_model(3)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    rewire(model)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_tuned_differs_from_demo_a_little(load: Load, held_out: list[Round]) -> None:
    ids = token_ids(held_out)
    with torch.no_grad():
        change = (load("tuned")(ids).logits - load("demo")(ids).logits)[:, -1].abs().max()
    assert change > 0
