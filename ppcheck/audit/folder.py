"""The folder of an audit: what is kept from run to run, and what is written.

`audit.json` and `index.html` are the audit. In `checkpoints` each checkpoint has `NAME.json`, its
run record, `NAME.log` and, where asked for, `NAME.html`; `.NAME.from` says what the record was made
from. A run writes its record under a name that says so too, so that one left behind by a killed
audit is either of use or never looked at.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ppcheck.errors import AuditError, BaselineError
from ppcheck.record.audit import EARLIER, SCHEMA, AuditRecord, Checkpoint
from ppcheck.record.files import write_whole
from ppcheck.record.reading import read_run
from ppcheck.record.run import RunRecord
from ppcheck.record.versions import parsed
from ppcheck.report.map.audited import Outlines


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs = path / "checkpoints"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other audits out; the lock ends with the process that has it.

        Raises AuditError where another one is at work, and where `audit.json` is no audit's.
        """
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            stream = (self.path / ".lock").open("a")
        except OSError as error:
            raise AuditError(f"{self.path} cannot be written: {error.strerror}") from error
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise AuditError(
                    f"another audit is at work in {self.path}: wait for it, or give another --out"
                ) from None
            self._check_own()
            yield

    def log(self, checkpoint: Checkpoint) -> Path:
        return self.runs / f"{checkpoint.file}.log"

    def staged(self, checkpoint: Checkpoint) -> Path:
        """Where the checkpoint's run writes its record."""
        return self.runs / f".{checkpoint.file}.{checkpoint.made_from[:16]}.json"

    def kept(self, checkpoint: Checkpoint) -> RunRecord | None:
        """The record of the checkpoint's run, if there is one that was made from the same."""
        record, made_from = self._record(checkpoint), self.runs / f".{checkpoint.file}.from"
        if self.staged(checkpoint).is_file():
            # In this order, so that no crash lets an old record pass for one of the new.
            for old in (record, self._page(checkpoint)):
                old.unlink(missing_ok=True)
            write_whole(made_from, checkpoint.made_from)
            self.staged(checkpoint).replace(record)
        try:
            same = made_from.read_text(encoding="utf-8") == checkpoint.made_from
            return read_run(record) if same else None
        except (OSError, BaselineError):
            return None

    def write(self, record: AuditRecord, outlines: Outlines) -> None:
        """Write the audit's record, and its page with a map drawn of ``outlines``."""
        from ppcheck.report.matrix import matrix_page

        write_whole(self.path / "audit.json", record.to_json())
        write_whole(self.path / "index.html", matrix_page(record, outlines))

    def write_page(self, checkpoint: Checkpoint, run: RunRecord) -> None:
        """Write the page of one checkpoint's run, unless it is there."""
        from ppcheck.report.html import run_page

        if not self._page(checkpoint).is_file():
            write_whole(self._page(checkpoint), run_page(run))

    def _record(self, checkpoint: Checkpoint) -> Path:
        return self.runs / f"{checkpoint.file}.json"

    def _page(self, checkpoint: Checkpoint) -> Path:
        return self.runs / f"{checkpoint.file}.html"

    def _check_own(self) -> None:
        file = self.path / "audit.json"
        if not file.exists():
            return
        try:
            held: Any = parsed(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            held = None
        if not isinstance(held, dict) or held.get("schema") not in (SCHEMA, *EARLIER):
            raise AuditError(f"{file} is not the record of an audit ({SCHEMA}): give another --out")
