"""What is wrong with what a claim names: in its prompts, and among its own sites."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ppcheck.errors import SpecError
from ppcheck.spec.dictionary import Dictionary
from ppcheck.spec.expectations.versus import Versus
from ppcheck.spec.grammar import suggest
from ppcheck.spec.prompts.grid import Grid, Prompt
from ppcheck.spec.prompts.relation import Relation, no_number
from ppcheck.spec.prompts.selection import LabelCondition, Selection
from ppcheck.spec.prompts.strategy import Strategy
from ppcheck.spec.prompts.target import is_of, twofold
from ppcheck.spec.sites.position import Position
from ppcheck.spec.sites.site import Kind, SitePattern, Sites


def of_selection(selection: Selection, grid: Grid) -> Iterator[str]:
    """What is said of columns, classes and words that no prompt has, else of an empty selection."""
    unknown = [m for condition in selection.conditions for m in _of_condition(condition, grid)]
    yield from unknown
    if unknown:
        return
    try:
        grid.select(selection)
    except SpecError as error:
        if error.path is not None:
            raise
        yield error.message


def _of_condition(condition: LabelCondition, grid: Grid) -> Iterator[str]:
    name, known = condition.variable, grid.labels(condition.variable)
    if known is None:
        yield f"there is no variable or column {name!r}: {suggest(name, grid.names)}"
        return
    for label in condition.labels:
        if label not in known:
            yield f"no prompt has {name}={label}: {suggest(label, known)}"


def of_place(
    position: Position, prompts: Sequence[Prompt], measured: Sequence[Prompt], on: str
) -> Iterator[str]:
    """What is said of a class that no prompt has, and of a prompt that does not show the variable.

    The position is neither a list nor a complement. Every one of the prompts that are ``measured``
    has to show the variable.
    """
    name = position.variable
    if name is None:
        return
    if position.label is not None:
        yield from _of_target(name, position.label, prompts, on)
    for prompt in measured:
        if not any(piece.variable == name for turn in prompt.turns for piece in turn.pieces):
            yield f"{name!r} stands nowhere in the prompt {prompt.text!r}"
            return


def _of_target(name: str, label: str, prompts: Sequence[Prompt], on: str) -> Iterator[str]:
    """What is said of a class or word, or of another variable's word, that no prompt has."""
    if label not in prompts[0].words or name not in prompts[0].words:
        yield from lacking(prompts, name, [label], on)
        return
    words = [prompt.words[name] for prompt in prompts]
    if any(label in (word.label, word.text) for word in words):
        yield twofold(name, label)
    elif not any(is_of(name, label, prompt.words) for prompt in prompts):
        yield f"no prompt of `{on}` has one word as {name!r} and as {label!r}"


def lacking(
    prompts: Sequence[Prompt],
    name: str,
    labels: Sequence[str],
    where: str,
    *,
    classes_alone: bool = False,
) -> Iterator[str]:
    """What is said of a variable, or of its classes or words, that no prompt of ``where`` has."""
    some = next((prompt for prompt in prompts if name not in prompt.words), None)
    if some is not None:
        yield f"there is no variable or column {name!r}: {suggest(name, some.words)}"
        return
    words = [prompt.words[name] for prompt in prompts]
    known = dict.fromkeys(word.label for word in words)
    if not classes_alone:
        known |= dict.fromkeys(word.text for word in words)
    for label in labels:
        if label not in known:
            yield f"no prompt of `{where}` has {name}={label}: {suggest(label, known)}"


def of_members(versus: Versus, sites: Sites | None, *, top: bool, together: bool) -> Iterator[str]:
    """What is said of a site that is compared and is not one that the claim is sure to judge.

    What is written like no single site is left to the measurement, which knows all members.
    """
    if top:
        yield "`top` may leave out either of the two: name the sites, without `top`"
    if together:
        yield "`together` makes one of all sites: leave it out to compare two of them"
    if sites is None or top or together:
        return
    for member in versus.members:
        try:
            site = SitePattern.parse(member).site
        except ValueError:
            continue
        if site is None:
            yield f"{member} may be several sites: compare one with one, such as L1H0"
        elif str(site) != member:
            yield f"{member} is called {site} where it is judged: write {site}"
        elif not any(pattern.covers(site) for pattern in sites):
            yield f"{member} is not one of the sites of this claim, {sites}: add it to `site`"


def of_features(sites: Sites, *, taken: bool) -> Iterator[str]:
    """What is said of features where a check does not take them, or not beside other sites."""
    features = [pattern for pattern in sites if pattern.kind is Kind.FEATURE]
    if features and not taken:
        yield (
            f"{features[0]} is a feature of a dictionary: the checks neuron, ablate, patch and "
            "steer read and change features"
        )
    elif features and len({pattern.dictionary for pattern in sites}) > 1:
        yield "features are measured by dictionary: name those of one, and no other sites"


def of_feature(
    pattern: SitePattern, dictionary: Dictionary | None, known: Collection[str]
) -> Iterator[str]:
    """What is said of features of a ``dictionary`` that is not ``known``, or has not as many."""
    name = pattern.dictionary
    if dictionary is None:
        advice = suggest(name, known) if known else f"`features: {{{name}: FOLDER}}` says where"
        yield f"there are no features {name!r}: {advice}"
    elif any(index >= dictionary.size for index in pattern.indices or ()):
        last = dictionary.size - 1
        yield f"{pattern} is outside {name}: it has {dictionary.size} features (0-{last})"


def of_relation(
    relation: Relation, forall: Mapping[str, Strategy], names: Collection[str] | None
) -> Iterator[str]:
    """What is said of a relation between variables, of which those of ``forall`` are drawn.

    ``names`` are those that prompts have, None where only their rows show it.
    """
    if forall.keys().isdisjoint(relation.names):
        yield f"`{relation}` is about nothing that `forall` draws: select by it in `on`"
    for name in relation.names:
        if name not in forall and names is not None and name not in names:
            yield f"there is no variable {name!r}: {suggest(name, (*forall, *names))}"
        elif name in forall and relation.of_numbers:
            yield from _of_numbers(name, relation, forall[name].texts)


def of_related(
    name: str, relation: Relation, prompts: Sequence[Prompt], where: str
) -> Iterator[str]:
    """What is said of a variable of a relation that is not drawn."""
    unknown = list(lacking(prompts, name, [], where))
    yield from unknown
    if not unknown and relation.of_numbers:
        yield from _of_numbers(name, relation, [prompt.words[name].text for prompt in prompts])


def _of_numbers(name: str, relation: Relation, texts: Sequence[str]) -> Iterator[str]:
    if (text := no_number(texts)) is not None:
        yield f"`{relation}` compares numbers, and {name!r} may be {text!r}"
