from __future__ import annotations

import subprocess
import sys

import pytest
from transformers import AutoTokenizer

from ppcheck.demo import DEFAULT_REVISION, LAST_STEP, REVISIONS, weights_path
from ppcheck.demo.game import Round, vocabulary
from ppcheck.errors import ModelError


def test_the_default_revision_is_demo() -> None:
    assert weights_path() == weights_path(DEFAULT_REVISION)
    assert weights_path().name == "demo"


def test_the_last_step_is_the_demo_itself() -> None:
    assert weights_path(LAST_STEP) == weights_path("demo")


def test_an_unknown_revision_is_answered_with_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"'rewird'.*mean 'rewired'.*step0, .*blunted"):
        weights_path("rewird")


def test_a_path_is_no_revision() -> None:
    with pytest.raises(ModelError):
        weights_path("../weights/demo")


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_revision_is_small_and_holds_safetensors_only(revision: str) -> None:
    files = {path.name: path.stat().st_size for path in weights_path(revision).iterdir()}
    assert files.keys() == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert sum(files.values()) <= 2**20


def test_every_word_of_the_grammar_is_one_token_and_back() -> None:
    tokenizer = AutoTokenizer.from_pretrained(weights_path())
    ids = [tokenizer(word)["input_ids"] for word in vocabulary()]
    assert all(len(each) == 1 and each != [tokenizer.unk_token_id] for each in ids)
    assert [tokenizer.decode(each) for each in ids] == list(vocabulary())


def test_a_prompt_round_trips_with_no_token_added(held_out: list[Round]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(weights_path())
    for each in held_out[:50]:
        ids = tokenizer(each.prompt)["input_ids"]
        assert len(ids) == len(each.prompt.split())
        assert tokenizer.decode(ids) == each.prompt


def test_an_unknown_word_becomes_the_unknown_token() -> None:
    tokenizer = AutoTokenizer.from_pretrained(weights_path())
    assert tokenizer("choose zebra")["input_ids"][1] == tokenizer.unk_token_id


def test_asking_for_a_path_loads_no_torch() -> None:
    code = "import sys, ppcheck.demo as d; d.weights_path(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
