"""Makes the pictures of docs/ with the program itself: a simulated run, its report, its contact sheet, its cut.

    python docs/make_pictures.py

Needs the dev extra and a Chromium.
"""

from __future__ import annotations

import contextlib
import fcntl
import html
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from itertools import groupby
from pathlib import Path

import av
import numpy as np
import pyte
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
COLOURS = {
    "black": "#1f2328",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#56d4dd",
}
"""Of a dark terminal; those of 256 come as they are."""

WORTH_SEEING = (" downloading", " running", " waiting", " left", " reserved")
"""What a picture of a run in its middle shows."""

TERMINAL = """<!doctype html><style>
body { margin: 0; padding: 18px 22px; width: max-content; background: #16181b; color: #dfe2e6;
  font: 14px/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
pre { margin: 0; } b { color: #8eaeff; font-weight: 400; }</style><pre>%s</pre>"""


def program(*words: str) -> str:
    """What a command says, on both of its outputs; a failure ends the script."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RIVYA_")}
    done = subprocess.run(
        [sys.executable, "-m", "rivya_run", *words],
        cwd=ROOT,
        env=environment | {"COLUMNS": "110"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"rivya-run {' '.join(words)} failed:\n{done.stdout}")
    return done.stdout


def keep(picture: Path, name: str, width: int) -> None:
    """Into docs/pictures, no wider than needed, in few colours: pictures live in git."""
    with Image.open(picture) as image:
        small = image.convert("RGB")
    small.thumbnail((width, 4000), Image.Resampling.LANCZOS)
    few = small.quantize(256, kmeans=2, dither=Image.Dither.NONE)
    few.save(PICTURES / name, optimize=True)


def opened(browser: Browser, page: Path, width: int, height: int, scheme: str = "light") -> Page:
    """A page of the report, its players at rest."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore
    shown = context.new_page()
    shown.goto(page.as_uri())
    shown.wait_for_timeout(1500)
    return shown


def pictures_of_report(browser: Browser, page: Path, work: Path) -> None:
    """The film, the board and a comparison on a desktop, the sums in the dark, the film on a phone."""
    desktop = opened(browser, page, 1280, 900)
    desktop.screenshot(path=work / "report.png")
    keep(work / "report.png", "report.png", 1280)
    desktop.evaluate("document.querySelector('.tools').scrollIntoView()")
    desktop.wait_for_timeout(300)
    desktop.screenshot(path=work / "board.png")
    keep(work / "board.png", "board.png", 1000)
    desktop.locator(".side").first.click()
    desktop.locator("#play-all").click()
    desktop.wait_for_timeout(1200)
    desktop.locator("#play-all").click()
    desktop.locator("#compare").screenshot(path=work / "compare.png")
    keep(work / "compare.png", "compare.png", 1000)
    dark = opened(browser, page, 1280, 700, "dark")
    dark.locator("#timeline").scroll_into_view_if_needed()
    dark.evaluate("document.querySelector('#timeline').scrollIntoView()")
    dark.wait_for_timeout(300)
    dark.screenshot(path=work / "dark.png")
    keep(work / "dark.png", "timeline-and-spend.png", 1000)
    phone = opened(browser, page, 390, 844)
    phone.locator(".film-play").click()
    phone.wait_for_timeout(2500)
    phone.locator(".film-play").click()
    phone.evaluate("document.querySelector('#film').scrollIntoView()")
    phone.wait_for_timeout(300)
    phone.screenshot(path=work / "phone.png")
    keep(work / "phone.png", "report-phone.png", 390)


def picture_of_terminal(browser: Browser, words: str, said: str, name: str, work: Path) -> None:
    """A command and what it said, which is HTML."""
    page = browser.new_page(device_scale_factor=1)
    text = f"<b>$ {html.escape(words)}</b>\n{said.rstrip()}"
    page.set_content(TERMINAL % text)
    page.locator("body").screenshot(path=work / name)
    keep(work / name, name, 1100)


