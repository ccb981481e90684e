"""Every error that ppcheck raises on purpose.

PpcheckError
├── SpecError          a spec file, or a part of it, is not valid
├── ModelError         a model cannot be found, loaded or addressed
│   └── UnsupportedError  the model lacks what a claim needs: the claim is not applicable
├── MeasurementError   a claim could not be measured: its verdict is `error`
├── BaselineError      a baseline or a record cannot be read
├── HistoryError       a store of earlier runs cannot be reached, read or written
├── AuditError         an audit cannot be meant, started or finished
├── SearchError        something cannot be looked for, or not in the time that is left
└── PageError          the scripts of a page do not fit together
"""

from __future__ import annotations

from pathlib import Path


class PpcheckError(Exception):
    """Base of all errors that ppcheck raises on purpose."""


class MovedWarning(UserWarning):
    """A role is still played, by another component than the one expected."""


class SpecError(PpcheckError):
    """A spec is not valid. Its text starts with ``file:line:`` where these are known."""

    def __init__(self, message: str, path: Path | None = None, line: int | None = None) -> None:
        self.message = message
        self.path = path
        self.line = line
        # A line break in a file's name must not read like one in the message.
        where = "" if path is None else f"{path}:{line or 1}: ".replace("\n", "⏎")
        super().__init__(f"{where}{message}")


class ModelError(PpcheckError):
    """A model cannot be found, loaded or addressed."""


class UnsupportedError(ModelError):
    """The model lacks what a claim needs, so the claim is not applicable to it."""


class MeasurementError(PpcheckError):
    """A claim could not be measured; its verdict is `error`, never a pass."""


class BaselineError(PpcheckError):
    """A baseline or a record cannot be read: it is none, damaged, or of a later version."""


class HistoryError(PpcheckError):
    """A store of earlier runs cannot be reached, read or written, or is of a later version."""


class AuditError(PpcheckError):
    """An audit cannot be meant, started or finished."""


class SearchError(PpcheckError):
    """Something cannot be looked for, or not in the time that is left."""


class PageError(PpcheckError):
    """The scripts of a page do not fit together; only who changes them can see this."""
