from __future__ import annotations

import numpy as np

from ppcheck.measure.core.charts import site_map
from ppcheck.measure.core.facts import Map
from ppcheck.spec.sites.site import Kind, Site


def test_heads_are_layer_by_head_with_holes() -> None:
    sites = [Site(Kind.HEAD, 1, 0), Site(Kind.HEAD, 1, 3), Site(Kind.HEAD, 4, 3)]
    assert site_map(sites, np.array([0.1, 0.2, 0.3])) == Map(
        rows=("L1", "L4"), columns=("H0", "H3"), values=((0.1, 0.2), (None, 0.3))
    )


def test_streams_are_layer_by_kind_and_parts_of_heads_and_neurons_have_their_own_columns() -> None:
    sites = [
        Site(Kind.EMBED),
        Site(Kind.MLP_OUT, 0),
        Site(Kind.QUERY, 0, 2),
        Site(Kind.NEURON, 0, 17),
    ]
    found = site_map(sites, np.arange(4.0))
    assert found.rows == ("", "L0")
    assert found.columns == ("embed", "mlp_out", "H2.q", "N17")
    assert found.values == ((0, None, None, None), (None, 1, 2, 3))
