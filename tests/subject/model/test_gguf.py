from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppcheck.arrays import Floats
from ppcheck.errors import ModelError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.spec.sites.position import FINAL
from ppcheck.spec.sites.site import Kind, Site
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.model.files import file_hash
from tests.subject.damage import rewrite
from tests.subject.model.gguf_files import write_gguf

IDS = ([3, 10, 17, 24, 200], [5, 9, 1, 7, 30])


@pytest.fixture
def file(llama: Path, tmp_path: Path) -> Path:
    """The tiny Llama as a GGUF file, in full precision."""
    return write_gguf(llama, tmp_path / "tiny.gguf")


@pytest.fixture
def log_probs(ids_prompts: Any) -> Callable[[LoadedSubject], Floats]:
    """What a model gives to two continuations: they tell models apart."""

    def get(subject: LoadedSubject) -> Floats:
        encoded = subject.encode(ids_prompts(IDS))
        return np.array(subject.log_probs(encoded, [(7, 11), (80, 4)]))

    return get


def text(words: str) -> Prompt:
    return Prompt("text", (Turn((Piece(words),)),), {}, words, {}, "")


def test_a_file_computes_what_its_directory_does(
    file: Path, llama: Path, log_probs: Callable[[LoadedSubject], Floats]
) -> None:
    subject, same = load(resolve(str(file))), load(resolve(str(llama)))
    assert subject.shape == same.shape
    np.testing.assert_allclose(log_probs(subject), log_probs(same), atol=1e-6)


def test_its_tokenizer_and_its_chat_template_are_in_the_file(file: Path, llama: Path) -> None:
    subject, same = load(resolve(str(file))), load(resolve(str(llama)))
    prompts = [text("pick pain and agony."), text("3 severe hum")]
    assert subject.encode(prompts).ids == same.encode(prompts).ids
    chat = Prompt("chat", (Turn((Piece("pain"),), "user"),), {}, "pain", {}, "")
    assert subject.encode([chat]).ids == same.encode([text("<user>pain")]).ids


def test_nothing_beside_the_file_is_read(
    file: Path, monkeypatch: pytest.MonkeyPatch, make_llama: Callable[..., Path]
) -> None:
    before = load(resolve(str(file))).info
    for name in (
        "tokenizer_config.json",
        "chat_template.jinja",
        "config.json",
        "adapter_config.json",
    ):
        (file.parent / name).write_text('{"chat_template": "another"}')
    here = file.parent / "here"
    here.mkdir()
    write_gguf(make_llama(here, seed=1), here / "model.gguf")
    monkeypatch.chdir(here)
    after = load(resolve(str(file))).info
    assert (after.tokenizer_sha256, after.config_sha256) == (
        before.tokenizer_sha256,
        before.config_sha256,
    )
    assert after.weights_sha256 == before.weights_sha256 == file_hash([file])


@pytest.mark.parametrize(("kind", "block"), [("Q8_0", 34), ("Q4_0", 18)])
def test_what_is_decoded_is_what_the_blocks_say(
    llama: Path,
    tmp_path: Path,
    log_probs: Callable[[LoadedSubject], Floats],
    kind: str,
    block: int,
) -> None:
    """Blocks of 32 numbers: a scale of 16 bits, and whole numbers of 8 bits or of 4."""
    file = write_gguf(llama, tmp_path / f"tiny.{kind}.gguf", kind=kind)
    by_hand = Path(shutil.copytree(llama, tmp_path / "by-hand"))
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    def rounded(values: Floats) -> Floats:
        blocks = quantize(values, GGMLQuantizationType[kind]).reshape(-1, block)
        scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
        if kind == "Q8_0":
            whole = blocks[:, 2:].copy().view(np.int8).astype(np.float32)
        else:
            whole = (
                np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], 1).astype(np.float32) - 8
            )
        return np.asarray((scale * whole).reshape(values.shape))

    def change(tensors: dict[str, Any]) -> None:
        for tensor in tensors.values():
            if tensor.ndim > 1:
                tensor.numpy()[...] = rounded(tensor.numpy())

    rewrite(by_hand, change)
    subject, same = load(resolve(str(file))), load(resolve(str(by_hand)))
    np.testing.assert_allclose(log_probs(subject), log_probs(same), atol=1e-5)
    assert np.abs(log_probs(subject) - log_probs(load(resolve(str(llama))))).max() > 1e-4
    assert subject.info.quantisation == f"{kind} (tensors in {kind}, F32)"
    assert subject.info.weight_processing == f"decoded: {kind} (tensors in {kind}, F32)"
    assert "gguf" in subject.info.versions


def test_attention_and_neurons_are_where_they_are_in_the_directory(
    file: Path, llama: Path, ids_prompts: Any
) -> None:
    sites = [Site(Kind.NEURON, 1, 5), Site(Kind.HEAD, 0, 3), Site(Kind.RESID_POST, 1)]
    found = []
    for path in (file, llama):
        subject = load(resolve(str(path)))
        found.append(subject.activations(subject.encode(ids_prompts(IDS)), sites, FINAL))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_tensor_that_would_be_passed_over_is_named(llama: Path, tmp_path: Path) -> None:
    def change(writer: Any) -> None:
        writer.add_tensor("rope_freqs.weight", np.ones(4, dtype=np.float32))

    file = write_gguf(llama, tmp_path / "tiny.gguf", change=change)
    with pytest.raises(ModelError, match=r"no use for 1 of the tensors of \S+, rope_freqs\.weight"):
        load(resolve(str(file)))


def test_positions_that_would_not_be_scaled_are_refused(llama: Path, tmp_path: Path) -> None:
    def change(writer: Any) -> None:
        writer.add_rope_scaling_type(__import__("gguf").RopeScalingType.LINEAR)

    file = write_gguf(llama, tmp_path / "tiny.gguf", change=change)
    with pytest.raises(ModelError, match=r"scales its rotary positions \(linear\)"):
        load(resolve(str(file)))


def test_a_file_that_lacks_a_tensor_is_refused(
    make_llama: Callable[..., Path], tmp_path: Path
) -> None:
    path = make_llama(tmp_path / "damaged")
    rewrite(path, lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    file = write_gguf(path, tmp_path / "tiny.gguf")
    with pytest.raises(ModelError, match=r"lack 1 of .*, model\.layers\.1\.mlp\.up_proj\.weight"):
        load(resolve(str(file)))


def test_without_the_package_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(
        ModelError, match=r"a\.gguf is a GGUF file, .*pip install 'ppcheck\[gguf\]'"
    ):
        load(resolve(str(tmp_path / "a.gguf")))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.gguf", b"no", "is not a GGUF file"),
        ("a-00001-of-00003.gguf", b"GGUF", "is one of 3 parts .*llama-gguf-split --merge"),
    ],
)
def test_a_file_that_is_no_whole_gguf_is_refused_before_it_is_read(
    tmp_path: Path, name: str, text: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(text)
    with pytest.raises(ModelError, match=message):
        resolve(str(tmp_path / name))


def test_a_damaged_file_is_one_error(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"^cannot load \S+tiny\.gguf: [^\n]+$"):
        load(resolve(str(file)))


def test_a_file_that_is_not_there_is_not_looked_for_on_the_hub() -> None:
    with pytest.raises(
        ModelError, match=r"run/a\.gguf is not a model: there is no file run/a\.gguf"
    ):
        resolve("run/a.gguf")


def test_a_directory_of_such_files_names_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"holds no config\.json; give one of .*: \S+/a\.gguf$"):
        resolve(str(tmp_path))
