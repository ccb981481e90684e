"""The model under test, as measurements see it: numpy in, numpy out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Site, Sites
from ppcheck.subject.engine.batches import Progress
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.interventions.edit import Edits
from ppcheck.subject.interventions.readout import Answers, Distribution, Readout
from ppcheck.subject.interventions.wiring import Wiring
from ppcheck.subject.model.info import ModelInfo, Shape
from ppcheck.subject.model.rounding import Rounding
from ppcheck.subject.tokens.encoding import Encoded
from ppcheck.subject.tokens.tokenizer import Ids


class Subject(ABC):
    """One model, and what can be asked of it.

    Batches are made of prompts of equal length, never padded, and depend on nothing but the
    prompts. ``progress(what, done, total)`` is called after each batch. Every measuring method
    raises MeasurementError where logits or activations are not finite.
    """

    progress: Progress = staticmethod(lambda *_: None)

    @property
    @abstractmethod
    def info(self) -> ModelInfo:
        """Which model it is, and how it is run."""

    @property
    @abstractmethod
    def shape(self) -> Shape: ...

    @property
    @abstractmethod
    def replays(self) -> bool:
        """Whether patches resume where they first tell; if not, each is a whole forward pass."""

    @property
    @abstractmethod
    def no_replay(self) -> str | None:
        """Why they do not."""

    @property
    @abstractmethod
    def ran_whole(self) -> str | None:
        """The same, of what has been patched so far: asking tries nothing out."""

    @property
    @abstractmethod
    def work(self) -> tuple[int, int]:
        """What whole passes have taken so far, and what replays would have; see `Work`."""

    @property
    @abstractmethod
    def is_parallel(self) -> bool:
        """Whether a block's MLP does not read what its attention has written."""

    @property
    @abstractmethod
    def rounding(self) -> Rounding:
        """How far rounding alone moves what the model computes; tried when it is first asked."""

    @abstractmethod
    def sites(self, sites: Sites) -> tuple[Site, ...]:
        """Every site that ``sites`` names, in order and each once.

        Raises ModelError for what lies outside the model, and UnsupportedError for a kind of site
        that the model does not have.
        """

    @abstractmethod
    def encode(self, prompts: Sequence[Prompt]) -> Encoded:
        """Tokenise. Raises UnsupportedError and MeasurementError as `Tokens.encode` does."""

    @property
    @abstractmethod
    def unembeds(self) -> bool:
        """Whether what follows a prompt can be read from its `endings`."""

    @abstractmethod
    def endings(self, prompts: Sequence[Ids]) -> Floats:
        """All of each prompt's run that a reading of what follows needs, [prompt, d_model + 1].

        That is the last block's output at the last token, then the logarithm of the sum of the
        exponentials of its logits. Raises UnsupportedError where the model has no `unembeds`.
        """

    @abstractmethod
    def unembedded(self, endings: Floats, readout: Readout) -> Floats:
        """What ``readout`` reads from `endings`, [prompt]; no block is run.

        From the `LastStream` of each cell and prompt, [cell, prompt, d_model], it is
        [cell, prompt]; these do not give `Answers`.
        """

    @abstractmethod
    def read_after(self, prompts: Sequence[Ids], readout: Readout) -> Floats:
        """What ``readout`` reads at the last token of each prompt, [prompt]."""

    def read(self, encoded: Encoded, readout: Readout) -> Floats:
        """What ``readout`` reads at the last token, [prompt]."""
        return self.read_after(encoded.ids, readout)

    def log_distribution(self, encoded: Encoded) -> Floats:
        """Log-probabilities in nats of the token that follows each prompt, [prompt, vocabulary]."""
        return self.read_after(encoded.ids, Distribution())

    def log_probs(self, encoded: Encoded, continuations: Sequence[Sequence[int]]) -> Floats:
        """Log-probability in nats of each prompt's whole continuation, [prompt].

        Raises MeasurementError where a prompt and its continuation are too long for the model.
        """
        whole = [(*ids, *more) for ids, more in zip(encoded.ids, continuations, strict=True)]
        if (longest := max(map(len, whole))) > self.shape.n_positions:
            raise MeasurementError(
                f"a prompt and its answer are {longest} tokens "
                f"and {encoded.tokens.model} takes {self.shape.n_positions}"
            )
        ends = [
            (ids[:end], ids[end])
            for start, ids in zip(encoded.ids, whole, strict=True)
            for end in range(len(start), len(ids))
        ]
        prompts, tokens = zip(*ends, strict=True)
        found = self.read_after(prompts, Answers(np.array(tokens)[:, None]))[:, 1]
        firsts = np.cumsum([0, *map(len, continuations)])[:-1]
        return np.add.reduceat(found, firsts)

    @abstractmethod
    def capture(self, encoded: Encoded, sites: Sequence[Site], at: Sequence[int]) -> list[Floats]:
        """Activations at token ``at[prompt]``: for each site [prompt, width].

        The width is d_head for heads and their q, k and v, 1 for neurons, d_model for streams.
        Raises UnsupportedError for ``.pattern`` sites, which `attention` measures.
        """

    @abstractmethod
    def attention(
        self,
        encoded: Encoded,
        heads: Sequence[Site],
        links: Sequence[Sequence[tuple[int, int]]],
    ) -> Floats:
        """Attention paid along ``links[prompt]``, pairs of (query, key) tokens: [prompt, head].

        It is the sum over the links divided by the number of distinct queries; NaN without links.
        """

    @abstractmethod
    def patch(
        self, target: Encoded, source: Encoded, cells: Sequence[Cell], readout: Readout
    ) -> Floats:
        """What ``readout`` reads from each target prompt under each cell's patch: [cell, prompt].

        A cell's sites take, at the target's tokens of its position, the activations that the
        untouched source prompt of the same number has at its own tokens of that position. Raises
        MeasurementError where these are not equally many tokens.
        """

    @abstractmethod
    def intervene(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        """What ``readout`` reads from each prompt under each cell's edits: [cell, prompt].

        Raises MeasurementError where an edit has not as many vectors as its position has tokens,
        ValueError where a cell edits a site twice at one position.
        """

    @abstractmethod
    def rewire(
        self,
        clean: Encoded,
        corrupted: Encoded,
        wirings: Sequence[Wiring],
        readout: Readout,
    ) -> Floats:
        """What ``readout`` reads with each wiring's edges clean or corrupted: [wiring, prompt].

        A query, key, value, MLP or the logits reads the stream as the sum of what the embedding,
        heads and MLPs before it have written: along a corrupted edge what the sender writes in the
        corrupted run, along a clean one what it writes in this run (Conmy et al. 2023, arXiv
        2304.14997; Hanna et al. 2024, arXiv 2403.17806). A component without a clean edge into it
        is so as in the corrupted run. Where attention's output is normed before it is added, heads
        of one layer that tell one receiver are taken together. Raises MeasurementError for pairs of
        unequal length.
        """

    @abstractmethod
    def estimate_patch(
        self,
        target: Encoded,
        source: Encoded,
        cells: Sequence[Cell],
        readout: Readout,
        steps: int = 0,
    ) -> Floats:
        """What `patch` would add to what ``readout`` reads, to first order: [cell, prompt].

        A site adds (source activation - target activation) . gradient, summed over its tokens, with
        the gradient at the target run (attribution patching; Syed et al. 2023, arXiv 2310.10348).
        With ``steps`` it is the mean of the gradients at so many midpoints of the straight line
        from the source's input embeddings to the target's (EAP-IG; Hanna et al. 2024, arXiv
        2403.17806).
        Raises UnsupportedError for a readout of the whole vocabulary and for sites that no gradient
        is taken by, and MeasurementError as `patch` does; with ``steps``, for pairs of unequal
        length.
        """

    @abstractmethod
    def estimate_edits(self, encoded: Encoded, cells: Sequence[Edits], readout: Readout) -> Floats:
        """What `intervene` would add to what ``readout`` reads, to first order: [cell, prompt].

        Raises as `intervene` and `estimate_patch` do.
        """

    @abstractmethod
    def activations(
        self,
        encoded: Encoded,
        sites: Sequence[Site],
        position: Position,
        cells: Sequence[Edits] = ((),),
    ) -> list[Floats]:
        """Activations at all tokens of a position while each cell's edits are made.

        For each site [cell, prompt, token, width], NaN where a prompt has fewer tokens there than
        another. An empty cell edits nothing. An edited site is seen as the edit leaves it. Raises
        as `intervene` does, and UnsupportedError for ``.pattern`` sites.
        """

    @abstractmethod
    def means(
        self, encoded: Encoded, sites: Sequence[Site], position: Position, *, pooled: bool
    ) -> list[Floats]:
        """Mean activations over prompts at the tokens of a position.

        For each site [token, width] or, ``pooled`` over the tokens too, [width]. Raises
        MeasurementError where prompts have different numbers of tokens and are not pooled.
        """

    @abstractmethod
    def constant_parts(self, sites: Sequence[Site]) -> list[Floats]:
        """What heads and values are for their biases alone, whatever they read: [width] each.

        It is what they are where the normed stream is zero: their values' bias, and what the
        norm's bias makes of their weights. TransformerLens folds it into attention's bias. Raises
        UnsupportedError where what they are is not this plus something linear in the normed stream.
        """

    @abstractmethod
    def direct(self, encoded: Encoded, sites: Sequence[Site], readout: Readout) -> Floats:
        """What sites add to what ``readout`` reads, past all later blocks: [site + 1, prompt].

        The site's part of the last stream at the final token goes through the final norm, its
        scale being that of the untouched run, and through the unembedding; the last row is what
        their biases add. ``resid_pre.L0``, ``attn_out.L*`` and ``mlp_out.L*`` make up the last
        ``resid_post``; with the biases that is what ``readout`` gives, less any soft-capping. The
        readout must be linear in the logits of its tokens. Raises UnsupportedError for sites that
        are not added to the stream, and for a model whose parts do not add up to its logits.
        """


class Wrapper(Subject):
    """The same model, asked in another way: what it is comes from ``inner``.

    What measures stays abstract, so that no wrapper passes a measurement on unseen.
    """

    def __init__(self, inner: Subject) -> None:
        self._subject = inner

    @property
    def info(self) -> ModelInfo:
        return self._subject.info

    @property
    def shape(self) -> Shape:
        return self._subject.shape

    @property
    def replays(self) -> bool:
        return self._subject.replays

    @property
    def no_replay(self) -> str | None:
        return self._subject.no_replay

    @property
    def ran_whole(self) -> str | None:
        return self._subject.ran_whole

    @property
    def work(self) -> tuple[int, int]:
        return self._subject.work

    @property
    def unembeds(self) -> bool:
        return self._subject.unembeds

    @property
    def is_parallel(self) -> bool:
        return self._subject.is_parallel

    def sites(self, sites: Sites) -> tuple[Site, ...]:
        return self._subject.sites(sites)

    def encode(self, prompts: Sequence[Prompt]) -> Encoded:
        return self._subject.encode(prompts)
