"""ES modules as one script, since a page that is opened from disk can load no other file.

Only what the page's scripts use is understood: ``import { a, b } from "./file.js";`` and ``export``
before a function, a class or one name. Anything else is an error, so that nothing is lost unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from ppcheck.errors import PageError

_KINDS = "async function|function|class|const|let"
_IMPORT = re.compile(r'^import \{([\w\s,]+)\} from "\./(\w+\.js)";\n', re.MULTILINE)
_DECLARED = re.compile(rf"^(export )?(?:{_KINDS}) (\w+)", re.MULTILINE)
_EXPORT = re.compile(rf"^export (?=(?:{_KINDS}) \w)", re.MULTILINE)
_OTHER = re.compile(
    r"^(?:(?:import|export|var)\b|(?:const|let|class|function)\b(?! \w)).*"
    r"|^.*(?<![@\w])import\s*[.(].*",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Module:
    """A script, without the words that only modules have."""

    name: str
    body: str
    imports: tuple[_Import, ...]
    exported: frozenset[str]
    declared: tuple[tuple[str, int], ...]
    """Names at the top level, each with its line."""


@dataclass(frozen=True)
class _Import:
    names: tuple[str, ...]
    source: str
    where: str


def linked(folder: Traversable, entry: str) -> str:
    """The entry and all that it imports as one script."""
    modules = in_order(folder, entry)
    _no_name_twice(modules)
    return "\n".join(module.body for module in modules)


def in_order(folder: Traversable, entry: str) -> list[Module]:
    """The entry and all that it imports, each once and after what it imports itself."""
    found: dict[str, Module] = {}

    def follow(name: str, path: tuple[str, ...]) -> None:
        if name in found:
            return
        module = _read(folder, name)
        path = (*path, name)
        for each in module.imports:
            if each.source in path:
                circle = " -> ".join([*path[path.index(each.source) :], each.source])
                raise PageError(f"{each.where}: imports run in a circle: {circle}")
            if not (folder / each.source).is_file():
                raise PageError(f"{each.where}: there is no {each.source} beside it")
            follow(each.source, path)
            _exports_all(found[each.source], each)
        found[name] = module

    follow(entry, ())
    return list(found.values())


def _read(folder: Traversable, name: str) -> Module:
    text = (folder / name).read_text(encoding="utf-8")
    without_imports = _IMPORT.sub(lambda found: "\n" * found[0].count("\n"), text)
    rest = _EXPORT.sub("", without_imports)
    if other := _OTHER.search(rest):
        raise PageError(
            f"{name}:{_line(rest, other.start())}: `{other[0].strip()}` is not understood: write "
            '`import { name } from "./file.js";`, or `export` before a function, class or name'
        )
    declared = list(_DECLARED.finditer(without_imports))
    return Module(
        name=name,
        body=_EXPORT.sub("", _IMPORT.sub("", text)),
        imports=tuple(
            _Import(
                names=tuple(each.strip() for each in found[1].split(",") if each.strip()),
                source=found[2],
                where=f"{name}:{_line(text, found.start())}",
            )
            for found in _IMPORT.finditer(text)
        ),
        exported=frozenset(found[2] for found in declared if found[1]),
        declared=tuple((found[2], _line(without_imports, found.start())) for found in declared),
    )


def _exports_all(source: Module, wanted: _Import) -> None:
    for name in wanted.names:
        if name not in source.exported:
            known = ", ".join(sorted(source.exported)) or "nothing"
            raise PageError(
                f"{wanted.where}: {source.name} does not export `{name}`; it exports {known}"
            )


def _no_name_twice(modules: Iterable[Module]) -> None:
    """In one script all modules share a scope."""
    first: dict[str, str] = {}
    for module in modules:
        for name, line in module.declared:
            where = f"{module.name}:{line}"
            if name in first:
                raise PageError(
                    f"{where}: `{name}` is also the name of what stands at {first[name]}; "
                    "at the top level of one page each name is given once"
                )
            first[name] = where


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
