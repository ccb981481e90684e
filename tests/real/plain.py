"""A Llama as transformers alone loads it, read and changed by PyTorch's own forward hooks.

Nothing of ppcheck is used here but what a prompt's text is and where its variables stand in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ppcheck.spec.expectations.metric import Metric, Reading
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.position import Position

AT_ONCE = 90
"""How many changed runs of one prompt make a batch."""


@dataclass(frozen=True)
class Change:
    """At some tokens of a site ``make`` turns [token, width] into what is to stand there."""

    site: str
    at: tuple[int, ...]
    make: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Spot:
    """Columns of what goes into a module, or of what comes out of it."""

    module: str
    is_input: bool
    columns: slice


@dataclass(frozen=True)
class Text:
    """A prompt's tokens, and those of each of its variables."""

    ids: tuple[int, ...]
    spans: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Plain:
    """The model and its tokenizer; everything runs in the precision it was loaded in."""

    model: Any
    tokenizer: Any

    @classmethod
    def of(cls, file: Path) -> Plain:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        auto: tuple[Any, Any] = (AutoModelForCausalLM, AutoTokenizer)
        path = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
        how = {"dtype": torch.float64, "attn_implementation": "eager"}
        return cls(auto[0].from_pretrained(**path, **how).eval(), auto[1].from_pretrained(**path))

    @property
    def layers(self) -> int:
        return int(self.model.config.num_hidden_layers)

    def spot(self, site: str) -> Spot:
        """Where a site is: a head is the input of o_proj, split evenly."""
        if site == "embed":
            return Spot("model.embed_tokens", False, slice(None))
        if match := re.fullmatch(r"(resid_post|attn_out|mlp_out)\.L(\d+)", site):
            within = {"resid_post": "", "attn_out": ".self_attn.o_proj", "mlp_out": ".mlp"}
            return Spot(f"model.layers.{match[2]}{within[match[1]]}", False, slice(None))
        if match := re.fullmatch(r"L(\d+)H(\d+)", site):
            width = self.model.config.hidden_size // self.model.config.num_attention_heads
            columns = slice(width * int(match[2]), width * (int(match[2]) + 1))
            return Spot(f"model.layers.{match[1]}.self_attn.o_proj", True, columns)
        if match := re.fullmatch(r"L(\d+)N(\d+|\*)", site):
            one = slice(None) if match[2] == "*" else slice(int(match[2]), int(match[2]) + 1)
            return Spot(f"model.layers.{match[1]}.mlp.down_proj", True, one)
        raise ValueError(f"{site} is not a site that plain hooks are written for")

    def text(self, prompt: Prompt) -> Text:
        """The prompt as the tokenizer and its chat template make tokens of it."""
        turns = [turn.text for turn in prompt.turns]
        if prompt.form == "chat":
            chat = [{"role": turn.role, "content": turn.text} for turn in prompt.turns]
            whole = self.tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=True
            )
        else:
            (whole,) = turns
        found = self.tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
        spans: dict[str, tuple[int, ...]] = defaultdict(tuple)
        for turn, shown in zip(prompt.turns, turns, strict=True):
            assert whole.count(shown) == 1
            start = whole.index(shown)
            for piece in turn.pieces:
                stop = start + len(piece.text)
                if piece.variable is not None:
                    spans[piece.variable] += tuple(
                        token
                        for token, (first, last) in enumerate(found.offset_mapping)
                        if max(first, start) < min(last, stop)
                    )
                start = stop
        return Text(tuple(found.input_ids), spans)

    def at(self, prompt: Prompt, position: Position) -> tuple[int, ...]:
        """The tokens of a position; none where the prompt has another word there."""
        text = self.text(prompt)
        every = tuple(range(len(text.ids)))
        if position.kind == "all":
            return every
        if position.kind == "final":
            return every[-1:]
        assert position.kind == "variable"
        name = position.variable or ""
        word = prompt.words[name]
        if position.label is not None and position.label not in (word.label, word.text):
            return ()
        span = text.spans[name]
        return span if position.index is None else (span[position.index],)

    def answer(self, prompt: Prompt, choice: str) -> tuple[int, ...]:
        """The tokens of a choice that has one wording."""
        (wording,) = prompt.choices[choice]
        return tuple(self.tokenizer(prompt.choice_prefix + wording).input_ids)

    def logits(
        self, ids: Sequence[int], runs: Sequence[Sequence[Change]] = ((),), *, every: bool = False
    ) -> Tensor:
        """After the last token, [run, vocabulary], each run with its changes.

        What stands before the first changed token is run once, and its keys and values are kept.
        With ``every`` they are of each token of a single run, [token, vocabulary].
        """
        if every:
            found: Tensor = self._pass(ids, 0, runs, None)[0]
            return found
        rows = [
            self._pass(ids, self._first(ids, some), some, None)[:, -1]
            for start in range(0, len(runs), AT_ONCE)
            for some in [runs[start : start + AT_ONCE]]
        ]
        return torch.cat(rows)

    def _first(self, ids: Sequence[int], runs: Sequence[Sequence[Change]]) -> int:
        return min((min(one.at) for run in runs for one in run), default=len(ids) - 1)

    def _pass(
        self,
        ids: Sequence[int],
        start: int,
        runs: Sequence[Sequence[Change]],
        kept: dict[str, Tensor] | None,
    ) -> Tensor:
        """Run the tokens from ``start`` on, all those before untouched."""
        row, past = torch.tensor([list(ids)]), None
        with torch.inference_mode():
            if start:
                past = self.model(row[:, :start], use_cache=True).past_key_values
                past.batch_repeat_interleave(len(runs))
            with self._hooked(self._hooks(runs, start, kept)):
                rows = row[:, start:].expand(len(runs), -1)
                logits: Tensor = self.model(rows, past_key_values=past).logits
        return logits

    def activations(self, ids: Sequence[int], sites: Sequence[str]) -> dict[str, Tensor]:
        """What stands at these sites in an untouched run, [token, width] each."""
        kept = dict.fromkeys(sites, torch.empty(0))
        self._pass(ids, 0, ((),), kept)
        return kept

    def attention(self, ids: Sequence[int], head: str) -> Tensor:
        """From each token to each, [query, key]."""
        layer, number = map(int, head[1:].split("H"))
        with torch.inference_mode():
            found = self.model(torch.tensor([list(ids)]), output_attentions=True)
        pattern: Tensor = found.attentions[layer][0, number]
        return pattern

    def _hooks(
        self, runs: Sequence[Sequence[Change]], start: int, kept: dict[str, Tensor] | None
    ) -> dict[tuple[str, bool], Callable[[Tensor], Tensor]]:
        """By module and side, what is done to the tensor [run, token, width] there."""
        wanted: dict[tuple[str, bool], list[tuple[int, Change, slice]]] = defaultdict(list)
        for row, run in enumerate(runs):
            for one in run:
                spot = self.spot(one.site)
                wanted[spot.module, spot.is_input].append((row, one, spot.columns))
        read: dict[tuple[str, bool], list[tuple[str, slice]]] = defaultdict(list)
        for site in kept or ():
            spot = self.spot(site)
            read[spot.module, spot.is_input].append((site, spot.columns))

        def hook(place: tuple[str, bool]) -> Callable[[Tensor], Tensor]:
            def through(tensor: Tensor) -> Tensor:
                for site, columns in read[place]:
                    (kept or {})[site] = tensor[0, :, columns].clone()
                changed = tensor.clone()
                for row, one, columns in wanted[place]:
                    at = [token - start for token in one.at]
                    changed[row, at, columns] = one.make(tensor[row, at, columns])
                return changed

            return through

        return {place: hook(place) for place in (*wanted, *read)}

    @contextmanager
    def _hooked(
        self, hooks: Mapping[tuple[str, bool], Callable[[Tensor], Tensor]]
    ) -> Iterator[None]:
        handles = []
        for (name, is_input), through in hooks.items():
            module = self.model.get_submodule(name)
            handles.append(
                module.register_forward_pre_hook(_before(through))
                if is_input
                else module.register_forward_hook(_after(through))
            )
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def metric(self, metric: Metric, prompt: Prompt, logits: Tensor) -> Tensor:
        """The metric of each row of logits, [run, vocabulary] to [run]."""
        names = list(prompt.choices)
        tokens = [self.answer(prompt, name) for name in names]
        assert all(len(ids) == 1 for ids in tokens)
        own = logits[:, [ids[0] for ids in tokens]]
        first = names.index(metric.choices[0])
        if metric.reading is Reading.LOGIT_DIFF:
            return own[:, first] - own[:, names.index(metric.choices[1])]
        assert metric.reading is Reading.P
        return own.softmax(-1)[:, first]


def put(value: Tensor) -> Callable[[Tensor], Tensor]:
    """Replaces whatever stands there."""
    return lambda _: value


def _before(through: Callable[[Tensor], Tensor]) -> Callable[..., tuple[Tensor]]:
    return lambda _, args: (through(args[0]),)


def _after(through: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def hook(_: Any, __: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return (through(output[0]), *output[1:])
        return through(output)

    return hook
