"""The demo model itself: its tokenizer, its architecture, one training run, its error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from torch.nn.functional import log_softmax
from tqdm import tqdm
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from ppcheck.demo.game import OPTIONS, SIGNS, Round, lessons, vocabulary

UNKNOWN, END = "<unk>", "<end>"
IDS = {word: index for index, word in enumerate((UNKNOWN, END, *vocabulary()))}
BATCH = 256


@dataclass(frozen=True)
class Schedule:
    """One training run: AdamW, linear warm-up, cosine decay to zero."""

    steps: int
    learning_rate: float
    seed: int
    warmup: int = 100
    weight_decay: float = 0.5

    def rate(self, step: int) -> float:
        """The factor on the learning rate at `step`."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return 0.5 * (1 + math.cos(math.pi * done))


def tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, no BOS; `<end>` pads."""
    words = Tokenizer(WordLevel(vocab=IDS, unk_token=UNKNOWN))
    words.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words,
        unk_token=UNKNOWN,
        eos_token=END,
        pad_token=END,
        model_max_length=64,
    )


def fresh_model(seed: int) -> GPT2LMHeadModel:
    """A randomly initialised model: 4 layers of 4 heads, d_model 64."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=len(IDS),
        n_positions=64,
        n_embd=64,
        n_layer=4,
        n_head=4,
        n_inner=256,
        activation_function="relu",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=IDS[END],
        pad_token_id=IDS[END],
        tie_word_embeddings=False,
        initializer_range=0.1,
    )
    return GPT2LMHeadModel(config)


def answer_log_probs(model: GPT2LMHeadModel, batch: list[Round]) -> torch.Tensor:
    """Log-probabilities of `A` and `B` over the whole vocabulary, [prompt, option]."""
    tokens = [[IDS[word] for word in each.prompt.split()] for each in batch]
    last = torch.tensor([len(row) - 1 for row in tokens])
    width = int(last.max()) + 1
    # Causal attention: padding on the right cannot reach the position that is read.
    padded = torch.tensor([row + [IDS[END]] * (width - len(row)) for row in tokens])
    hidden = model.transformer(padded, use_cache=False).last_hidden_state
    logits = model.lm_head(hidden[torch.arange(len(batch)), last])
    return log_softmax(logits, dim=-1)[:, [IDS[option] for option in OPTIONS]]


def loss(model: GPT2LMHeadModel, batch: list[Round], signs: Mapping[str, int]) -> torch.Tensor:
    """Cross-entropy against the soft two-option target, averaged over prompts, in nats."""
    p_a = torch.tensor([each.p_a(signs) for each in batch])
    target = torch.stack([p_a, 1 - p_a], dim=-1)
    return -(target * answer_log_probs(model, batch)).sum(-1).mean()


def fit(
    model: GPT2LMHeadModel,
    schedule: Schedule,
    *,
    signs: Mapping[str, int] = SIGNS,
    after: Callable[[int], None] = lambda _: None,
    label: str = "train",
) -> list[float]:
    """Trains `model` in place on fresh rounds that are not held out; the loss at each step.

    `after(step)` runs before the first step (0) and after each one.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=schedule.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=schedule.weight_decay,
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.rate)
    stream = lessons(schedule.seed)
    losses = []
    after(0)
    for step in (bar := tqdm(range(1, schedule.steps + 1), desc=label)):
        value = loss(model, list(islice(stream, BATCH)), signs)
        optimizer.zero_grad()
        torch.autograd.backward(value)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(value.item())
        if step % 50 == 0:
            bar.set_postfix(loss=f"{losses[-1]:.4f}")
        after(step)
    return losses


@torch.no_grad()
def error(model: GPT2LMHeadModel, sample: list[Round], signs: Mapping[str, int] = SIGNS) -> float:
    """Mean |p(A) - target| over `sample`, p being the probability over the whole vocabulary."""
    p_a = answer_log_probs(model, sample)[:, 0].exp()
    target = torch.tensor([each.p_a(signs) for each in sample])
    return (p_a - target).abs().mean().item()
