"""Small grids, and hypothesis' variables of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.prompt_set import PromptSet

GAME: dict[str, Any] = {
    "template": "{dose} {feeling} and {item}",
    "vary": {
        "item": ["tea", "milk", "salt"],
        "feeling": {"pain": ["ache", "sting"], "joy": ["glee"]},
        "dose": {"ordered": ["mild", "strong"]},
    },
}


def grid(folder: Path = Path(), **fields: Any) -> Grid:
    return Grid(PromptSet.model_validate(fields), folder)


def texts(prompts: tuple[Prompt, ...]) -> list[str]:
    return [prompt.text for prompt in prompts]


quick = settings(deadline=None, max_examples=50)


words = st.lists(st.text("abcd", min_size=1, max_size=3), min_size=1, max_size=4, unique=True)


variables = st.fixed_dictionaries(
    {
        "x": words,
        "y": words,
        "z": words.map(lambda some: {"ordered": some}),
        "w": st.builds(
            lambda p, q: {"P": p, "Q": [f"{word}'" for word in q]},
            words,
            words,
        ),
    }
)
