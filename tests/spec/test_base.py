from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import ValidationError

from ppcheck.spec.base import Model

pytestmark = pytest.mark.trust


class Numbers(Model):
    version: Literal[1] = 1
    count: int | None = None
    share: float = 0.5
    strict: bool = False


@pytest.mark.parametrize("field", ["version", "count", "share"])
def test_a_truth_value_is_not_a_number(field: str) -> None:
    with pytest.raises(ValidationError, match="expected a number, got true"):
        Numbers.model_validate({field: True})


@pytest.mark.parametrize("fields", [{"version": 1}, {"count": 3}, {"share": 1}, {"strict": True}])
def test_what_is_meant_stays(fields: dict[str, Any]) -> None:
    assert Numbers.model_validate(fields).model_dump(include=set(fields)) == fields
