"""How a store of runs is named: by a URL of SQLAlchemy."""

from __future__ import annotations

DEFAULT_STORE = "sqlite:///reports/history.db"
EXAMPLES = "sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"


def store_url(text: str) -> str:
    """The text, if it looks like a URL; raises ValueError."""
    if "://" not in text:
        raise ValueError(f"{text!r} is not a URL of a store: write {EXAMPLES}")
    return text
