"""The pydantic base of everything that stands in a spec."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from ppcheck.spec.grammar import FieldError


class Model(BaseModel):
    """Immutable; unknown keys are errors; numbers stand for themselves where text is asked for."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, arbitrary_types_allowed=True
    )

    @model_validator(mode="before")
    @classmethod
    def _check_numbers(cls, data: Any) -> Any:
        """FieldError for a truth value where a number is asked for: Python takes `true` for 1."""
        for name, field in cls.model_fields.items() if isinstance(data, dict) else ():
            asked = (field.annotation, *get_args(field.annotation))
            is_number = any(each in (int, float) or type(each) is int for each in asked)
            if is_number and isinstance(value := data.get(name), bool):
                raise FieldError(f"expected a number, got {str(value).lower()}", name)
        return data
