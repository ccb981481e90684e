"""The claims on which two models differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ppcheck.discover.against import differing
from ppcheck.discover.laboratory import Laboratory

Make = Callable[..., Laboratory]


@pytest.mark.slow
def test_an_update_that_answers_alike_differs_in_its_heads_alone(
    laboratory: Make, game: Path
) -> None:
    new, old = laboratory(game, "demo@rewired"), laboratory(game)
    found = differing(new, old, 10, lambda _: None)
    phases = {finding.phase for finding in found.findings}
    assert "heads" in phases
    assert not phases & {"answers", "contrast", "dose", "flow"}
    assert found.holding == len(found.findings)
    # The reader of intensity moved from L0H1 to L0H3.
    assert any("head-l0h3" in finding.id for finding in found.findings)
    gone = [each.said for each in found.parts[-1].absent]
    assert any("Head L0H1" in each for each in gone)
