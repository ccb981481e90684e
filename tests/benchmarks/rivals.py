"""The model as transformers alone runs it: each prompt once, or once for each of its choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ppcheck.arrays import Floats
from ppcheck.subject.load import resolve
from ppcheck.subject.model.device import found_device, in_numpy
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.tokens.tokenizer import Ids
from tests.benchmarks.workload import steady

ROWS = {"cpu": 16}
_FILLS_GPU = 256
BATCHES = 8
"""So many batches, spread over all lengths, are timed."""


@dataclass(frozen=True)
class Plain:
    """With SDPA, in batches of prompts of one length; only what is read is unembedded."""

    model: Any

    @classmethod
    def of(cls, name: str, settings: Settings) -> Plain:
        from transformers import AutoModelForCausalLM

        auto: Any = AutoModelForCausalLM
        path = resolve(name).path
        assert path is not None
        named = {"pretrained_model_name_or_path": str(path)}
        if path.is_file():
            named = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        dtype = getattr(torch, settings.dtype)
        model = auto.from_pretrained(**named, dtype=dtype, attn_implementation="sdpa")
        return cls(model.eval().to(found_device(settings.device)))

    @property
    def flops_a_token(self) -> float:
        """Two for each parameter outside the embedding."""
        model = self.model
        ends = {
            id(each().weight) for each in (model.get_input_embeddings, model.get_output_embeddings)
        }
        return float(2 * sum(each.numel() for each in model.parameters() if id(each) not in ends))

    def batches(self, prompts: Sequence[Ids]) -> list[list[Ids]]:
        most = ROWS.get(self.model.device.type, _FILLS_GPU)
        return list(_batches(prompts, most))

    def sample(self, prompts: Sequence[Ids]) -> list[Ids]:
        """Those of some whole batches."""
        every = self.batches(prompts)
        return [ids for batch in every[:: -(-len(every) // BATCHES)] for ids in batch]

    def log_probs(self, prompts: Sequence[Ids], last: int = 1) -> Iterator[tuple[list[Ids], Any]]:
        """Batches, and log-probabilities after their last tokens, [row, last, vocabulary]."""
        for batch in self.batches(prompts):
            ids = torch.tensor(batch, device=self.model.device)
            with torch.inference_mode():
                logits = self.model(ids, use_cache=False, logits_to_keep=last).logits
            yield batch, logits.log_softmax(-1)

    def distributions(self, prompts: Sequence[Ids]) -> dict[Ids, Floats]:
        """Log-probabilities of what follows each prompt, [vocabulary]."""
        return {
            ids: row
            for batch, found in self.log_probs(prompts)
            for ids, row in zip(batch, in_numpy(found[:, -1]), strict=True)
        }

    def seconds(self, prompts: Sequence[Ids]) -> float:
        """Of a pass over each."""
        return steady(lambda: list(self.log_probs(prompts)), self.model.device)

    def seconds_of_requests(self, answers: Mapping[Ids, Sequence[Ids]]) -> float:
        """Of a pass over each prompt with each of its choices, of which the last token is read."""
        requests = [(*ids, *each)[:-1] for ids, some in answers.items() for each in some]
        longest = max(len(each) for some in answers.values() for each in some)
        return steady(lambda: list(self.log_probs(requests, longest)), self.model.device)


def _batches(prompts: Sequence[Ids], most: int) -> Iterator[list[Ids]]:
    batch: list[Ids] = []
    for ids in sorted(prompts, key=len):
        if batch and (len(batch) == most or len(ids) != len(batch[0])):
            yield batch
            batch = []
        batch.append(ids)
    if batch:
        yield batch
