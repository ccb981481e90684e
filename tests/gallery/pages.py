"""The pages that are in the gallery: runs, a gate, an audit and a search of the demo model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "gallery"
SPECS = "specs/demo"
MOVING = ("heads-and-neurons", "flow", "paths", "roles")
AUDITED = ("features", "flow", "paths", "roles")
CHECKPOINTS = "demo{@step0,,@tuned,@rewired,@blunted}"


def make_pages(real: Path | None) -> None:
    """Write each page to a folder of its own in FOLDER; `real` is the record of a real model."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    # As it is given, the path stands on the page: nothing of this machine's may.
    good = f"--ppcheck-baseline={(FOLDER / 'good.json').relative_to(ROOT)}"
    _pytest(SPECS, "--model=demo", good, "--ppcheck-bless", page="run")
    _pytest(SPECS, "--model=demo@rewired", good, page="gate")
    _pytest(*_specs(MOVING), "--model=demo@rewired", good, page="moves")
    _ppcheck("audit", *_specs(AUDITED), "--model", CHECKPOINTS, "--out", str(FOLDER / "audit"))
    _ppcheck("discover", str(_prompts()), "-o", str(FOLDER / "found.pp.yaml"))
    _pytest(str(FOLDER / "found.pp.yaml"), "--model=demo", page="discover")
    if real is not None:
        _ppcheck("report", str(real), "--out", str(FOLDER / "real"))


def _specs(names: tuple[str, ...]) -> list[str]:
    return [f"{SPECS}/{name}.pp.yaml" for name in names]


def _prompts() -> Path:
    """The README's spec, which `discover` reads for its prompts alone."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    path = FOLDER / "mine.pp.yaml"
    path.write_text(readme.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    return path


def _pytest(*arguments: str, page: str) -> None:
    """A run; that claims fail is what some of the pages show."""
    _run("pytest", "-q", *arguments, f"--ppcheck-report={FOLDER / page}", accepted=(0, 1))


def _ppcheck(*arguments: str) -> None:
    _run("ppcheck", *arguments, accepted=(0,))


def _run(module: str, *arguments: str, accepted: tuple[int, ...]) -> None:
    status = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=False)
    if status.returncode not in accepted:
        sys.exit(f"{module} {' '.join(arguments)} ended with status {status.returncode}")
