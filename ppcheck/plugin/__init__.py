"""pytest hooks: options, collection of `*.pp.yaml`, one item a claim, the table at the end."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from ppcheck.plugin.gate import gate_of
from ppcheck.plugin.items import SUFFIX, BrokenSpec, ClaimItem, SpecFile
from ppcheck.plugin.options import OPTIONS, option, settings_of
from ppcheck.plugin.results import Results
from ppcheck.plugin.state import state_of


def pytest_addoption(parser: pytest.Parser) -> None:
    for each in OPTIONS.values():
        each.add(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, None, None]:
    """Add the short `--model` last, so that a project which has its own keeps it."""
    yield
    with suppress(ValueError, argparse.ArgumentError):
        parser.getgroup("ppcheck").addoption(
            "--model", dest="ppcheck_model", action="append", help=argparse.SUPPRESS
        )


def pytest_configure(config: pytest.Config) -> None:
    from ppcheck.measure.families import FAMILIES

    for marker, meaning in FAMILIES.items():
        config.addinivalue_line("markers", f"{marker}: {meaning}")
    settings_of(config)  # what cannot be meant is said at once
    option(config, "report")
    option(config, "history")
    gate_of(config)
    if option(config, "model"):
        state_of(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results(config), "ppcheck-results")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SpecFile | None:
    if file_path.name.endswith(SUFFIX):
        file: SpecFile = SpecFile.from_parent(parent, path=file_path)
        return file
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Keep a model's claims together, so that each model is loaded once.

    A spec that cannot be read stays, whatever is selected: what is asked for may stand in it.
    """
    unreadable = [item for item in items if isinstance(item, BrokenSpec)]
    yield
    items[:0] = [item for item in unreadable if item not in items]
    if any(isinstance(item, ClaimItem) for item in items):
        order = [ref.label for ref in state_of(config).refs]
        items.sort(key=lambda i: order.index(i.ref.label) if isinstance(i, ClaimItem) else 0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hang the claim's record on the report, which is what xdist carries to the controller."""
    report = yield
    if isinstance(item, ClaimItem | BrokenSpec) and call.excinfo is not None and report.failed:
        # pytest asks an item how its failure reads for the call alone, not for the setup.
        report.longrepr = item.repr_failure(call.excinfo)
    if (
        isinstance(item, ClaimItem | BrokenSpec)
        and item.record is not None
        and call.when == "setup"
    ):
        loaded = state_of(item.config).held.get(item.record.model)
        report.ppcheck = {  # type: ignore[attr-defined]  # pytest keeps extra attributes
            "claim": item.record.model_dump(mode="json"),
            "model": {} if loaded is None else asdict(loaded.info),
        }
    return report
