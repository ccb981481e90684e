"""What several kinds of check can see to be wrong with a claim before there is a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ppcheck.spec.expectations.metric import OF_CHOICES, Metrics, Reading
from ppcheck.spec.faults import lacking
from ppcheck.spec.grammar import suggest
from ppcheck.spec.problem import Problem, Problems, problems_with
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.spec.prompts.prompt_set import Contrast, PromptSet, check_labels
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, SitePattern, Sites

STREAM = (Kind.RESID_PRE, Kind.RESID_MID, Kind.RESID_POST)
"""What all later blocks read."""


def dose_problems(prompt_set: PromptSet, dose: str) -> Problems:
    ordered = [name for name, words in prompt_set.vary.items() if words.role == "ordered"]
    if prompt_set.rows is None and dose not in ordered:
        yield Problem("dose", f"{dose!r} is not an ordered variable: {suggest(dose, ordered)}")


def held_out_problems(prompt_set: PromptSet, name: str) -> Problems:
    known = prompt_set.selectable
    if prompt_set.rows is None and name not in known:
        yield Problem("hold_out", f"there is no variable {name!r}: {suggest(name, known)}")


def separates_problems(
    prompt_set: PromptSet, separates: Mapping[str, tuple[str, str]], on: str
) -> Problems:
    """What is wrong with the classes of a variable of the prompts ``on``."""
    for name, labels in separates.items():
        variable = prompt_set.vary.get(name)
        if variable is None and prompt_set.rows is None:
            yield Problem("separates", f"{name!r} is not a variable of {on!r}")
        try:
            check_labels(name, variable, labels)
        except ValueError as error:
            yield Problem("separates", str(error))


def dose_faults(prompts: Sequence[Prompt], dose: str, on: str) -> Problems:
    """What keeps prompts of ``on`` from having a dose each."""
    absent = list(lacking(prompts, dose, [], on))
    yield from problems_with("dose", absent)
    if absent:
        return
    doses = [prompt.words[dose].dose for prompt in prompts]
    if None in doses:
        which = f"prompt {doses.index(None) + 1} of {len(prompts):,} of `{on}`"
        advice = f"give its row one in a column `{dose}.dose`"
        yield Problem("dose", f"{which} has no dose of {dose!r}: {advice}")
    elif len(set(doses)) == 1:
        yield Problem(
            "dose", f"all prompts of `{on}` have one dose of {dose!r}: it takes two to compare"
        )


def trait_faults(
    prompts: Sequence[Prompt],
    dose: str | None,
    separates: Mapping[str, tuple[str, str]] | None,
    on: str,
) -> Problems:
    """Doses that not all prompts of ``on`` have, and classes that none of them is of."""
    if dose is not None:
        yield from dose_faults(prompts, dose, on)
    for name, labels in (separates or {}).items():
        found = lacking(prompts, name, labels, on, classes_alone=True)
        yield from problems_with("separates", found)


def behaviour_problems(prompt_set: PromptSet, metrics: Metrics) -> Problems:
    """What is wrong with metrics that are read from untouched runs."""
    if any(metric.reading is Reading.KL for metric in metrics):
        yield Problem(
            "metric", "`kl` compares patched runs with clean ones: use it in a patching claim"
        )
    yield from metric_problems(prompt_set, metrics, of_tokens=True)


def metric_problems(
    prompt_set: PromptSet, metrics: Metrics, *, of_tokens: bool = False
) -> Problems:
    """``of_tokens`` says whether the loss of a prompt's own tokens can be read."""
    for metric in metrics:
        if metric.reading is Reading.LOSS and not of_tokens:
            where = "untouched runs and under `ablate` (zero, mean), `steer`, `direction_ablation`"
            message = f"a loss is read in {where}, `patch`, `path` and `localisation`"
            yield Problem("metric", f"{message}: read a logit_diff here")
        if metric.reading in OF_CHOICES and len(prompt_set.choices) == 1:
            value, other = (1, "prob") if metric.reading is Reading.P else (0, "log_prob")
            advice = f"give another, or read `{other}`"
            yield Problem("metric", f"{metric} is {value} where there is one choice: {advice}")


