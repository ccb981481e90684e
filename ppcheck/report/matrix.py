"""An audit as one page that works from disk: claims by checkpoints."""

from __future__ import annotations

from ppcheck.record.audit import AuditRecord


def page(record: AuditRecord) -> str:
    return str(len(record.claims))
