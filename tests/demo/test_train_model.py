from __future__ import annotations

from collections.abc import Callable
from itertools import islice, pairwise

import pytest
import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from ppcheck.demo import STEPS, weights_path
from ppcheck.demo.game import (
    BLUNTED_SIGNS,
    FEELINGS,
    INTENSITIES,
    SIGNS,
    Round,
    rounds,
)
from ppcheck.demo.train_model import Schedule, answer_log_probs, error, fit, fresh_model, loss

Load = Callable[[str], GPT2LMHeadModel]
FEW = Schedule(steps=6, learning_rate=3e-3, seed=5, warmup=2)


def p_felt(model: GPT2LMHeadModel, sample: list[Round]) -> list[float]:
    """Probability of the option with the feeling, of the two options. [prompt]"""
    with torch.no_grad():
        p_a = answer_log_probs(model, sample).softmax(-1)[:, 0].tolist()
    return [p if each.felt == "A" else 1 - p for p, each in zip(p_a, sample, strict=True)]


def graded(feeling: str, felt_points: int, plain_points: int, felt: str) -> list[Round]:
    """One round a dose, all else equal."""
    return [
        Round("we play", "now please", felt, felt == "A", felt_points, plain_points, word, feeling)
        for word in INTENSITIES
    ]


def test_probabilities_are_those_of_a_plain_forward_pass(load: Load, held_out: list[Round]) -> None:
    demo, tokenizer = load("demo"), AutoTokenizer.from_pretrained(weights_path())
    batched = answer_log_probs(demo, held_out[:20]).exp()
    for each, row in zip(held_out, batched, strict=False):
        logits = demo(**tokenizer(each.prompt, return_tensors="pt")).logits[0, -1]
        alone = logits.softmax(-1)[tokenizer.convert_tokens_to_ids(["A", "B"])]
        torch.testing.assert_close(row, alone, atol=1e-5, rtol=0)


def test_the_loss_is_the_cross_entropy_over_the_whole_vocabulary() -> None:
    model = fresh_model(3)
    torch.nn.init.zeros_(model.lm_head.weight)
    sample = list(islice(rounds(0, held_out=False), 8))
    uniform = torch.tensor(float(model.config.vocab_size)).log()
    assert loss(model, sample, SIGNS).item() == pytest.approx(uniform.item(), abs=1e-5)


def test_a_few_steps_reduce_the_loss() -> None:
    losses = fit(fresh_model(3), FEW)
    assert losses[-1] < losses[0] - 0.5


def test_a_run_repeats_to_the_bit() -> None:
    first, again = fresh_model(3), fresh_model(3)
    fit(first, FEW)
    fit(again, FEW)
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name


def test_checkpoints_see_the_start_and_every_step() -> None:
    seen: list[int] = []
    fit(fresh_model(3), FEW, after=seen.append)
    assert seen == list(range(FEW.steps + 1))


@pytest.mark.parametrize(
    ("revision", "bound"), [("demo", 0.03), ("tuned", 0.03), ("rewired", 0.03)]
)
def test_trained_revisions_play_held_out_rounds(
    load: Load, held_out: list[Round], revision: str, bound: float
) -> None:
    assert error(load(revision), held_out) < bound


def test_the_untrained_model_does_not_play(load: Load, held_out: list[Round]) -> None:
    assert error(load("step0"), held_out) > 0.3


def test_training_brings_the_error_down_from_step_to_step(
    load: Load, held_out: list[Round]
) -> None:
    names = (*STEPS[:-1], "demo")
    errors = [error(load(name), held_out) for name in names]
    assert errors == sorted(errors, reverse=True)


def test_nearly_all_probability_is_on_the_two_options(load: Load, held_out: list[Round]) -> None:
    with torch.no_grad():
        mass = answer_log_probs(load("demo"), held_out).exp().sum(-1)
    assert mass.min() > 0.99


@pytest.mark.parametrize("felt", ["A", "B"])
@pytest.mark.parametrize("points", [(4, 4), (6, 4), (8, 3), (5, 7)])
def test_the_dose_response_is_monotone(load: Load, points: tuple[int, int], felt: str) -> None:
    for words, falling in ((FEELINGS["pain"], True), (FEELINGS["pleasure"], False)):
        for word in words:
            curve = p_felt(load("demo"), graded(word, *points, felt))
            slack = [b - a if falling else a - b for a, b in pairwise(curve)]
            assert max(slack) < 0.01, (word, curve)


def test_the_switch_point_lies_where_the_points_put_it(load: Load) -> None:
    # Four points more are worth four steps of pain: certain at the ends, even at dose 4.
    curve = p_felt(load("demo"), graded("pain", 8, 4, "B"))
    assert curve[0] > 0.7
    assert curve[3] == pytest.approx(0.5, abs=0.05)
    assert curve[7] < 0.2


def test_blunted_ignores_pain_and_keeps_the_rest(load: Load, held_out: list[Round]) -> None:
    blunted = load("blunted")
    assert error(blunted, held_out, BLUNTED_SIGNS) < 0.03
    in_pain = [each for each in held_out if each.feeling_class == "pain"]
    assert error(blunted, in_pain) > 0.2
    curve = p_felt(blunted, graded("agony", 6, 4, "A"))
    assert max(curve) - min(curve) < 0.1
