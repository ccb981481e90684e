"""YAML text to plain data, with the line of every value and limits that no file can exceed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ppcheck.errors import SpecError

MAX_BYTES = 4_000_000
MAX_DEPTH = 32
MAX_NODES = 400_000

Location = tuple[str | int, ...]

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Source:
    """One parsed file: ``data`` as dicts, lists and scalars; ``lines`` (1-based) by location."""

    path: Path
    data: Any
    lines: dict[Location, int]

    def line(self, location: Location) -> int:
        """The line of ``location``, or of the nearest value that encloses it."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def error(self, message: str, location: Location = ()) -> SpecError:
        return SpecError(message, self.path, self.line(location))


def read_source(path: Path) -> Source:
    """Read one YAML file.

    Raises SpecError, with the line, for what is not YAML, duplicate keys, tabs, and files over
    ``MAX_BYTES``, ``MAX_DEPTH`` levels or ``MAX_NODES`` values after aliases are expanded.
    """
    text = _read_text(path)
    try:
        _check_depth(text, path)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            reader = _Reader(path, loader)
            data = {} if node is None else reader.value(node, (), 0)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, path) from None
    except yaml.YAMLError as error:
        raise SpecError(f"not YAML: {error}", path, 1) from None
    return Source(path, data, reader.lines)


def _read_text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SpecError(
                f"the file has {size:,} bytes and a spec may have {MAX_BYTES:,}: "
                "split it, or keep its prompts in a CSV or JSONL file (`rows:`)",
                path,
                1,
            )
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", path, 1) from None
    except UnicodeDecodeError as error:
        raise SpecError(f"not UTF-8 text: {error.reason} at byte {error.start}", path, 1) from None


def _check_depth(text: str, path: Path) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1
                raise SpecError(f"nested deeper than {MAX_DEPTH} levels", path, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _syntax_error(error: yaml.MarkedYAMLError, path: Path) -> SpecError:
    mark: Any = error.problem_mark or error.context_mark
    problem = error.problem or str(error)
    if "'\\t'" in problem:
        problem = "a tab: YAML indents with spaces only"
    return SpecError(f"not YAML: {problem}", path, mark.line + 1 if mark is not None else 1)


@dataclass
class _Reader:
    path: Path
    loader: Any
    lines: dict[Location, int] = field(default_factory=dict)
    nodes: int = 0

    def value(self, node: yaml.Node, location: Location, depth: int) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(location, line)
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise SpecError(
                f"more than {MAX_NODES:,} values or {MAX_DEPTH} levels once aliases are expanded",
                self.path,
                line,
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location, depth)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.value(child, (*location, index), depth + 1)
                for index, child in enumerate(node.value)
            ]
        return self.loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, location: Location, depth: int) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise SpecError("a key must be one word or number", self.path, line)
            # Names stay as written: YAML 1.1 would read the choice `no` as false.
            key: Hashable = key_node.value
            if key in mapping:
                raise SpecError(f"the key {key!r} stands twice", self.path, line)
            self.lines[(*location, str(key))] = line
            mapping[key] = self.value(value_node, (*location, str(key)), depth + 1)
        return mapping
