from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ppcheck.errors import ModelError
from ppcheck.subject.load import load, resolve
from ppcheck.subject.model.files import check_model, file_hash, weight_files
from ppcheck.subject.model.settings import Settings
from tests.subject.damage import index, rewrite, shard, unload

pytestmark = pytest.mark.trust
ALLOWED = Settings(allow_pickle=True)


@pytest.fixture
def copy(copied: Any) -> Path:
    """A tiny Llama of this test's own."""
    return Path(copied("llama"))


@pytest.mark.parametrize(
    "name", ["adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"]
)
def test_an_adapter_beside_a_model_is_refused_and_how_to_apply_it_is_said(
    copy: Path, name: str
) -> None:
    (copy / name).write_text("{}")
    with pytest.raises(ModelError, match=rf"an adapter \({name}\).*\+ADAPTER, or.*alone$"):
        resolve(str(copy))


def test_an_adapter_where_a_model_is_downloaded_from_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="org/run is an adapter: download it, and give its dir"):
        check_model(tmp_path, "org/run", allow_pickle=False)


@pytest.mark.parametrize("name", ["model.pt", "weights.bin"])
def test_a_file_is_not_a_model_and_its_directory_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    for written in (name, f"./{name}", str(tmp_path / name)):
        with pytest.raises(ModelError, match=r"is a file: give a directory that holds config"):
            resolve(written)


def test_the_weights_file_of_a_model_names_the_directory_to_give(copy: Path) -> None:
    with pytest.raises(ModelError, match=rf"is a file: give its directory, {copy}$"):
        resolve(str(copy / "model.safetensors"))


@pytest.mark.parametrize("is_whole", [False, True], ids=["relative", "absolute"])
def test_a_shard_outside_the_directory_is_refused(copy: Path, is_whole: bool) -> None:
    last = shard(copy)[-1]
    outside = copy.parent / "outside.safetensors"
    name = str(outside) if is_whole else "../outside.safetensors"
    held = json.loads((copy / "model.safetensors.index.json").read_text())["weight_map"]
    last.rename(outside)
    index(copy, {key: name if file == last.name else file for key, file in held.items()})
    with pytest.raises(ModelError, match=rf"index.json names '{name}', and a shard must lie in"):
        resolve(str(copy))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sub/x.safetensors", "a shard must lie in"),
        ("..", "not a safetensors file"),
        ("pytorch_model.bin", "pytorch_model.bin, which is not a safetensors file"),
        ("model-9.safetensors", "names model-9.safetensors, which is missing"),
    ],
)
def test_an_index_names_safetensors_that_lie_beside_it(copy: Path, name: str, message: str) -> None:
    shard(copy)
    index(copy, {"lm_head.weight": name})
    with pytest.raises(ModelError, match=message):
        resolve(str(copy))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": ["a"]}', '{"weight_map": 1}'])
def test_an_index_that_is_none_is_one_error(copy: Path, text: str) -> None:
    shard(copy)
    (copy / "model.safetensors.index.json").write_text(text)
    with pytest.raises(ModelError, match=r"index\.json is not an index of shards"):
        resolve(str(copy))


def test_weights_that_are_there_whole_and_in_shards_are_refused(copy: Path) -> None:
    shutil.copy(copy / "model.safetensors", copy / "kept")
    shard(copy)
    (copy / "kept").rename(copy / "model.safetensors")
    with pytest.raises(ModelError, match=r"twice, in model\.safetensors and in the shards"):
        resolve(str(copy))


def test_a_distributed_checkpoint_does_not_take_the_place_of_the_weights(copy: Path) -> None:
    name = "shard-00001-model-00001-of-00001.safetensors"
    shutil.copy(copy / "model.safetensors", copy / name)
    with pytest.raises(ModelError, match=rf"distributed checkpoint \({name}\)"):
        resolve(str(copy))


def test_two_shards_with_one_tensor_are_refused(copy: Path) -> None:
    first, second, _ = shard(copy)
    shutil.copy(first, second)
    with pytest.raises(ModelError, match=r"has the tensor \S+ twice, also in model-1\.safetensors"):
        load(resolve(str(copy)))


def test_every_file_that_is_read_is_hashed(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import modeling_utils

    read: set[Path] = set()
    opens: Callable[..., Any] = vars(modeling_utils)["safe_open"]

    def opened(file: Any, *args: Any, **kwargs: Any) -> Any:
        read.add(Path(file))
        return opens(file, *args, **kwargs)

    shards = shard(copy)
    shutil.copy(shards[0], copy / "left-over.safetensors")
    monkeypatch.setattr(modeling_utils, "safe_open", opened)
    info = load(resolve(str(copy))).info
    files = weight_files(copy, "copy", allow_pickle=False)
    assert read == set(shards)
    assert set(files) == {*shards, copy / "model.safetensors.index.json"}
    assert info.weights_sha256 == file_hash(files)


def test_one_other_bit_in_any_file_of_the_weights_is_another_hash(copy: Path) -> None:
    shard(copy)
    files = weight_files(copy, "copy", allow_pickle=False)
    before = file_hash(files)
    for file in files:
        held = file.read_bytes()
        file.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
        assert file_hash(files) != before
        file.write_bytes(held)
    assert file_hash(files) == before


def test_a_stray_file_is_not_read_and_not_hashed(copy: Path) -> None:
    before = load(resolve(str(copy))).info.weights_sha256
    shutil.copy(copy / "model.safetensors", copy / "consolidated.safetensors")
    assert load(resolve(str(copy))).info.weights_sha256 == before
    rewrite(copy, lambda tensors: tensors["lm_head.weight"].mul_(2))
    assert load(resolve(str(copy))).info.weights_sha256 != before


def test_of_pickles_only_the_weights_are_hashed(copy: Path) -> None:
    unload(copy)
    before = load(resolve(str(copy)), ALLOWED).info.weights_sha256
    torch.save({"lr": 0.1}, copy / "training_args.bin")
    assert load(resolve(str(copy)), ALLOWED).info.weights_sha256 == before
    assert before == file_hash([copy / "pytorch_model.bin"])


def test_a_link_is_followed(copy: Path) -> None:
    blob = copy.parent / "blob"
    (copy / "model.safetensors").rename(blob)
    (copy / "model.safetensors").symlink_to(blob)
    assert load(resolve(str(copy))).info.weights_sha256 == file_hash([blob])
