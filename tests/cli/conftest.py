"""Runs inside a test need what those of the plugin's tests need."""

from __future__ import annotations

from tests.plugin.conftest import _imported

__all__ = ["_imported"]