def live(*words: str) -> str:
    """A command on a terminal of 96 by 22 in the middle of its run, as HTML with colours."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 22, 96, 0, 0))
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("RIVYA_", "NO_COLOR"))
    }
    screen = pyte.Screen(96, 22)
    stream, most, best = pyte.ByteStream(screen), (0, 0), ""
    with subprocess.Popen(
        [sys.executable, "-m", "rivya_run", *words],
        cwd=ROOT,
        env=environment | {"TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        with contextlib.suppress(OSError):  # Linux ends a terminal with EIO
            while block := os.read(mine, 65536):
                stream.feed(block)
                shown = " ".join(screen.display)
                done = shown.partition("/")[0]
                told = sum(word in shown for word in WORTH_SEEING)
                if done.isdigit() and int(done) > 0 and (told, int(done)) >= most:
                    most, best = (told, int(done)), as_html(screen)
        os.close(mine)
    if running.returncode or not best:
        sys.exit(f"rivya-run {' '.join(words)} failed:\n" + "\n".join(screen.display))
    return best


def as_html(screen: pyte.Screen) -> str:
    """What stands on a terminal, letters of one colour together."""
    lines = []
    for row in range(screen.lines):
        cells = [screen.buffer[row][column] for column in range(screen.columns)]
        spans = groupby(cells, lambda cell: (COLOURS.get(cell.fg, cell.fg), cell.bold))
        said = [(look, "".join(cell.data for cell in some)) for look, some in spans]
        lines.append("".join(f'<i style="{_style(*look)}">{html.escape(text)}</i>' for look, text in said))
    return re.sub(r"(\s|<i[^>]*>\s*</i>)+$", "", "\n".join(lines))


def _style(colour: str, bold: bool) -> str:
    named = f"color: {colour if colour.startswith('#') else '#' + colour};" if colour != "default" else ""
    return f"font-style: normal; {named}{'font-weight: 600;' if bold else ''}"


def picture_of_film(cut: Path, work: Path) -> None:
    """A cut at a glance: frames at equal distances, and below them how loud it is from begin to end."""
    columns, width, height, gap, sound = 5, 264, 148, 4, 72
    strip = Image.new("RGB", (columns * (width + gap) - gap, height + gap + sound), "#16181b")
    with av.open(str(cut)) as container:
        shown = [frame.to_image() for frame in container.decode(video=0)]
        container.seek(0)
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    for column in range(columns):
        frame = shown[(2 * column + 1) * len(shown) // (2 * columns)]
        strip.paste(frame.resize((width, height)), (column * (width + gap), 0))
    draw, middle = ImageDraw.Draw(strip), height + gap + sound // 2
    for x, part in enumerate(np.array_split(heard, strip.width)):
        loud = int(np.abs(part).max() * sound / 2)
        draw.line([(x, middle - loud), (x, middle + loud)], fill="#8eaeff")
    strip.save(work / "film.png")
    keep(work / "film.png", "film.png", strip.width)


def main() -> None:
    """Run, report, export, and take the pictures."""
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        sys.exit("no Chromium is installed: apt-get install -y chromium")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        work = Path(folder)
        place = ("--simulate", "--outputs", str(work))
        teaser, city = "specs/espresso-teaser.yaml", "specs/city-symphony.yaml"
        progress = program("run", teaser, *place, "--progress", "plain").replace(str(work), "outputs")
        page = Path(program("report", teaser, *place).strip().splitlines()[-1])
        picture_of_film(Path(program("export", teaser, *place).strip().splitlines()[-1]), work)
        moving = live("run", city, *place, "--concurrency", "6")
        sheet = program("export", city, *place, "--format", "contact-sheet").strip().splitlines()
        keep(Path(next(line for line in sheet if line.endswith(".png"))), "contact-sheet.png", 1000)
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        pictures_of_report(browser, page, work)
        said = html.escape(progress)
        picture_of_terminal(browser, f"rivya-run {teaser} --simulate", said, "progress.png", work)
        picture_of_terminal(browser, f"rivya-run {city} --simulate", moving, "live.png", work)
        browser.close()


if __name__ == "__main__":
    main()
