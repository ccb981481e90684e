"""What ties a checkpoint's run to its audit: the run ends when the audit is gone, however it ended.

A pipe does it on every POSIX system. The audit keeps one end, into which nothing is ever written,
and the system closes it when the audit's process ends; whoever reads at the other end then knows.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from contextlib import suppress
from functools import cache

VARIABLE = "PPCHECK_LIFELINE"
"""Where a run finds the number of the end that it is to read."""


@cache
def lifeline() -> int:
    """The end to read of this process's pipe, for the processes that are to end with it."""
    end, _ = os.pipe()  # the other end stays open as long as this process, and none inherits it
    return end


def hold() -> None:
    """End this process, and what it has started, when whoever gave it a lifeline is gone."""
    given = os.environ.pop(VARIABLE, None)  # what this process starts has no such end
    if given is None:
        return
    with suppress(ValueError, OSError):
        if stat.S_ISFIFO(os.fstat(int(given)).st_mode):
            threading.Thread(target=_wait, args=(int(given),), daemon=True).start()


def _wait(end: int) -> None:
    os.read(end, 1)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
