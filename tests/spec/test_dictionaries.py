"""Folders of sparse autoencoders and transcoders: which are read, and what is said of others."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ppcheck.errors import SpecError
from ppcheck.measure.registry import CHECKS
from ppcheck.spec.dictionaries import read_dictionary
from ppcheck.spec.load import load_spec
from ppcheck.spec.survey import survey
from tests.spec.dictionaries import SIZE, WIDTH, random_weights, write_dictionary
from tests.spec.example import SPEC

CLAIM = """\
  - id: feature
    says: The feature is needed.
    check: ablate
    on: game
    site: sae.harm[3]
    ablation: zero
    metric: logit_diff(two, three)
    expect: {drop: "> 0"}
"""


def test_what_the_folder_says_is_read_and_its_weights_are_not(tmp_path: Path) -> None:
    write_dictionary(tmp_path / "sae" / "harm", architecture="topk", k=4)
    found = read_dictionary("sae.harm", "sae/harm", tmp_path)
    assert (found.name, found.folder) == ("sae.harm", "sae/harm")
    assert (found.reads, found.writes) == ("resid_post.L0", "resid_post.L0")
    assert (found.width, found.size, found.activation, found.k) == (WIDTH, SIZE, "topk", 4)
    assert found.centred
    assert [path.name for path in found.files] == ["cfg.json", "sae_weights.safetensors"]


def test_what_newer_configurations_say_in_their_metadata_is_read_too(tmp_path: Path) -> None:
    metadata = {"hook_name": "blocks.1.hook_mlp_out"}
    write_dictionary(tmp_path / "it", hook_name=None, metadata=metadata, architecture="standard")
    assert read_dictionary("sae.it", "it", tmp_path).reads == "mlp_out.L1"


def test_weights_of_another_name_are_found_where_they_are_the_only_ones(tmp_path: Path) -> None:
    write_dictionary(tmp_path / "it")
    (tmp_path / "it" / "sae_weights.safetensors").rename(tmp_path / "it" / "sae.safetensors")
    assert read_dictionary("sae.it", "it", tmp_path).weights.name == "sae.safetensors"
    write_dictionary(tmp_path / "more")
    (tmp_path / "more" / "sae_weights.safetensors").rename(tmp_path / "it" / "b.safetensors")
    with pytest.raises(ValueError, match=r"it holds b\.safetensors, sae\.safetensors: call"):
        read_dictionary("sae.it", "it", tmp_path)


def test_a_transcoder_reads_one_stream_and_writes_a_later_one(tmp_path: Path) -> None:
    ends: dict[str, Any] = {
        "hook_name": "blocks.1.hook_resid_mid",
        "hook_name_out": "blocks.1.hook_mlp_out",
    }
    write_dictionary(tmp_path / "it", architecture="transcoder", apply_b_dec_to_input=False, **ends)
    found = read_dictionary("sae.it", "it", tmp_path)
    assert (found.reads, found.writes) == ("resid_mid.L1", "mlp_out.L1")
    assert not found.centred


def jumping(size: int = SIZE) -> dict[str, torch.Tensor]:
    return random_weights() | {"threshold": torch.ones(size)}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"architecture": "gated"}, "the architecture 'gated' is not read: there is relu,"),
        ({"architecture": None}, "the architecture nothing is not read"),
        ({"normalize_activations": "layer_norm"}, "`normalize_activations` is 'layer_norm', which"),
        ({"activation_fn_str": "tanh-relu"}, "`activation_fn_str` is 'tanh-relu', and the archi"),
        ({"finetuning_scaling_factor": True}, "`finetuning_scaling_factor` is true, which would"),
        ({"hook_head_index": 3}, "`hook_head_index` is 3, which would make other features"),
        ({"apply_b_dec_to_input": None}, "`apply_b_dec_to_input` says whether b_dec is taken"),
        ({"hook_name": "blocks.0.attn.hook_z"}, "and features are read of streams alone: resid_"),
        ({"hook_name": "blocks.0.hook_resid"}, "`hook_name`: 'blocks.0.hook_resid' is not a site"),
        ({"hook_name": None}, "`hook_name` names a hook, as blocks.5.hook_resid_post; got nothing"),
        (
            {"hook_name_out": "blocks.0.hook_resid_pre", "apply_b_dec_to_input": False},
            "it reads resid_post.L0 and writes resid_pre.L0, which comes earlier",
        ),
        (
            {"hook_name_out": "blocks.1.hook_mlp_out"},
            "and the b_dec of a transcoder is of what it writes",
        ),
        ({"architecture": "transcoder"}, "`hook_name_out` names a hook, as blocks.5.hook_resid"),
        ({"architecture": "topk"}, "`k` is a whole number from 1 up; got nothing"),
        ({"architecture": "topk", "k": 99}, "k is 99, and there are 10 features"),
        ({"d_sae": "ten"}, "`d_sae` is a whole number from 1 up; got 'ten'"),
        ({"d_in": 8}, "W_enc has shape [16, 10], and by cfg.json it is [8, 10]: W_enc is"),
        ({"architecture": "jumprelu"}, "there is no tensor threshold, of shape [10]"),
    ],
)
def test_a_configuration_that_would_make_other_features_is_refused(
    tmp_path: Path, said: dict[str, Any], message: str
) -> None:
    write_dictionary(tmp_path / "it", **said)
    with pytest.raises(ValueError, match=f"it/.*{re.escape(message)}"):
        read_dictionary("sae.it", "it", tmp_path)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (jumping(), "a relu dictionary has no tensor threshold: it would be left out"),
        (random_weights() | {"b_dec": torch.zeros(3)}, "b_dec has shape [3], and by cfg.json it"),
        (random_weights() | {"b_enc": torch.zeros(SIZE, dtype=torch.int64)}, "b_enc is of I64"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    tmp_path: Path, weights: dict[str, torch.Tensor], message: str
) -> None:
    write_dictionary(tmp_path / "it", weights)
    with pytest.raises(ValueError, match=re.escape(f"it/sae_weights.safetensors: {message}")):
        read_dictionary("sae.it", "it", tmp_path)


@pytest.mark.trust
def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
            return (tmp_path / "sprung").write_text, ("!",)

    write_dictionary(tmp_path / "it")
    (tmp_path / "it" / "sae_weights.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="not a safetensors file"):
        read_dictionary("sae.it", "it", tmp_path)
    (tmp_path / "it" / "sae_weights.safetensors").rename(tmp_path / "it" / "sae_weights.pt")
    with pytest.raises(ValueError, match=r"there is no file 'it/sae_weights\.safetensors'"):
        read_dictionary("sae.it", "it", tmp_path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.trust
def test_a_folder_outside_that_of_the_spec_is_refused_links_included(tmp_path: Path) -> None:
    write_dictionary(tmp_path / "elsewhere")
    inside = tmp_path / "specs"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path / "elsewhere")
    for folder in ("../elsewhere", "link", str(tmp_path / "elsewhere")):
        with pytest.raises(ValueError, match="leads out of the spec's folder"):
            read_dictionary("sae.it", folder, inside)
    write_dictionary(inside / "it")
    weights = inside / "it" / "sae_weights.safetensors"
    weights.unlink()
    weights.symlink_to(tmp_path / "elsewhere" / "sae_weights.safetensors")
    with pytest.raises(ValueError, match="leads out of the spec's folder"):
        read_dictionary("sae.it", "it", inside)


def test_what_is_not_json_is_said_to_be_so(tmp_path: Path) -> None:
    write_dictionary(tmp_path / "it")
    for text, message in (
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ("[" * 10**5, "JSON"),
    ):
        (tmp_path / "it" / "cfg.json").write_text(text)
        with pytest.raises(ValueError, match=f"it/cfg.json {message}|{message}"):
            read_dictionary("sae.it", "it", tmp_path)


def spec_with(folder: Path, features: str, claim: str = CLAIM) -> Path:
    path = folder / "game.pp.yaml"
    path.write_text(SPEC.replace("prompts:\n", f"{features}prompts:\n", 1) + claim)
    return path


FEATURES = "features:\n  sae.harm: sae/harm\n"


def said(folder: Path, features: str, claim: str = CLAIM) -> list[str]:
    """What is wrong with the spec, its folder left out."""
    found = survey(spec_with(folder, features, claim), CHECKS).problems
    return [str(error).replace(f"{folder}/", "") for error in found]


def test_a_claim_about_features_of_a_named_dictionary_is_valid(tmp_path: Path) -> None:
    write_dictionary(tmp_path / "sae" / "harm")
    spec = load_spec(spec_with(tmp_path, FEATURES), CHECKS)
    assert [entry.error for entry in spec.entries] == [None] * 3
    grid, claim = spec.entries[2].grid, spec.entries[2].claim
    assert grid is not None
    assert claim is not None
    assert claim.dictionaries == ("sae.harm",)
    assert grid.features["sae.harm"].size == SIZE


@pytest.mark.parametrize(
    ("features", "site", "message"),
    [
        ("", "sae.harm[3]", "31: there are no features 'sae.harm': `features: {sae.harm: FOLDER}`"),
        (FEATURES, "sae.ham[3]", "33: there are no features 'sae.ham': did you mean 'sae.harm'?"),
        (
            FEATURES,
            "sae.harm[10]",
            "33: sae.harm[10] is outside sae.harm: it has 10 features (0-9)",
        ),
        (FEATURES, '["sae.harm[3]", L0H1]', "33: features are measured by dictionary: name those"),
        (FEATURES, "sae.harm", "33: site: 'sae.harm' is not a site; sites are written L9H6,"),
        ("features: {harm: sae/harm}\n", "L0H1", "3: harm: 'harm' is not a name of features"),
        ("features: {sae.harm: sae/ham}\n", "L0H1", "3: sae.harm: there is no file 'sae/ham/cfg."),
        ("features: {sae.harm: ../x}\n", "sae.harm[3]", "3: sae.harm: '../x/cfg.json' leads out"),
        ("features: [sae/harm]\n", "L0H1", "3: features: expected keys with values"),
    ],
)
def test_what_is_wrong_with_features_is_said_with_its_line(
    tmp_path: Path, features: str, site: str, message: str
) -> None:
    write_dictionary(tmp_path / "sae" / "harm")
    (found,) = said(tmp_path, features, CLAIM.replace("sae.harm[3]", site))
    assert found.startswith(f"game.pp.yaml:{message}")


def test_a_check_that_does_not_read_features_says_which_do(tmp_path: Path) -> None:
    write_dictionary(tmp_path / "sae" / "harm")
    claim = CLAIM.replace("check: ablate", "check: logit_lens").replace("    ablation: zero\n", "")
    claim = claim.replace('{drop: "> 0"}', '{final: "> 0"}')
    (found,) = said(tmp_path, FEATURES, claim)
    assert "sae.harm[3] is a feature of a dictionary: the checks neuron, ablate, patch and" in found


def test_a_bad_dictionary_spoils_the_claims_about_it_and_no_others(tmp_path: Path) -> None:
    write_dictionary(tmp_path / "sae" / "harm", architecture="gated")
    spec = load_spec(spec_with(tmp_path, FEATURES), CHECKS)
    errors = [entry.error for entry in spec.entries]
    assert errors[:2] == [None, None]
    assert isinstance(errors[2], SpecError)
    assert errors[2].line == 4


def test_the_hash_is_of_both_files(tmp_path: Path) -> None:
    hashes = set()
    for seed, k in ((0, 3), (1, 3), (0, 4), (0, 3)):
        write_dictionary(tmp_path / "it", random_weights(seed=seed), architecture="topk", k=k)
        hashes.add(read_dictionary("sae.it", "it", tmp_path).sha256)
    assert len(hashes) == 3
    assert json.loads((tmp_path / "it" / "cfg.json").read_text())["k"] == 3
