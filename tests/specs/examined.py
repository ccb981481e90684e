"""All claims of a spec on one model, as a run would examine them."""

from __future__ import annotations

from ppcheck.errors import PpcheckError
from ppcheck.record.examine import Examination
from ppcheck.record.run import ClaimRecord
from ppcheck.spec.load import Spec
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject


def examined(spec: Spec, subject: Subject) -> dict[str, ClaimRecord]:
    """Records by claim, those of claims that cannot be measured included; nothing runs twice."""
    found, memo = {}, Memo(subject, Memory())
    for entry in spec.entries:
        examination = Examination(spec, entry, subject.info.name, seed=0)
        try:
            found[entry.id] = examination.judged(examination.measured(memo))
        except PpcheckError as error:
            found[entry.id] = examination.refused(error)
    return found
