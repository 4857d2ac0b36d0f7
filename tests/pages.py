"""The Markdown pages of the repository, taken apart for the tests that keep them true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_NO_SLUG = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: ``info`` is what stands behind the backticks, ``line`` that of its first line of text."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def name(self) -> str:
        """How a test is called that is about it."""
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield Block(page, text.count("\n", 0, match.start("text")) + 1, match["info"].strip(), match["text"])


def all_blocks() -> list[Block]:
    """The fenced blocks of every page."""
    return [block for page in PAGES for block in blocks(page)]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def codes(page: Path) -> list[str]:
    """What stands between single backticks."""
    return _CODE.findall(prose(page))


def links(page: Path) -> list[str]:
    """Where links and pictures lead."""
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    return {_NO_SLUG.sub("", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose(page))}


def command_lines(text: str) -> Iterator[str]:
    """The command lines of a shell block: comments gone, continued lines joined, a ``cd x && y`` taken apart."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.sub(r"(^|\s)#.*", "", line).split("&&"):
            if part.strip():
                yield part.strip()
