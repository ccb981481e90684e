"""The file that was searched, with claims: its own text and comments, and what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ppcheck.discover.emit import claim_lines, comment_lines
from ppcheck.discover.finding import Finding
from ppcheck.discover.search import Part
from ppcheck.errors import SearchError


@dataclass(frozen=True)
class Judged:
    """A finding and what the other half says of it: ``verdict`` in words, with its figure."""

    finding: Finding
    holds: bool
    verdict: str


def spec_text(
    text: str,
    sets: Sequence[str],
    parts: Sequence[Part],
    judged: Mapping[str, Judged],
    source: str,
    *,
    keep_failed: bool,
) -> str:
    """The text of the spec, from that of the file and what was found in its prompt ``sets``."""
    lines = _with_halves(_without_claims(text), sets)
    body = [line for part in parts for line in _part(part, judged, keep_failed=keep_failed)]
    told = comment_lines(source)
    return "\n".join([*lines, "", "claims:", *told, *body]).rstrip() + "\n"


def _part(part: Part, judged: Mapping[str, Judged], *, keep_failed: bool) -> Iterator[str]:
    if not (part.findings or part.absent):
        return
    yield ""
    yield from comment_lines(
        f"{part.prompts}: {part.title}" if part.title != part.prompts else part.title
    )
    for finding in part.findings:
        one = judged[finding.id]
        lines = claim_lines(finding.claim)
        yield ""
        if one.holds or keep_failed:
            yield from lines
            continue
        yield from comment_lines(f"Does not hold on the other half: {one.verdict}")
        yield from (f"  # {line[2:]}".rstrip() for line in lines)
    if part.absent:
        yield ""
        yield "  # Looked for and not found:"
    for absent in part.absent:
        yield from comment_lines(" ".join(absent.said.split()), first="- ")


def _without_claims(text: str) -> str:
    """All but the key `claims`, which ends where the next key starts."""
    root = _root(text)
    lines = text.split("\n")
    keys = [key for key, _ in root.value]
    for number, key in enumerate(keys):
        if key.value == "claims":
            following = keys[number + 1].start_mark.line if keys[number + 1 :] else len(lines)
            lines[key.start_mark.line : following] = []
    return "\n".join(lines).rstrip()


def _with_halves(text: str, sets: Sequence[str]) -> list[str]:
    """The lines, where each of the ``sets`` keeps the half that is judged."""
    root = _root(text)
    (prompts,) = (value for key, value in root.value if key.value == "prompts")
    lines, edits = text.split("\n"), {}
    for key, node in prompts.value:
        if key.value in sets:
            line, column, written = _half(node)
            edits[line] = column, written
    for line in sorted(edits, reverse=True):
        column, written = edits[line]
        lines[line : line + 1] = _edited(lines[line], column, written)
    return lines


def _half(node: yaml.MappingNode) -> tuple[int, int, str | None]:
    """The line and column at which `half: judge` stands or is to stand, and what stands there.

    None says that nothing does, and an empty text that it is to stand within braces.
    """
    for key, value in node.value:
        if key.value == "half":
            mark = value.start_mark
            return mark.line, mark.column, str(value.value)
    if node.flow_style:
        return node.start_mark.line, node.start_mark.column + 1, ""
    mark = node.value[0][0].start_mark
    return mark.line, mark.column, None


def _edited(line: str, column: int, written: str | None) -> list[str]:
    if written is None:
        return [f"{' ' * column}half: judge", line]
    if not written:
        return [f"{line[:column]}half: judge, {line[column:]}"]
    rest = re.sub(r"""^["']?\w+["']?""", "judge", line[column:])
    return [line[:column] + rest]


def _root(text: str) -> yaml.MappingNode:
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise SearchError("the file to start from has no keys")
    return node
