"""YAML text to plain data, with the line of every value and limits that no file can exceed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from ppcheck.errors import SpecError

MAX_BYTES = 4_000_000
MAX_DEPTH = 32
MAX_NODES = 200_000

Location = tuple[str | int, ...]

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"
_AS_WRITTEN = ("str", "timestamp", "value", "merge")
_TAGS = (*_AS_WRITTEN, "int", "float", "bool", "null", "map", "seq")


class _AsWritten:
    """Mixed into numbers: one that stands for a word is the text of the file, 1.50 and not 1.5."""

    text: str

    def __repr__(self) -> str:
        return self.text


class WrittenInt(_AsWritten, int):
    """A whole number that shows the text it was written as."""


class WrittenFloat(_AsWritten, float):
    """A number that shows the text it was written as."""


@dataclass(frozen=True)
class Source:
    """One parsed file: ``data`` as dicts, lists and scalars; ``lines`` (1-based) by location.

    Keys are text as written, so that the choice `no` is not a boolean. ``sha256`` is of the bytes.
    """

    path: Path
    data: Any
    lines: dict[Location, int]
    sha256: str

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
    content = _read(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SpecError("not UTF-8 text: save the file as UTF-8", path, line) from None
    reader = _Reader(path)
    try:
        _check_limits(text, path)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            data = None if node is None else reader.value(loader, node, (), 0)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, path) from None
    except ReaderError as error:
        line = text.encode().count(b"\n", 0, error.position) + 1
        message = f"not YAML: the control character U+{int(error.character):04X}"
        raise SpecError(message, path, line) from None
    return Source(path, data, reader.lines, hashlib.sha256(content).hexdigest())


def _read(path: Path) -> bytes:
    try:
        if not path.exists():
            raise SpecError("there is no such file", path)
        if not path.is_file():
            raise SpecError("not a file", path)
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SpecError(
                f"the file has {size:,} bytes and a spec may have {MAX_BYTES:,}: "
                "split it, or keep its prompts in a CSV or JSONL file (`rows:`)",
                path,
            )
        return path.read_bytes()
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", path) from None


def _check_limits(text: str, path: Path) -> None:
    """Before anything is built, so that building cannot run out of stack or memory."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        nodes += isinstance(event, yaml.NodeEvent)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            limit = f"{MAX_DEPTH} levels" if depth > MAX_DEPTH else f"{MAX_NODES:,} values"
            mark: Any = event.start_mark
            raise SpecError(f"the file has more than {limit}", path, mark.line + 1)


def _syntax_error(error: yaml.MarkedYAMLError, text: str, path: Path) -> SpecError:
    mark = error.problem_mark or error.context_mark
    number, column = (0, 0) if mark is None else (mark.line, mark.column)
    line = "".join(text.split("\n")[number : number + 1])
    if line[column : column + 1] == "\t":
        message = "a tab: YAML indents with spaces only"
    elif isinstance(error, yaml.composer.ComposerError) and "document" in str(error.context):
        message = "a spec is one document: leave out the line `---`, or make it two files"
    elif str(error.problem).endswith(("indicator", "expected key")):
        message = f"{error.problem}: this line or one above is indented too far, or not enough"
    else:
        message = (
            f'{error.problem}: text with any of : # [ ] {{ }} > * & ! % @ needs quotes, ">= 1"'
        )
    return SpecError(f"not YAML: {message}", path, number + 1)


@dataclass
class _Reader:
    path: Path
    lines: dict[Location, int] = field(default_factory=dict)
    nodes: int = 0

    def value(self, loader: Any, node: yaml.Node, location: Location, depth: int) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(location, line)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            message = f"more than {MAX_NODES:,} values once aliases are expanded"
            raise SpecError(message, self.path, line)
        if depth > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} levels: an alias stands inside what it names"
            raise SpecError(message, self.path, line)
        if node.tag.removeprefix(_PREFIX) not in _TAGS:
            raise SpecError(f"a spec has no tags such as {node.tag[:60]}", self.path, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(loader, node, location, depth)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.value(loader, child, (*location, index), depth + 1)
                for index, child in enumerate(node.value)
            ]
        return self._scalar(loader, node, line)

    def _scalar(self, loader: Any, node: yaml.Node, line: int) -> Any:
        if node.tag.removeprefix(_PREFIX) in _AS_WRITTEN:
            return node.value
        try:
            value = loader.construct_object(node)
        except (ValueError, KeyError):
            message = f"{node.value[:60]!r} is no {node.tag.removeprefix(_PREFIX)}"
            raise SpecError(message, self.path, line) from None
        if isinstance(value, bool) or value is None:
            return value
        written: Any = WrittenInt(value) if isinstance(value, int) else WrittenFloat(value)
        written.text = node.value
        return written

    def _mapping(
        self, loader: Any, node: yaml.MappingNode, location: Location, depth: int
    ) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise SpecError("a key must be one word or number", self.path, line)
            if key_node.tag == f"{_PREFIX}merge" and not isinstance(value_node, yaml.ScalarNode):
                message = "a spec does not merge keys (`<<`): write them where they belong"
                raise SpecError(message, self.path, line)
            key, at = key_node.value, (*location, key_node.value)
            if key in mapping:
                message = f"the key {key[:60]!r} stands twice, first on line {self.lines[at]}"
                raise SpecError(message, self.path, line)
            self.lines[at] = line
            mapping[key] = self.value(loader, value_node, at, depth + 1)
        return mapping
