from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import islice

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2LMHeadModel

from ppcheck.demo import weights_path
from ppcheck.demo.game import Round, rounds


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def load() -> Callable[[str], GPT2LMHeadModel]:
    """Loads a revision as anybody would, once a session; treat it as read-only."""

    @cache
    def revision(name: str) -> GPT2LMHeadModel:
        model = AutoModelForCausalLM.from_pretrained(weights_path(name))
        assert isinstance(model, GPT2LMHeadModel)
        return model

    return revision


@pytest.fixture(scope="session")
def held_out() -> list[Round]:
    return list(islice(rounds(11, held_out=True), 500))
