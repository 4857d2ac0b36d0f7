"""How quickly the page of a thousand takes opens, beside a page of as many bare players in the same browser."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

import boards
import chromium
from bench.figures import DidNotWork, Figure
from rivya_run.views.page import write_report

TAKES = 1000
TURNS = 3


def figures(folder: Path) -> Iterator[Figure]:
    """Loading and layout, in turn with the bare page. The bound is one: takes off the screen are laid out late."""
    program = chromium.installed()
    if program is None:
        raise DidNotWork(chromium.MISSING)
    ours = write_report(boards.large_board(folder, TAKES), folder)
    bare = folder / "bare.html"
    players = (f'<video controls preload=none src="sh{number:04}.mp4"></video>' for number in range(TAKES))
    bare.write_text(f"<!doctype html><title>bare</title>{''.join(players)}", "utf-8")
    with sync_playwright() as playwright:
        browser = chromium.launched(playwright, program)
        pairs = [(_opening(browser, ours), _opening(browser, bare)) for _ in range(TURNS + 1)][1:]
        browser.close()
    mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / two for one, two in pairs)
    note = f"{mine * 1000:.0f} ms / {other * 1000:.0f} ms"
    yield Figure(f"report of {TAKES:,} takes opened / {TAKES:,} bare players", ratio, 1, note=note)


def _opening(browser: Browser, page: Path) -> float:
    """Seconds until a page is loaded and laid out."""
    context = browser.new_context(viewport={"width": 1360, "height": 900}, offline=True)
    opened = context.new_page()
    begun = time.perf_counter()
    opened.goto(page.as_uri())
    opened.evaluate("document.body.offsetHeight")
    took = time.perf_counter() - begun
    context.close()
    return took
