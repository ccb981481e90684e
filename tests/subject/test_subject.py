from __future__ import annotations

import pytest

from ppcheck.measure.recorder import Recorder
from ppcheck.subject.memo import Memo
from ppcheck.subject.subject import Subject, Wrapper

MEASURING = Wrapper.__abstractmethods__ - {"rounding"}


def test_a_wrapper_says_what_the_model_is_and_measures_nothing() -> None:
    answered = Subject.__abstractmethods__ - Wrapper.__abstractmethods__
    assert {"info", "shape", "sites", "encode", "replays"} <= answered
    assert {"endings", "patch", "capture", "attention", "rewire"} <= MEASURING


@pytest.mark.parametrize("wrapper", [Memo, Recorder])
@pytest.mark.parametrize("method", sorted(Wrapper.__abstractmethods__))
def test_whatever_measures_is_answered_by_the_wrapper_itself(
    wrapper: type[Wrapper], method: str
) -> None:
    """Else the cache would be bypassed, or a plan would run the model."""
    assert method in vars(wrapper)


def test_a_wrapper_that_forgets_a_method_cannot_be_made() -> None:
    forgetful = type("Forgetful", (Wrapper,), dict.fromkeys(MEASURING - {"endings"}))
    with pytest.raises(TypeError, match="endings"):
        forgetful(None)
