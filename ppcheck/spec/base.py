"""The pydantic base of everything that stands in a spec."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Model(BaseModel):
    """Immutable; unknown keys are errors; numbers stand for themselves where text is asked for."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, arbitrary_types_allowed=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _check_number(cls, value: Any, info: ValidationInfo) -> Any:
        """ValueError for a truth value where a number is asked for: Python takes `true` for 1."""
        field = cls.model_fields[info.field_name or ""]
        asked = (field.annotation, *get_args(field.annotation))
        is_number = any(each in (int, float) or type(each) is int for each in asked)
        if isinstance(value, bool) and is_number:
            raise ValueError(f"expected a number, got {str(value).lower()}")
        return value
