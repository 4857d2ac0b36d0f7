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


NAMELESS = """() => [...document.querySelectorAll('button, input, select, textarea, video, audio')].filter(node =>
  !(node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.[0]?.textContent.trim()))
  .map(node => node.outerHTML.slice(0, 100))"""
"""The controls of a page that a screen reader has no name for."""

CONTRAST = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => { const f = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const ground = node => { for (; node; node = node.parentElement) {
    const c = parts(getComputedStyle(node).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  const poor = [];
  const texts = 'p, dt, dd, h1, h2, h3, span, small, a, li, code, label, summary, th, button';
  for (const node of document.querySelectorAll(texts)) {
    if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
    if (node.closest(':disabled') || !node.checkVisibility()) continue;
    const [a, b] = [light(parts(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push([node.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return poor;
}"""
"""Texts that stand out less than 4.5 to 1 from what is behind them."""

OVERLAPS = """() => {
  const found = [];
  for (const row of document.querySelectorAll('.actions, .deciding, .line')) {
    const boxes = [...row.children].map(node => [node, node.getBoundingClientRect()]);
    for (const [one, a] of boxes) for (const [other, b] of boxes) {
      if (one === other || !a.width) break;
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) {
        found.push([one.outerHTML.slice(0, 80), other.outerHTML.slice(0, 80)]);
      }
    }
  }
  return found;
}"""
"""Controls and marks of one row that lie over each other."""
