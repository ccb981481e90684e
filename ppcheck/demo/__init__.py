"""The embedded demo model: where the weights of each of its revisions lie. Loads no torch."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from ppcheck.errors import ModelError

DEFAULT_REVISION = "demo"
LAST_STEP = "step1200"
"""Another name for the end of training, which is `demo`."""
STEPS = ("step0", "step100", "step150", "step200", "step400", LAST_STEP)
UPDATES = ("tuned", "rewired", "blunted")
REVISIONS: tuple[str, ...] = (*STEPS, DEFAULT_REVISION, *UPDATES)

_WEIGHTS = Path(__file__).parent / "weights"


def weights_path(revision: str | None = None) -> Path:
    """The Hugging Face directory of `revision`; None is `DEFAULT_REVISION`.

    Raises ModelError, naming the known revisions, where there is no such revision.
    """
    name = DEFAULT_REVISION if revision is None else revision
    if name not in REVISIONS:
        close = get_close_matches(name, REVISIONS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        known = ", ".join(REVISIONS)
        raise ModelError(f"the demo model has no revision {name!r}{hint} Known: {known}")
    return _WEIGHTS / (DEFAULT_REVISION if name == LAST_STEP else name)
