"""The scripts of the pages: modules that become one script, each after what it imports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ppcheck.errors import PageError
from ppcheck.report.embedding import scripts_folder
from ppcheck.report.html import run_page
from ppcheck.report.matrix import matrix_page
from ppcheck.report.modules import in_order, linked
from tests.report import audits, runs

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "ppcheck" / "report" / "page" / "scripts"
SCRIPTS = sorted(PAGE.glob("*.js"))
ENTRIES = ("app.js", "matrix.js")
_SOURCE = re.compile(r'^(?:import|}).* from "\./(.*)";$', re.MULTILINE)


def modules(folder: Path, **texts: str) -> Path:
    """A folder of modules, by their names without ending."""
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder


def test_a_module_stands_after_what_it_imports_and_once(tmp_path: Path) -> None:
    folder = modules(
        tmp_path,
        entry='import { a } from "./a.js";\nimport {\n  b,\n  c,\n} from "./b.js";\na(b, c);\n',
        a='import { b } from "./b.js";\nexport const a = () => b;\n',
        b="export async function b() {}\nexport class c {}\nlet own = 1;\nimportant();\n",
        other="nobody();\n",
    )
    assert linked(folder, "entry.js") == (
        "async function b() {}\nclass c {}\nlet own = 1;\nimportant();\n\n"
        "const a = () => b;\n\na(b, c);\n"
    )


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (
            {"entry": 'import { a } from "./a.js";\n', "a": 'import { b } from "./entry.js";\n'},
            r"a\.js:1: imports run in a circle: entry\.js -> a\.js -> entry\.js",
        ),
        (
            {"entry": 'import { entry } from "./entry.js";\n'},
            r"entry\.js:1: imports run in a circle: entry\.js -> entry\.js",
        ),
        (
            {"entry": '\nimport { b } from "./a.js";\n', "a": "export let a;\nlet b;\n"},
            r"entry\.js:2: a\.js does not export `b`; it exports a",
        ),
        (
            {"entry": 'import { a as b } from "./a.js";\n', "a": "export let a;\n"},
            r"entry\.js:1: a\.js does not export `a as b`",
        ),
        ({"entry": 'import { a } from "./a.js";\n'}, r"entry\.js:1: there is no a\.js beside it"),
        (
            {
                "entry": '// entry\n\nimport { a } from "./a.js";\nconst own = a;\n',
                "a": "export let a;\nfunction own() {}\n",
            },
            r"entry\.js:4: `own` is also the name of what stands at a\.js:2",
        ),
    ],
    ids=["circle", "itself", "not-exported", "renamed", "no-file", "name-twice"],
)
def test_what_does_not_fit_together_is_an_error_with_its_place(
    tmp_path: Path, texts: dict[str, str], said: str
) -> None:
    with pytest.raises(PageError, match=said):
        linked(modules(tmp_path, **texts), "entry.js")


@pytest.mark.parametrize(
    "line",
    [
        'import "./a.js";',
        'import a from "./a.js";',
        'import * as a from "./a.js";',
        'import { a } from "https://example.org/a.js";',
        "export default 1;",
        'export { a } from "./a.js";',
        "export const { a } = b;",
        "const [a] = b;",
        "var a;",
        "function* a() {}",
        'const a = await import("./a.js");',
        "const a = import.meta.url;",
    ],
)
def test_any_other_form_is_an_error_that_says_what_to_write(tmp_path: Path, line: str) -> None:
    folder = modules(tmp_path, a="export let a;\n", entry=f"// entry\nlet first;\n{line}\n")
    with pytest.raises(PageError, match=r"entry\.js:3: .* is not understood: write `import \{ na"):
        linked(folder, "entry.js")


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_page_has_every_module_that_it_reaches_after_what_that_imports(entry: str) -> None:
    reached = [entry]
    for name in reached:
        text = (PAGE / name).read_text(encoding="utf-8")
        reached += [each for each in _SOURCE.findall(text) if each not in reached]
    order = [module.name for module in in_order(scripts_folder(), entry)]
    assert sorted(order) == sorted(reached)
    for module in in_order(scripts_folder(), entry):
        before = order[: order.index(module.name)]
        assert {each.source for each in module.imports} <= set(before)


def test_every_script_belongs_to_a_page() -> None:
    used = {module.name for entry in ENTRIES for module in in_order(scripts_folder(), entry)}
    assert used == {script.name for script in SCRIPTS}


def test_a_page_carries_its_script_as_one_module() -> None:
    pages = (run_page(runs.run([runs.claim()])), matrix_page(audits.audit([audits.claim("h")])))
    for entry, page in zip(ENTRIES, pages, strict=True):
        (script,) = re.findall(r'<script type="module">(.*?)</script>', page, flags=re.DOTALL)
        assert script == linked(scripts_folder(), entry)
        assert not re.search(r"^(import|export)\b", script, flags=re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_script_is_checked_and_can_be_read(script: Path) -> None:
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "// @ts-check"
    assert len(lines) <= 300
    assert [line for line in lines if len(line) > 100] == []


def test_the_tools_that_check_scripts_are_pinned_and_come_from_any_registry() -> None:
    if not (ROOT / "package.json").is_file():
        pytest.skip("a source distribution does not carry them")
    pinned = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, version in pinned.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    assert not [name for name, package in packages.items() if "resolved" in package]
