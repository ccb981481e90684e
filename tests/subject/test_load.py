from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ppcheck.errors import ModelError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.subject.load import load, resolve
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.subject import Subject
from tests.subject.damage import edit


@pytest.fixture
def copy(copied: Any) -> Path:
    """A tiny GPT-2 of this test's own, to be damaged."""
    return Path(copied("gpt2"))


def text(words: str) -> Prompt:
    return Prompt("text", (Turn((Piece(words),)),), {}, words, {"time": ("time",)}, " ")


def test_importing_the_subject_imports_no_torch() -> None:
    modules = [
        *("load", "loaded", "subject", "memo", "model.locate", "model.sites", "tokens.encoding"),
        *("interventions.cell", "interventions.readout"),
    ]
    named = ", ".join(f"ppcheck.subject.{module}" for module in modules)
    script = f"import sys, {named}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"False\n"


def test_the_demo_says_what_it_is() -> None:
    subject = load(resolve("demo"))
    path = resolve("demo").path
    assert path is not None
    digest = hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
    info, shape = subject.info, subject.shape
    assert (info.name, info.revision) == ("demo", None)
    assert (info.architecture, info.dtype, info.device) == ("GPT2LMHeadModel", "float32", "cpu")
    assert info.weights_sha256 == digest
    assert len(info.tokenizer_sha256 or "") == 64
    assert info.weight_processing == "none: raw weights"
    weights = load_file(path / "model.safetensors").values()
    assert info.parameters == sum(tensor.numel() for tensor in weights)
    libraries = ("ppcheck", "torch", "transformers", "transformer_lens", "numpy", "python")
    assert set(info.versions) == set(libraries)
    assert (shape.n_layers, shape.n_heads, shape.d_model, shape.d_head) == (4, 4, 64, 16)


def test_a_checkpoint_of_the_demo_has_other_weights_and_the_same_tokenizer() -> None:
    demo, tuned = (load(resolve(name)).info for name in ("demo", "demo@tuned"))
    assert demo.weights_sha256 != tuned.weights_sha256
    assert demo.tokenizer_sha256 == tuned.tokenizer_sha256


def test_a_real_model_predicts_english(stories: Path) -> None:
    subject = load(resolve(str(stories)))
    assert subject.shape.n_key_value_heads == 4
    encoded = subject.encode([text("Once upon a"), text("There was a little girl named")])
    continued, other = subject.log_probs(encoded, [answer for (answer,) in encoded.choices("time")])
    assert continued > -0.1
    assert other < -5


def test_loading_is_silent(saved: Any, capfd: pytest.CaptureFixture[str]) -> None:
    ref = resolve(str(saved("gpt2")))
    capfd.readouterr()
    load(ref)
    assert capfd.readouterr() == ("", "")


def test_a_directory_without_a_tokenizer_answers_to_ids(tiny: Any, ids_prompts: Any) -> None:
    subject: Subject = tiny("llama")
    assert subject.info.tokenizer_sha256 is None
    assert subject.encode(ids_prompts([[1, 2]])).ids == ((1, 2),)


def test_a_tokenizer_in_the_directory_is_used(copy: Path, words: Any) -> None:
    words.save_pretrained(copy)
    assert load(resolve(str(copy))).encode([text("pick pain .")]).ids == ((2, 3, 4),)


@pytest.mark.trust
def test_the_hash_of_a_tokenizer_is_of_all_that_makes_tokens(copy: Path, words: Any) -> None:
    def hashed(**settings: Any) -> str | None:
        """Of the saved tokenizer with these settings, as the model's directory has it."""
        words.save_pretrained(copy)
        file = copy / "tokenizer_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | settings))
        return load(resolve(str(copy))).info.tokenizer_sha256

    plain = hashed()
    assert hashed() == plain
    assert hashed(chat_template="{{ messages }}") != plain
    assert hashed(bos_token="pain") != plain
    assert hashed(model_max_length=7) == plain
    (copy / "chat_template.jinja").write_text("{{ messages }}")
    assert hashed() != plain


def test_weights_that_the_file_lacks_are_not_made_up(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["transformer.h.1.mlp.c_fc.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    message = r"copy lack 1 of the model's tensors, transformer\.h\.1\.mlp\.c_fc\.weight among"
    with pytest.raises(ModelError, match=message):
        load(resolve(str(copy)))


def test_truncated_weights_are_one_error(copy: Path) -> None:
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"^cannot load \S+copy: SafetensorError: [^\n]+$"):
        load(resolve(str(copy)))


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"model_type": "no_such_model"}, "no_such_model"),
        ({"n_head": 3}, "divisible"),
        ({"n_embd": 32}, "does not fit its weights: lm_head|does not fit its weights: transformer"),
    ],
)
def test_a_config_that_does_not_fit_is_one_error(copy: Path, settings: Any, cause: str) -> None:
    edit(copy, **settings)
    with pytest.raises(ModelError, match=cause) as caught:
        load(resolve(str(copy)))
    assert "\n" not in str(caught.value)


def test_a_config_that_is_no_json_is_one_error(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"cannot load .*config\.json"):
        load(resolve(str(copy)))


def test_a_model_that_is_no_decoder_is_refused(tmp_path: Path) -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"an encoder and a decoder \(T5ForConditionalGen"):
        load(resolve(str(tmp_path)))


def test_allowed_pickles_give_the_same_model(
    copy: Path, tiny: Any, ids_prompts: Any, logit_diff: Any
) -> None:
    weights = load_file(copy / "model.safetensors")
    torch.save(weights, copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="only pickled weights"):
        load(resolve(str(copy)))
    subject, same = load(resolve(str(copy)), Settings(allow_pickle=True)), tiny("gpt2")
    prompts = ids_prompts([[1, 2, 3]])
    values = [each.read(each.encode(prompts), logit_diff(1))[0] for each in (subject, same)]
    assert values[0] == values[1]


def test_a_pickle_never_runs(copy: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "it ran",)

    (copy / "model.safetensors").unlink()
    torch.save({"bomb": Bomb()}, copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot load"):
        load(resolve(str(copy)), Settings(allow_pickle=True))
    assert not (tmp_path / "it ran").exists()


def test_the_libraries_settings_are_left_as_they_were(saved: Any) -> None:
    from transformers.utils import logging

    logs: Any = logging
    before = logs.get_verbosity(), logs.is_progress_bar_enabled()
    load(resolve(str(saved("gpt2"))))
    assert (logs.get_verbosity(), logs.is_progress_bar_enabled()) == before
