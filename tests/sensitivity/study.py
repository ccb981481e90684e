"""What the gate says of benign changes of the demo model, and of planted ones.

`make sensitivity` prints both tables and writes docs/sensitivity.md and docs/sensitivity.json.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ppcheck.demo import weights_path
from ppcheck.judge.compare import Change as Changed
from ppcheck.measure.registry import CHECKS
from ppcheck.record.baseline import key
from ppcheck.record.comparison import compared, n_comparisons
from ppcheck.record.run import ClaimRecord
from ppcheck.spec.load import Spec, load_spec
from ppcheck.subject.load import load, resolve
from ppcheck.subject.subject import Subject
from tests.sensitivity.changes import OF_NEURONS, Change, Neuron, benign, planted
from tests.sensitivity.page import page, tables
from tests.specs.examined import examined

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SPECS = ("behaviour", "heads-and-neurons", "mechanism", "roles")
WORKERS = 2

Records = Mapping[str, ClaimRecord]


@dataclass(frozen=True)
class Row:
    """What was said of one change: claims by what became of them."""

    sort: str
    name: str
    about: tuple[str, ...]
    regressed: tuple[str, ...]
    moved: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def told(self) -> frozenset[str]:
        """Every claim that says that something changed for the worse."""
        return frozenset((*self.regressed, *self.moved, *self.broken))

    @property
    def caught(self) -> bool:
        """Whether a claim about the very part says so."""
        return not self.told.isdisjoint(self.about)


def measured(subject: Subject, prompts: int | None = None) -> dict[str, ClaimRecord]:
    """Records of all claims; on the other half of other ``prompts``, named by a seed."""
    found: dict[str, ClaimRecord] = {}
    for name in SPECS:
        records = examined(_spec(name, prompts), subject)
        found |= {key(name, claim): record for claim, record in records.items()}
    return found


@cache
def _spec(name: str, prompts: int | None) -> Spec:
    path = ROOT / "specs" / "demo" / f"{name}.pp.yaml"
    if prompts is None:
        return load_spec(path, CHECKS)
    text = path.read_text(encoding="utf-8")
    half = f"    half: explore\n    seed: {prompts}"
    other = re.sub(r"^    half: judge$", half, text, flags=re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder) / path.name
        changed.write_text(other, encoding="utf-8")
        return load_spec(changed, CHECKS)


def judged(change: Change) -> Row:
    """Measure the changed model, and compare each claim with the demo's."""
    before = baseline()
    after = _measured_under(change)
    comparisons = n_comparisons(before)
    changes = {
        name: compared(record, before[name], "demo", comparisons=comparisons).change
        for name, record in after.items()
    }
    return Row(
        change.sort,
        change.name,
        change.about,
        regressed=_ids(name for name, one in changes.items() if one is Changed.REGRESSED),
        moved=_ids(name for name, one in changes.items() if one is Changed.MOVED),
        broken=_ids(name for name in after if before[name].passes and not after[name].passes),
    )


@cache
def baseline() -> Records:
    return measured(load(resolve("demo")))


def _measured_under(change: Change) -> Records:
    from safetensors.torch import load_file, save_file

    if change.prompts is not None:
        return measured(load(resolve("demo")), change.prompts)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(weights_path(None), folder, dirs_exist_ok=True)
        file = Path(folder) / "model.safetensors"
        weights = change.make(load_file(file))
        new = {name: tensor.contiguous().clone() for name, tensor in weights.items()}
        save_file(new, file, metadata={"format": "pt"})
        return measured(load(resolve(folder)))


def _ids(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.partition("::")[2] for name in names)


def chosen_neurons(records: Records) -> dict[str, list[Neuron]]:
    """Those that the claims about neurons chose, by claim."""
    found: dict[str, list[Neuron]] = {}
    for record in records.values():
        if record.id in OF_NEURONS:
            numbers = (re.fullmatch(r"L(\d+)N(\d+)", site) for site in record.facts.kept)
            found[record.id] = [(int(n[1]), int(n[2])) for n in numbers if n is not None]
    return found


def study(changes: Sequence[Change], workers: int) -> dict[str, Any]:
    """The study as it is written to docs/sensitivity.json; `workers` change no figure."""
    started = time.perf_counter()
    rows = list(_shown(_rows(changes, workers), len(changes)))
    quiet, harmful = ([r for r in rows if bool(r.about) is about] for about in (False, True))
    return {
        "schema": "ppcheck.sensitivity/1",
        "seconds": round(time.perf_counter() - started),
        "claims": len(baseline()),
        "false_alarms": {"runs": len(quiet), "alarms": sum(bool(row.told) for row in quiet)},
        "planted": {"runs": len(harmful), "caught": sum(row.caught for row in harmful)},
        "rows": [vars(row) for row in rows],
    }


def _rows(changes: Sequence[Change], workers: int) -> Iterator[Row]:
    if workers == 1:
        yield from map(judged, changes)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(judged, changes)


def _shown(rows: Iterable[Row], total: int) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        print(f"{number}/{total} {row.sort}: {row.name}: {sorted(row.told)}", file=sys.stderr)  # noqa: T201
        yield row


def main() -> None:
    changes = [*benign(), *planted(chosen_neurons(baseline()))]
    found = json.loads(json.dumps(study(changes, WORKERS)))
    (DOCS / "sensitivity.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (DOCS / "sensitivity.md").write_text(page(found), encoding="utf-8")
    print(tables(found))  # noqa: T201


if __name__ == "__main__":
    main()
