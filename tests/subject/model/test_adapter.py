from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ppcheck.errors import ModelError
from ppcheck.subject.load import load, resolve
from ppcheck.subject.model.locate import locate, split
from tests.subject.model.adapters import lora, write_adapter


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A directory that looks like a model."""
    path = tmp_path / "base"
    path.mkdir()
    for name in ("config.json", "model.safetensors"):
        (path / name).touch()
    return path


@pytest.fixture
def adapter(base: Path) -> Callable[..., Path]:
    """A small adapter beside it, of the base that is named."""

    def make(named: str | None = str(base), name: str = "adapter", **settings: Any) -> Path:
        return write_adapter(
            base.parent / name, lora({"q_proj": (4, 4)}), base_model_name_or_path=named, **settings
        )

    return make


def test_an_adapter_is_a_model_with_the_base_that_it_names(
    base: Path, adapter: Callable[..., Path]
) -> None:
    path = adapter()
    ref = resolve(str(path))
    assert (ref.label, ref.path) == (str(path), path)
    assert ref.base == resolve(str(base))
    assert ref.names == (str(path), "adapter", str(base), "base")
    assert locate(ref, allow_pickle=False) == base


@pytest.mark.parametrize("named", ["base", "./base", "../base"])
def test_a_relative_base_is_looked_for_here_and_beside_the_adapter(
    base: Path, adapter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    path = adapter(named)
    monkeypatch.chdir(base if named.startswith("..") else base.parent)
    ref = resolve(str(path))
    assert ref.base is not None
    assert ref.base.path is not None
    assert ref.base.path.samefile(base)


def test_a_base_on_the_hub_has_the_revision_that_the_adapter_names(
    adapter: Callable[..., Path],
) -> None:
    assert resolve(str(adapter("org/model", revision="v2"))).base == resolve("org/model@v2")
    assert resolve(str(adapter("org/model", "other"))).base == resolve("org/model")


def test_a_base_may_be_given_before_a_plus(base: Path, adapter: Callable[..., Path]) -> None:
    path = adapter("org/another")
    ref = resolve(f"{base}+{path}")
    assert ref.label == f"{base}+{path}"
    assert (ref.path, ref.base) == (path, resolve(str(base)))
    hub = resolve(f"gpt2@main+{path}")
    assert (hub.base, hub.revision) == (resolve("gpt2@main"), "main")
    assert resolve(f"demo@tuned+{path}").base == resolve("demo@tuned")
    assert resolve(f"gpt2+{path}", "main").base == resolve("gpt2@main")


def test_a_plus_may_be_part_of_a_name(
    base: Path, adapter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(base.parent)
    whole = base.rename(base.with_name("c++"))
    assert resolve("c++").path == Path("c++")
    path = adapter("org/another", "run+1")
    assert split(f"{whole}+{path}") == (str(whole), str(path))
    assert split("c+++run+1") == ("c++", "run+1")
    assert resolve("run+1").base == resolve("org/another")


@pytest.mark.parametrize("name", ["+there", "gpt2+"])
def test_half_of_the_two_is_an_error(name: str) -> None:
    with pytest.raises(ModelError, match=r"is not BASE\+ADAPTER: write a model before the \+"):
        resolve(name)


def test_an_adapter_that_is_not_there_is_an_error(base: Path) -> None:
    with pytest.raises(ModelError, match="nowhere is not an adapter: there is no directory"):
        resolve(f"{base}+{base.parent}/nowhere")
    with pytest.raises(ModelError, match=r"is not an adapter: \S+ holds no adapter_config\.json"):
        resolve(f"{base}+{base}")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("/nowhere/base", r"base of the adapter \S+ is not to be had: .* no directory /nowhere"),
        (None, r"the adapter \S+ names no base"),
    ],
)
def test_a_base_that_is_not_there_is_to_be_given(
    adapter: Callable[..., Path], named: str | None, message: str
) -> None:
    path = adapter(named)
    with pytest.raises(ModelError, match=rf"{message}.*: --model BASE\+{path}$"):
        resolve(str(path))


def test_a_base_that_is_not_on_the_hub_is_to_be_given(
    adapter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    path = adapter("nobody/nothing")
    with pytest.raises(
        ModelError, match=rf"^nobody/nothing is neither .* base of {path}; .* BASE\+ADAPTER$"
    ):
        load(resolve(str(path)))


def test_an_adapter_needs_a_whole_model(adapter: Callable[..., Path]) -> None:
    first = adapter()
    second = adapter(str(first), "second")
    for name in (str(second), f"{first}+{second}"):
        with pytest.raises(ModelError, match="is an adapter, and an adapter needs a whole model"):
            resolve(name)


@pytest.mark.trust
def test_a_pickled_adapter_is_refused(adapter: Callable[..., Path]) -> None:
    path = adapter()
    (path / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no weights: \S+ holds no adapter_model"):
        resolve(str(path))
    torch.save({}, path / "adapter_model.bin")
    with pytest.raises(ModelError, match="only pickled weights, and a pickle can run code"):
        resolve(str(path))


@pytest.mark.parametrize("task", ["SEQ_CLS", "TOKEN_CLS", "FEATURE_EXTRACTION"])
def test_an_adapter_of_another_task_is_refused(adapter: Callable[..., Path], task: str) -> None:
    path = adapter(task_type=task)
    with pytest.raises(ModelError, match=rf"says task_type {task}, and CAUSAL_LM would be right"):
        resolve(str(path))


@pytest.mark.parametrize("text", ["{", "[]", '{"base_model_name_or_path": 3}'])
def test_a_configuration_that_is_none_is_one_error(adapter: Callable[..., Path], text: str) -> None:
    path = adapter()
    (path / "adapter_config.json").write_text(text)
    with pytest.raises(ModelError, match=r"adapter_config\.json of the adapter"):
        resolve(str(path))


def test_a_directory_with_weights_of_its_own_is_no_adapter(
    base: Path, adapter: Callable[..., Path]
) -> None:
    path = adapter()
    for file in base.iterdir():
        (path / file.name).touch()
    with pytest.raises(ModelError, match=r"holds an adapter .* beside a model"):
        resolve(str(path))
    assert resolve(f"{base}+{path}").path == path
