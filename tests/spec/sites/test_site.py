from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.spec.sites.site import OF_HEADS, STREAMS, Kind, Site, SitePattern, Sites

numbers = st.integers(0, 999)
sites = st.one_of(
    st.just(Site(Kind.EMBED)),
    st.builds(Site, st.sampled_from(sorted(STREAMS)), numbers),
    st.builds(Site, st.sampled_from([*sorted(OF_HEADS), Kind.NEURON]), numbers, numbers),
)


def pattern_of(site: Site) -> tuple[Kind, tuple[int, ...], tuple[int, ...]]:
    layers = () if site.layer is None else (site.layer,)
    return site.kind, layers, () if site.index is None else (site.index,)


@given(sites)
def test_a_site_is_read_as_it_is_shown(site: Site) -> None:
    pattern = SitePattern.parse(str(site))
    assert (pattern.kind, pattern.layers, pattern.indices) == pattern_of(site)
    assert str(pattern) == str(site)


@given(sites)
def test_a_site_is_read_by_its_hook_name(site: Site) -> None:
    index = "" if site.index is None else f"[{site.index}]"
    pattern = SitePattern.parse(site.hook + index)
    assert (pattern.kind, pattern.layers, pattern.indices) == pattern_of(site)


@pytest.mark.parametrize(
    ("text", "layers", "indices"),
    [
        ("L9H6", (9,), (6,)),
        ("L*H*", None, None),
        ("L[5-8]H*", (5, 6, 7, 8), None),
        ("L[1, 3]H[0-1,5]", (1, 3), (0, 1, 5)),
        ("L[2-3,3]H0", (2, 3), (0,)),
        ("L*N117", None, (117,)),
        ("resid_post.L[0-1]", (0, 1), ()),
        ("attn_out.L*", None, ()),
        ("embed", (), ()),
        ("hook_embed", (), ()),
        ("blocks.3.attn.hook_z", (3,), None),
        ("blocks.3.hook_resid_mid", (3,), ()),
    ],
)
def test_patterns_name_layers_and_indices(
    text: str, layers: tuple[int, ...] | None, indices: tuple[int, ...] | None
) -> None:
    pattern = SitePattern.parse(text)
    assert (pattern.layers, pattern.indices, str(pattern)) == (layers, indices, text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("L0H0", Kind.HEAD),
        ("L0H0.z", Kind.HEAD),
        ("L0H0.q", Kind.QUERY),
        ("L0H0.pattern", Kind.PATTERN),
        ("L0N0", Kind.NEURON),
        ("blocks.0.attn.hook_v[1]", Kind.VALUE),
        ("blocks.0.mlp.hook_post", Kind.NEURON),
        ("blocks.0.hook_mlp_out", Kind.MLP_OUT),
        ("blocks.0.attn.hook_result[1]", Kind.HEAD),
    ],
)
def test_patterns_name_a_kind(text: str, kind: Kind) -> None:
    assert SitePattern.parse(text).kind is kind


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("H9L6", "'H9L6' is not a site; sites are written L9H6, L9H6.q, L*H*"),
        ("L9H6.x", "'L9H6.x' is not a site"),
        ("resid_post", "'resid_post' is not a site"),
        ("residpost.L1", "'residpost.L1' is not a site; did you mean resid_post.L1?"),
        ("mlp_out.3", "'mlp_out.3' is not a site; did you mean mlp_out.L3?"),
        ("L9H", "'L9H' is not a site"),
        ("blocks.1.attn.hook_x", "'blocks.1.attn.hook_x' is not a site"),
        ("hook_result[0]", "did you mean blocks.<layer>.attn.hook_z[0]?"),
        ("blocks.2.hook_resid_pst", "did you mean blocks.2.hook_resid_post?"),
        ("blocks.2.hook_mlp_in", "did you mean blocks.2.hook_resid_mid?"),
        ("blocks.2.ln1.hook_scale", "the hooks that carry sites are attn.hook_z, attn.hook_q"),
        ("blocks.1.hook_resid_pre[2]", "resid_pre has neither heads nor neurons"),
        ("L[8-5]H0", "the range 8-5 runs backwards: write [5-8]"),
        ("L[]H0", "'L[]H0' is not a site"),
        ("L[1-]H0", "'[1-]' is not a range; write 5, *, [5-8] or [1,3]"),
        ("L[1,,2]H0", "'[1,,2]' is not a range"),
        ("L9999999H0", "'9999999' is not a range"),
        ("L0N[0-150000,0-150000]", "names over 200,000: write * for all"),
        ("", "'' is not a site"),
        ([], "a site is text or a list of texts, such as L9H6"),
        (["L0H0", 3], "got ['L0H0', 3]"),
        (3, "got 3"),
    ],
)
def test_what_is_no_site_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        Sites.parse(value)
    assert message in str(raised.value)


def test_a_head_after_its_projection_is_the_head_and_says_what_it_is_before_it() -> None:
    found = SitePattern.parse("blocks.1.attn.hook_result[3]")
    assert found.site == Site(Kind.HEAD, 1, 3)
    assert found.before_projection == "blocks.1.attn.hook_z[3]"
    assert SitePattern.parse("blocks.1.attn.hook_result").indices is None
    assert SitePattern.parse("L1H3").before_projection is None


def test_several_sites_are_shown_as_a_list() -> None:
    assert str(Sites.parse(["L0H0", " embed "])) == "[L0H0, embed]"
    assert str(Sites.parse("L0H0")) == "L0H0"


def test_a_site_shows_its_hook() -> None:
    assert Site(Kind.VALUE, 3, 1).hook == "blocks.3.attn.hook_v"
    assert Site(Kind.EMBED).hook == "hook_embed"
