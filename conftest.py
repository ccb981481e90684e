"""What all tests share: where data outside the repository lies, and a spec to run."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[1] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party models and data, which a clone alone does not have."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared, third-party models and data that are not in the repository")
    return SHARED


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Processes that a test starts heed SIGINT, also where tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def tiny_without_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a random GPT-2 of 2 layers and 12 tokens, and no tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=12, n_positions=16, n_embd=8, n_layer=2, n_head=2)
    path = tmp_path_factory.mktemp("tiny")
    GPT2LMHeadModel(config).save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def demo_with_nan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model, one of its weights not a number."""
    from safetensors.torch import load_file, save_file

    from ppcheck.demo import weights_path

    path = tmp_path_factory.mktemp("nan") / "model"
    shutil.copytree(weights_path(None), path)
    weights = load_file(path / "model.safetensors")
    name = min(name for name in weights if "mlp" in name)
    weights[name].view(-1)[0] = float("nan")
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    return path