def paired_problems(prompt_set: PromptSet, metrics: Metrics, pairs: Contrast | None) -> Problems:
    """What is wrong with metrics of pairs of which something is patched."""
    yield from metric_problems(prompt_set, metrics, of_tokens=True)
    swapped = next(iter(pairs or prompt_set.pairs), None)
    for metric in metrics:
        if metric.reading is Reading.LOSS and metric.variable in (None, swapped):
            what = f"{metric} is of other tokens in clean and corrupted prompts"
            yield Problem("metric", f"{what}: name a variable that is the same in both")


def patch_problems(position: Position) -> Problems:
    for atom in position.atoms:
        if atom.kind == "previous" or atom.label is not None:
            yield Problem("position", f"the position {atom} has a meaning for attention only")


def read_problems(sites: Sites) -> Problems:
    """What is wrong with sites of which the numbers themselves are read."""
    if any(pattern.kind is Kind.PATTERN for pattern in sites):
        yield Problem(
            "site", "a pattern has no one activation at a token: use the check `attention`"
        )
    yield from result_problems(sites)


def result_problems(sites: Sites) -> Problems:
    """Heads after W_O, where they have other numbers and other directions than before it."""
    for pattern in sites:
        if before := pattern.before_projection:
            yield Problem(
                "site",
                f"{pattern} is a head after W_O, and is read before it here: write {before}, or "
                "attn_out for all that attention adds to the stream",
            )


def single_problems(position: Position, what: str, advice: str = "name one") -> Problems:
    """What is wrong with several tokens where ``what`` takes one."""
    if position.is_several:
        yield Problem("position", f"{what} one token, and {position} is several: {advice}")


def whole_problems(
    prompt_set: PromptSet,
    sites: Sites,
    position: Position,
    pairs: Contrast | None,
    *,
    one_decides: bool,
) -> Problems:
    """Sites that hold all by which a pair differs: patching them recovers all by definition.

    ``one_decides`` says that one such site among others is enough to make the claim hold.
    """
    swapped = next(iter(pairs or prompt_set.pairs), None)
    whole = [pattern for pattern in sites if _holds_whole(pattern, position, swapped)]
    later = [pattern for pattern in whole if pattern.kind in STREAM and pattern.layers != (0,)]
    some_are_not = len(whole) < len(tuple(sites)) or (later and position.kind != "all")
    if whole and (one_decides or not some_are_not):
        what = f"{whole[0]} at {position} holds all by which the prompts of a pair differ"
        advice = "name a later layer, or fewer tokens"
        yield Problem("site", f"{what}: patching it recovers 1 by definition, so {advice}")


def _holds_whole(pattern: SitePattern, position: Position, swapped: str | None) -> bool:
    """Whether one of the pattern's sites does."""
    if position.kind == "all" and pattern.kind in STREAM:
        return True
    first = pattern.kind is Kind.RESID_PRE and 0 in (pattern.layers or (0,))
    return position.has_all_of(swapped) and (first or pattern.kind is Kind.EMBED)


def heads_problems(key: str, sites: Sites) -> Problems:
    if any(pattern.kind not in (Kind.HEAD, Kind.PATTERN) for pattern in sites):
        yield Problem(key, f"only heads attend, such as L2H1; got {sites}")


def attending_problems(query: Position, **keys: Position | None) -> Problems:
    """What is wrong with the position that attends, `from`, and those that are attended to."""
    if query.kind == "previous":
        yield Problem("from", "`previous` says what is attended to, not what attends")
    for key, position in keys.items():
        if position is not None and position.kind == "all":
            yield Problem(key, "attention to all tokens is 1 by definition")
