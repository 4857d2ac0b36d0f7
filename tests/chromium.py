"""The Chromium that is installed, headless, for the tests and the benchmark of the report."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = (
    "no Chromium is installed, so the review page is untested: apt-get install -y chromium "
    "(or brew install --cask chromium), then run this again; .ci/run installs it by itself"
)


def installed() -> str | None:
    """The path of the program."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def launched(playwright: Playwright, program: str) -> Browser:
    """A browser with a profile of its own."""
    return playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS)
