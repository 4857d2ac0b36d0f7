"""A real Chromium, headless. CI fails without one; elsewhere these tests are skipped, and say how to get it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

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


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages; at the end of the test none of them has complained or asked for anything from outside."""
    complaints: list[str] = []
    contexts = []

    def refuse(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open_page(path: Path, *, width: int = 1360, height: int = 900, script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=script, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", refuse)
        page.on("request", lambda request: _judge(request.url, path, complaints))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _judge(url: str, path: Path, complaints: list[str]) -> None:
    """A page may ask for what it holds and for files of its project, whose outputs it is in."""
    if not url.startswith(("data:", path.parents[2].as_uri())):
        complaints.append(f"asked for {url}")
