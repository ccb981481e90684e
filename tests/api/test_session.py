"""Specs run from Python: records as pytest would write them, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ppcheck
from ppcheck.errors import ModelError, SpecError
from ppcheck.judge.verdict import Verdict
from ppcheck.record.run import Outcome


def test_every_claim_has_a_record_on_every_model(run: ppcheck.Run) -> None:
    assert [(c.model, c.spec, c.id, c.verdict, c.outcome) for c in run.claims[:5]] == [
        ("demo", "specs/a.pp.yaml", "sure", Verdict.HOLDS, Outcome.PASSED),
        ("demo", "specs/a.pp.yaml", "deterred", Verdict.HOLDS, Outcome.PASSED),
        ("demo", "specs/a.pp.yaml", "misspelt", Verdict.ERROR, Outcome.ERROR),
        ("demo", "specs/b.pp.yaml", "sure", Verdict.NOT_APPLICABLE, Outcome.SKIPPED),
        ("demo", "specs/b.pp.yaml", "deterred", Verdict.NOT_APPLICABLE, Outcome.SKIPPED),
    ]
    assert [c.id for c in run.claims[5:]] == [c.id for c in run.claims[:5]]
    assert {c.model for c in run.claims[5:]} == {"demo@blunted"}
    assert "unknown check 'chioce': did you mean 'choice'?" in str(run.claims[2].reason)


def test_the_record_says_what_was_run_and_on_what(run: ppcheck.Run) -> None:
    record = run.record
    assert list(record.models) == ["demo", "demo@blunted"]
    assert record.model == record.models["demo"]
    assert record.model["parameters"] > 0
    assert record.paths == ("specs",)
    assert record.specs["specs/a.pp.yaml"] == ("sure", "deterred", "misspelt")
    assert record.seconds > 0


def test_a_run_from_python_and_one_of_pytest_have_the_same_figures(
    run: ppcheck.Run, project: Path, pytester: pytest.Pytester
) -> None:
    file = pytester.path / "run.json"
    pytester.runpytest_inprocess(project / "specs" / "a.pp.yaml", f"--ppcheck-json={file}")
    theirs: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    ours = json.loads(run.record.to_json())["claims"][:3]
    per_run = ("seconds", "asked", "known")
    for claim in (*ours, *theirs["claims"]):
        for key in per_run:
            del claim[key]
    assert theirs["claims"] == ours


def test_what_a_run_kept_in_the_cache_is_not_measured_again(
    run: ppcheck.Run, project: Path, cache: Path
) -> None:
    assert run.claims[1].known < run.claims[1].asked
    again = ppcheck.run(project / "specs" / "a.pp.yaml", cache=cache)
    assert again["deterred"].known == again["deterred"].asked
    assert again["deterred"].statistics == run.claims[1].statistics


_WATCHED = """
import sys
import ppcheck
run = ppcheck.run(sys.argv[1], cache=sys.argv[2])
print(run.record.to_json())
sys.exit("torch" in sys.modules)
"""


@pytest.mark.parametrize(("bound", "verdict"), [("< -0.1", "holds"), ("> -0.1", "fails")])
def test_a_known_claim_and_one_with_another_bound_need_no_torch(
    run: ppcheck.Run, project: Path, cache: Path, tmp_path: Path, bound: str, verdict: str
) -> None:
    text = (project / "specs" / "a.pp.yaml").read_text(encoding="utf-8")
    assert '"< -0.1"' in text
    spec = tmp_path / "a.pp.yaml"
    spec.write_text(text.replace("< -0.1", bound), encoding="utf-8")
    command = [sys.executable, "-c", _WATCHED, str(spec), str(cache)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert [claim["verdict"] for claim in found["claims"]] == ["holds", verdict, "error"]
    assert found["model"] == run.record.model
    (claim,) = (claim for claim in found["claims"] if claim["id"] == "deterred")
    assert claim["known"] == claim["asked"] == run.claims[1].asked


def test_a_loaded_spec_is_run_and_counts_once_beside_its_file(project: Path, cache: Path) -> None:
    spec = ppcheck.load_spec(project / "specs" / "a.pp.yaml")
    assert [(e.id, e.error is None) for e in spec.entries] == [
        ("sure", True),
        ("deterred", True),
        ("misspelt", False),
    ]
    run = ppcheck.run([spec, str(spec.path)], cache=cache)
    assert [claim.id for claim in run] == ["sure", "deterred", "misspelt"]


def test_a_model_that_cannot_be_loaded_and_a_spec_that_cannot_be_read_are_records(
    tmp_path: Path, project: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    (broken / "model.safetensors").write_bytes(b"")
    unreadable = tmp_path / "bad.pp.yaml"
    unreadable.write_text("claims: [")
    run = ppcheck.run([project / "specs" / "a.pp.yaml", unreadable], broken)
    assert {claim.verdict for claim in run} == {Verdict.ERROR}
    assert [claim.id for claim in run] == ["spec", "sure", "deterred", "misspelt"]
    assert str(run["spec"].reason).startswith("not YAML")
    assert "broken" in str(run["sure"].reason)
    assert (run.passes, run.record.model, run.record.models) == (False, {}, {})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"specs": "none.pp.yaml"}, SpecError, "there is no such file or folder"),
        ({"specs": "empty"}, SpecError, "there is no spec"),
        ({"model": "demo@blunt"}, ModelError, "did you mean 'blunted'"),
        ({"model": "./none"}, ModelError, "none"),
        ({"model": []}, ValueError, "at least one model"),
        ({"seed": -1}, ValueError, "a whole number from 0 up"),
        ({"dtype": "float8"}, ValueError, "is not one of float32"),
        ({"memory": "lots"}, ValueError, "'lots' is not a size"),
    ],
)
def test_an_argument_that_is_not_valid_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Any, error: Any, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=message):
        ppcheck.run(**({"specs": ppcheck.shipped("demo")} | arguments))
