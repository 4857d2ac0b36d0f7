"""A real Chromium, headless. CI fails without one; elsewhere these tests are skipped, and say how to get it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The installed Chromium, with a profile of its own."""
    found = chromium.installed()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(chromium.MISSING)
        pytest.skip(chromium.MISSING)
    with sync_playwright() as playwright:
        opened = chromium.launched(playwright, found)
        yield opened
        opened.close()


@pytest.fixture
def shots_folder(tmp_path: Path) -> Path:
    """Where a board's files go."""
    return tmp_path / "outputs" / "board"
