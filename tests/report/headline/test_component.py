from __future__ import annotations

import pytest

from ppcheck.report.headline.component import Component, component_of, short
from tests.report.runs import claim


@pytest.mark.parametrize(
    ("site", "key", "words"),
    [
        ("L26H2", "L26H2", "head L26H2"),
        ("L26H2.q", "L26H2", "queries of head L26H2"),
        ("blocks.26.attn.hook_z[2]", "L26H2", "head L26H2"),
        ("L0N4", "L0N4", "neuron L0N4"),
        ("attn_out.L26", "attn_out.L26", "attention of layer 26"),
        ("mlp_out.L3", "mlp_out.L3", "MLP of layer 3"),
        ("resid_post.L5", "resid_post.L5", "stream after layer 5"),
        ("sae.words[117]", "sae.words[117]", "feature sae.words[117]"),
    ],
)
def test_a_claim_about_one_site_is_about_that_component(site: str, key: str, words: str) -> None:
    of_one = component_of(claim(measures={"site": site}), "recovery")
    of_family = component_of(claim(measures={"site": "L*H*"}), f"recovery[{site}]")
    assert of_one == of_family == Component(key, words)


@pytest.mark.parametrize("site", ["L*H*", "L1H[0-2]", "[L1H1, L1H0]", "mlp_out.L*", "", "words"])
def test_a_claim_about_several_sites_or_none_is_about_no_one_component(site: str) -> None:
    assert component_of(claim(measures={"site": site}), "recovery") is None
    assert component_of(claim(), "recovery") is None


def test_a_difference_between_members_is_of_neither() -> None:
    assert component_of(claim(), "drop[L1H1] - drop[L0H1]") is None


def test_a_direct_path_is_of_its_sender() -> None:
    ends = {"sender": "L26H2", "receiver": "logits"}
    assert component_of(claim(check="path", measures=ends), "recovery") == Component(
        "L26H2", "head L26H2", "the logits"
    )
    found = component_of(claim(check="path"), "recovery[mlp_out.L0 → L1H1.q]")
    assert found == Component("mlp_out.L0", "MLP of layer 0", "queries of head L1H1")


def test_a_direction_is_not_the_stream_that_it_is_in() -> None:
    found = component_of(claim(check="steer", measures={"site": "resid_post.L5"}), "effect")
    assert found == Component("direction at resid_post.L5", "direction in stream after layer 5")


def test_a_probe_reads_its_site_whatever_the_token() -> None:
    found = component_of(claim(check="probe"), "accuracy[resid_post.L2 at final]")
    assert found == Component("resid_post.L2", "stream after layer 2")


def test_who_leads_is_named_in_few_words() -> None:
    assert short("L26H2") == "L26H2"
    assert short("attn_out.L3") == "attention of layer 3"
    assert short("L2H0, L1H1") == "L2H0, L1H1"
