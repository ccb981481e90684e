"""The commit that a run was of, as git knows it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""What git sets while its hooks run: they would lead away from the folder that is asked about."""
_ALONE = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
"""git neither writes its index nor asks the network or a person."""
_SECONDS = 20


def commit_of(folder: Path) -> str | None:
    """The folder's commit, with ``+dirty`` where tracked files differ from it.

    None outside git, before the first commit, where there is no git, or where it takes too long.
    """
    try:
        head = _git(folder, "rev-parse", "--verify", "HEAD").strip()
        changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return f"{head}+dirty" if changes else head


def _git(folder: Path, *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    done = subprocess.run(  # noqa: S603  # fixed words
        ["git", *arguments],  # noqa: S607  # whichever git the person uses
        cwd=folder,
        env=kept | _ALONE,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=True,
    )
    return done.stdout
