from __future__ import annotations

import pytest

from ppcheck.report.map.sites import ANYWHERE, columns, components, direction_at


@pytest.mark.parametrize(
    ("name", "shape", "row", "label"),
    [
        ("L1H2", "head", 2, "L1H2"),
        ("L1H2.q", "head", 2, "L1H2"),
        ("L1H*", "attention", 2, "L1H*"),
        ("attn_out.L1", "attention", 2, "attn L1"),
        ("mlp_out.L1", "mlp", 3, "mlp L1"),
        ("L1N117", "neuron", 3, "L1N117"),
        ("resid_post.L0", "stream", 1, "resid L0"),
        ("embed", "embed", -1, "embed"),
    ],
)
def test_a_component_has_a_shape_and_stands_in_its_half_of_a_layer(
    name: str, shape: str, row: int, label: str
) -> None:
    (found,) = components(name)
    assert (found.shape, found.row, found.label) == (shape, row, label)


def test_a_name_that_stands_for_several_is_each_of_them() -> None:
    assert [one.name for one in components("L[2-3]H*")] == ["L2H*", "L3H*"]
    assert [one.name for one in components("L0H[1-3]")] == ["L0H1", "L0H2", "L0H3"]


@pytest.mark.parametrize("name", ["L*H*", "resid_post.L*", "L0N[0-400]", "feeling", "", "<b>"])
def test_what_is_no_component_in_a_layer_stands_nowhere(name: str) -> None:
    assert components(name) == ()


def test_a_feature_stands_at_the_site_at_which_its_dictionary_acts() -> None:
    acting = (("sae.x", "resid_post.L2"), ("sae.y", "mlp_out.L0"))
    (found,) = components("sae.x[4]", acting)
    assert (found.name, found.label, found.shape, found.row) == ("sae.x[4]", "L2F4", "feature", 5)
    assert [one.index for one in components("sae.y[4, 7-8]", acting)] == [4, 7, 8]
    assert [one.label for one in components("sae.y[*]", acting)] == ["L0F*"]


def test_a_feature_is_not_drawn_where_the_record_lacks_its_site() -> None:
    assert components("sae.x[4]") == ()
    assert components("sae.x[4]", (("sae.x", "<b>"),)) == ()
    assert components("sae.x[0-400]", (("sae.x", "resid_post.L2"),)) == ()


def test_the_logits_are_above_every_layer() -> None:
    (logits,), (late,) = components("logits"), components("L99H0")
    assert logits.row > late.row
    assert logits.layer is None


def test_a_direction_is_another_component_than_the_site_that_has_it() -> None:
    (site,) = components("attn_out.L1")
    found = direction_at(site)
    assert found != site
    assert (found.shape, found.row, found.label) == ("direction", site.row, "attn L1")


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("final", ("final",)),
        ("-1", ("final",)),
        ("feeling", ("feeling",)),
        ("feeling[-1]", ("feeling",)),
        ("feeling=pain", ("feeling",)),
        ("[feeling, intensity]", ("feeling", "intensity")),
        ("3", ("token 3",)),
        ("previous", ("previous",)),
        ("all", (ANYWHERE,)),
        ("all but feeling", (ANYWHERE,)),
        ("<b>", (ANYWHERE,)),
    ],
)
def test_a_position_is_a_column(position: str, expected: tuple[str, ...]) -> None:
    assert columns(position) == expected
