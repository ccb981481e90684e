"""pytest hooks: options, collection of `*.pp.yaml`, one item a claim, the table at the end."""

from __future__ import annotations

import argparse
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from ppcheck.audit.lifeline import hold
from ppcheck.plugin.arguments import HAS_SHORT, SHORT, check_root, spare_models
from ppcheck.plugin.gate import FileGate, gate_of
from ppcheck.plugin.hint import HAS_SPECS
from ppcheck.plugin.items import BrokenSpec, ClaimItem, LostClaim, SpecFile, SpecItem
from ppcheck.plugin.names import escaped
from ppcheck.plugin.options import OPTIONS, check_options, option
from ppcheck.plugin.results import Results
from ppcheck.plugin.state import state_of
from ppcheck.spec.files import SUFFIX


def pytest_addoption(parser: pytest.Parser) -> None:
    for each in OPTIONS.values():
        each.add(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """End with the audit, if there is one. The short `--model` comes last, so that a project which
    has its own keeps it.
    """
    hold()
    spare_models(early_config, args)
    yield
    with suppress(ValueError, argparse.ArgumentError):
        parser.getgroup("ppcheck").addoption(
            SHORT, dest="ppcheck_model", action="append", help=argparse.SUPPRESS
        )
        early_config.stash[HAS_SHORT] = True


def pytest_configure(config: pytest.Config) -> None:
    from ppcheck.measure.families import FAMILIES

    for marker, meaning in FAMILIES.items():
        config.addinivalue_line("markers", f"{marker}: {meaning}")
    with escaped():
        _check(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results(config), "ppcheck-results")


def _check(config: pytest.Config) -> None:
    """Raise UsageError for an invalid value, before anything is collected."""
    if not hasattr(config, "workerinput"):
        check_root(config)
    check_options(config)
    gate_of(config)
    if option(config, "model") or option(config, "revision"):
        state_of(config)
    _add_shipped(config)


def _add_shipped(config: pytest.Config) -> None:
    """Collect the shipped specs that are asked for, beside what the command line names.

    By now pytest's root and configuration are found: these paths play no part in that.
    """
    # A worker of xdist parses the command line a second time, and would have each path twice.
    paths = dict.fromkeys(map(str, option(config, "shipped") or ()))
    named = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    config.args = [*named, *paths] if paths else config.args


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SpecFile | None:
    if file_path.name.endswith(SUFFIX):
        parent.config.stash[HAS_SPECS] = True
        return SpecFile.found(file_path, parent)
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Keep a model's claims together, so that each model is loaded once.

    A spec that cannot be read stays, whatever is selected: what is asked for may stand in it. So
    do claims of a spec that should be here and is not, unless they are deselected.
    """
    items += _without_file(session, [item for item in items if isinstance(item, SpecItem)])
    unreadable = [item for item in items if isinstance(item, BrokenSpec)]
    _sort_by_model(config, items)  # before whoever drops what has run already, as --stepwise does
    yield
    items[:0] = [item for item in unreadable if item not in items]
    _sort_by_model(config, items)  # after whoever shuffles


def _sort_by_model(config: pytest.Config, items: list[pytest.Item]) -> None:
    if any(isinstance(item, ClaimItem) for item in items):
        order = [ref.label for ref in state_of(config).refs]
        items.sort(key=lambda i: order.index(i.ref.label) if isinstance(i, ClaimItem) else 0)


def _without_file(session: pytest.Session, items: Sequence[SpecItem]) -> Iterator[LostClaim]:
    """Claims of the baseline whose spec would have been collected, were it there."""
    gate = gate_of(session.config)
    if not isinstance(gate, FileGate):
        return
    found = {item.path: item.ids for item in items}
    given = [session.config.invocation_params.dir / each for each in session.config.args]
    for path, old in gate.without_file(found, [each for each in given if each.is_dir()]):
        name = os.path.relpath(path, session.config.rootpath)
        yield LostClaim.from_parent(
            session,
            name=old.id,
            nodeid=f"{name}::{old.id}",
            path=path,
            old=old,
            reason="its spec is no longer there",
        )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hang the claim's record on the report, which is what xdist carries to the controller.

    A claim that was skipped before it could be measured has a record, too.
    """
    report = yield
    if not isinstance(item, SpecItem):
        return report
    error = call.excinfo
    if isinstance(item, ClaimItem) and item.record is None and report.skipped and error is not None:
        error = item.left_out(f"skipped: {error.value}")
        report.outcome = "skipped" if error is None else "failed"
        report.user_properties = list(item.user_properties)
    if error is not None and report.failed:
        # pytest asks an item how its failure reads for the call alone, not for the setup.
        report.longrepr = item.repr_failure(error)
    if item.record is not None and call.when == "setup":
        state = state_of(item.config)
        report.ppcheck = {  # type: ignore[attr-defined]  # pytest keeps extra attributes
            "claim": item.record.model_dump(mode="json"),
            "path": str(item.path),
            "ids": item.ids,
            "model": state.models.get(item.record.model, {}),
            "cache": state.cache.trouble,
        }
    return report
