"""What held before and is no longer measured does not pass, whatever took it away."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcheck.demo import weights_path
from tests.plugin.conftest import SPEC, write_spec
from tests.plugin.gate.baselines import FEW, GATE, IN_BOTH, KEYS, claims


@pytest.mark.trust
def test_a_claim_that_held_and_is_gone_from_its_spec_fails_until_that_is_blessed(
    pytester: pytest.Pytester, blessed: Path
) -> None:
    path = write_spec(pytester, SPEC.replace("id: deterred", "id: put-off"))
    result = pytester.runpytest_inprocess(path, *GATE)
    result.assert_outcomes(passed=3, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "⊘ no longer measured: Pain makes B rarer.",
            "*then*holds in good.json",
            "*now*its spec no longer has it",
            "-  deterred *its spec no longer has it*⊘ no longer measured",
            "2 of 5 claims do not pass: 1 is no longer measured, 1 does not hold",
            "5 claims: 3 hold, 1 fails, 1 not applicable (1 failed, 3 passed, 1 error)",
        ]
    )
    result = pytester.runpytest_inprocess(path, *GATE, "--ppcheck-bless")
    result.assert_outcomes(passed=3, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["blessed: *; taken out, since no longer measured: *::deterred; *"])
    assert claims(blessed) == sorted([KEYS[0], *KEYS[2:], "game.pp.yaml::put-off"])


def test_a_claim_that_did_not_hold_may_be_gone_from_its_spec(
    pytester: pytest.Pytester, blessed: Path
) -> None:
    assert blessed.exists()
    path = write_spec(pytester, SPEC.replace("id: attracted", "id: drawn"))
    result = pytester.runpytest_inprocess(path, *GATE, "-k", "sure or attracted")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["against good.json: 1 unchanged, 1 gone"])


@pytest.mark.slow
@pytest.mark.trust
def test_what_is_lost_is_told_once_under_xdist(pytester: pytest.Pytester, project: Path) -> None:
    (project / "specs" / "b.pp.yaml").unlink()
    path = project / "specs" / "a.pp.yaml"
    path.write_text(SPEC.replace("id: sure", "id: safe"), encoding="utf-8")
    options = (*GATE, "-k", "sure or safe or deterred", "-n", "2")
    result = pytester.runpytest_subprocess("specs", *options)
    result.assert_outcomes(passed=2, errors=3)
    result.stdout.fnmatch_lines(["5 claims: 2 hold, 3 not applicable (2 passed, 3 error)"])
    pytester.runpytest_subprocess("specs", *options, "--ppcheck-bless")
    assert claims(project / "good.json") == [IN_BOTH[0], "specs/a.pp.yaml::safe"]


@pytest.mark.trust
def test_a_spec_file_that_is_gone_is_no_longer_measured_where_it_was_looked_for(
    pytester: pytest.Pytester, project: Path
) -> None:
    (project / "specs" / "b.pp.yaml").unlink()
    result = pytester.runpytest_inprocess("specs/a.pp.yaml", *GATE, "-k", "sure")
    result.assert_outcomes(passed=1)
    result = pytester.runpytest_inprocess("specs", *GATE, "-k", "sure")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["specs/b.pp.yaml *", "-  sure  its spec is no longer there *"])
    pytester.runpytest_inprocess("specs", *GATE, *FEW, "--ppcheck-bless")
    assert claims(project / "good.json") == IN_BOTH[:2]


@pytest.mark.trust
@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace("title:", "models: [gpt2]\ntitle:"), "*spec is about gpt2*"),
        (lambda text: text.replace("claims:", "claims: ["), "*its spec can no longer be read*"),
        (lambda text: text.replace("metric: p(b)", "metric: p(nobody)"), "*'nobody' is no choice*"),
    ],
)
def test_a_spec_that_was_edited_so_that_nothing_is_measured_fails(
    pytester: pytest.Pytester, blessed: Path, edit: Callable[[str], str], said: str
) -> None:
    before = blessed.read_bytes()
    path = write_spec(pytester, edit(SPEC))
    result = pytester.runpytest_inprocess(path, *GATE, "-k", "deterred")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([said, "[-!]  deterred *⊘ no longer measured"])
    result.stdout.fnmatch_lines(["against good.json: 1 no longer measured"])
    pytester.runpytest_inprocess(path, *GATE, "-k", "deterred", "--ppcheck-bless")
    assert blessed.read_bytes() == before  # nothing was measured that could be blessed


@pytest.mark.trust
def test_a_model_that_lost_its_tokenizer_does_not_pass(
    pytester: pytest.Pytester, spec: Path, blessed: Path
) -> None:
    assert blessed.exists()
    candidate = pytester.path / "candidate"
    shutil.copytree(weights_path(None), candidate)
    for file in candidate.glob("tokenizer*"):
        file.unlink()
    result = pytester.runpytest_inprocess(spec, *GATE, "-k", "sure", f"--model={candidate}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["The one claim is no longer measured"])
    against = "--ppcheck-against=demo"
    result = pytester.runpytest_inprocess(spec, against, "-k", "sure", f"--model={candidate}")
    result.assert_outcomes(errors=1)


@pytest.mark.trust
@pytest.mark.parametrize("marker", ["skip(reason='later')", "xfail(run=False)"])
def test_a_claim_that_a_conftest_skips_is_no_longer_measured(
    pytester: pytest.Pytester, spec: Path, blessed: Path, marker: str
) -> None:
    assert blessed.exists()
    pytester.makeconftest(
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        f"    for item in items: item.add_marker(pytest.mark.{marker})\n"
    )
    result = pytester.runpytest_inprocess(spec, *GATE, "-k", "sure")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*skipped: *⊘ no longer measured"])
