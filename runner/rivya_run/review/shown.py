"""The page as its files are now; while the storyboard can't be read, as it was before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from rivya_run.errors import RivyaError, Severity, StoryboardError
from rivya_run.film.edit import edited
from rivya_run.film.from_storyboard import script_now
from rivya_run.project import decisions
from rivya_run.project.files import OwnFiles
from rivya_run.project.lock import exporting
from rivya_run.project.open import made_of
from rivya_run.project.places import JOURNAL, MANIFEST, project_root
from rivya_run.project.plan import RunOptions, open_sources, planned
from rivya_run.project.results import Present, present, present_of
from rivya_run.review.files import ServedFiles
from rivya_run.storyboard.model import Storyboard
from rivya_run.storyboard.problems import as_text
from rivya_run.text import visible
from rivya_run.views.page import render
from rivya_run.views.page.cards import Page
from rivya_run.views.page.decided import Decisions
from rivya_run.views.page.files import own_files, pictured
from rivya_run.views.page.model import page

Decision = Literal["pick", "approve", "unapprove"]

_PAUSE: Final = (
    0.5  # seconds from one page to the next at least: a run writes its journal many times a second
)
_SHARE: Final = 1  # times as long as the last page took: making a large one is no more than half of the time
_Stamp = dict[Path, tuple[int, int] | None]


class ShownPage:
    """The page of one storyboard. ``problem`` says why it isn't newer. Threads may use it at once.

    ``revision`` is another number for each page that differs from the one before.
    """

    def __init__(
        self, storyboard: Path, options: RunOptions, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``options`` say where the results are; ``clock`` counts seconds."""
        self.html = b""
        self.revision = 0
        self.problem: str | None = None
        self._path = storyboard
        self._options = options
        self._clock = clock
        self._own = OwnFiles(storyboard.parent, project_root(storyboard), options.allow_outside)
        self._lock = threading.Lock()
        self._content: Page | None = None
        self._board: Storyboard | None = None
        self._files: ServedFiles | None = None
        self._seen: _Stamp = {}
        self._earliest = 0.0

    def begin(self) -> None:
        """Make the first page: where the storyboard has problems that of the last run, if there was one.

        Raises RivyaError where there is nothing to show.
        """
        self._look()
        if self._content is None:
            where = {"simulate": self._options.simulate, "allow_outside": self._options.allow_outside}
            found = present(self._path, self._options.outputs, **where)
            found.fetch()
            self._make(found)

    def look(self) -> None:
        """Make the page anew if a file that it is made of has changed; not while that is done, nor too often."""
        if self._clock() >= self._earliest and self._lock.acquire(blocking=False):
            try:
                if self._stamp(self._seen) != self._seen:
                    self._look()
            finally:
                self._lock.release()

    def file(self, name: str) -> Path | None:
        """A file that the page names, by the name in its address."""
        return self._files.served(name) if self._files is not None else None

    def decide(self, what: Decision, shot: str, digits: str) -> str:
        """Write a decision on the take of a shot whose first file has these digits, which the person saw.

        What is taken back is named by the digits that are written.

        Returns what was written. Raises RivyaError where that can't be done.
        """
        with self._lock:
            try:
                if what == "pick":
                    return decisions.pick(self._path, shot, digits, self._options).message
                if what == "approve":
                    return decisions.approve(self._path, shot, digits, self._options).message
                self._look()
                self._still_approved(shot, digits)
                return decisions.unapprove(self._path, shot, self._options).message
            finally:
                self._look()

    def _still_approved(self, shot: str, digits: str) -> None:
        found = self._board.shot(shot) if self._board is not None else None
        if found is not None and found.approved is not None and found.approved.digits != digits:
            raise decisions.NotWritten(f"{shot}: another take is approved by now, {found.approved}")

    def _look(self) -> None:
        began = self._clock()
        try:
            self._seen = self._stamp(self._all_files())
            self._make(self._now())
            self.problem = None
        except RivyaError as error:
            if self._content is None and not isinstance(error, StoryboardError):
                raise
            self.problem = in_words(error)
        finally:
            ended = self._clock()
            self._earliest = ended + max(_PAUSE, _SHARE * (ended - began))

    def _now(self) -> Present:
        # References may lie anywhere, since nothing is sent; own files are another matter.
        options = replace(self._options, allow_outside=True)
        with planned(open_sources([self._path], options), options) as [prepared]:
            found = replace(present_of(prepared), own=self._own)
            found.fetch()
            return found

    def _make(self, found: Present) -> None:
        source = found.source
        versions = source.storyboard.films if source is not None else (None,)
        scripts = {version: script_now(found, version).script for version in versions}
        films = {version: edited(script) for version, script in scripts.items()}
        paths = pictured(found.manifest, scripts.values(), found.folder)
        files = ServedFiles(found.folder, found.own, scripts.values(), takes=len(paths))
        with exporting(found.folder):
            files.prepare(paths)
        content = page(found.manifest, files, films, own_files(scripts.values()), Decisions(found))
        self._files, self._board = files, source.storyboard if source is not None else None
        if content != self._content:
            html = "".join(render(content, self.revision + 1)).encode("utf-8", "replace")
            self.html, self.revision, self._content = html, self.revision + 1, content
        records = (found.folder / MANIFEST, found.folder / JOURNAL)
        # What wasn't known before may have changed since it was read: that looks like a change next time.
        self._seen = {**dict.fromkeys((*files.all(), *records)), **self._seen}

    def _all_files(self) -> _Stamp:
        """All that the page was made of before, and what the storyboard names now."""
        found = dict(self._seen)
        found |= dict.fromkeys(made_of(self._path))
        return found

    def _stamp(self, files: _Stamp) -> _Stamp:
        return {path: _mark(path) for path in files}


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def in_words(error: RivyaError) -> str:
    """An error for the page: its problems with their places, else what to do."""
    if isinstance(error, StoryboardError) and error.problems:
        worst = [one for one in error.problems if one.severity is Severity.ERROR]
        return visible(as_text(worst or error.problems), keep="\n").rstrip()
    lines = [error.message, *([error.hint] if error.hint else [])]
    return visible("\n".join(lines), keep="\n")
