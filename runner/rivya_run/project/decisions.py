"""Decisions of people, written into the storyboard: a take is picked, approved, or no longer approved.

The storyboard file is locked meanwhile, never the output folder: all of this works while a run goes on, which keeps
what it planned. What can't be written safely, would change nothing or would be a problem leaves the file as it is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rivya_run.durable import drop_leftovers, replacing, sync_file
from rivya_run.errors import OutputFolderError, RivyaError, Severity, UsageError
from rivya_run.json_types import Json
from rivya_run.project.lock import storyboard_locked
from rivya_run.project.open import Opened, open_storyboard, read_file
from rivya_run.project.other_storyboards import Places
from rivya_run.project.plan import RunOptions, planned, source_of
from rivya_run.project.take_names import RecordedTakes, number_or_digits
from rivya_run.storyboard.splice import KeyValue, Spliced, Unwritable, shown, spliced, value_at
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened, visible

_MINUTE: Final = 60.0  # seconds: no writer needs as long, so that what lies there is a killed one's


class NotWritten(RivyaError):
    """A decision couldn't be written; the file is as it was. ``hint`` may say what to write by hand."""


@dataclass(frozen=True, slots=True)
class WrittenDecision:
    """A decision that stands in the storyboard now.

    ``value`` is what ``key`` says of this shot, None where it was taken out; ``line`` is where the key stands, or
    stood. ``message`` says it in one line, ``text`` is what stands there.
    """

    path: Path
    shot: str
    key: str
    value: int | str | None
    line: int
    message: str
    text: str = ""


def pick(
    path: Path, shot: str, take: int | str, options: RunOptions | None = None, *, write: bool = True
) -> WrittenDecision:
    """Write that a take stands for a shot: by its number, or by digits of a take that its manifest shows. Without
    ``write`` only say what would be written, and where.

    Raises NotWritten, NoSuchTake, UsageError (there is no such shot), StoryboardError (it has problems as it is).
    """
    with _writing(path, shot, options) as file:
        named = number_or_digits(take)
        if file.shot.approved is not None:
            file.opened.needed()
            raise NotWritten(
                f"{shot} is approved ({file.shot.approved}), which counts before any pick: nothing would change",
                hint="approve another take, or unapprove it first",
            )
        if isinstance(named, str):
            with file.records() as records:
                named = records.present(shot, named).number
        return file.write("pick", named, write=write)


def approve(
    path: Path,
    shot: str,
    take: int | str | None = None,
    options: RunOptions | None = None,
    *,
    write: bool = True,
) -> WrittenDecision:
    """Write that a take is settled: by its number, by digits of whatever was made here, or the one chosen now.
    Without ``write`` only say what would be written, and where.

    Raises what ``pick`` does.
    """
    with _writing(path, shot, options) as file:
        if file.options.simulate:
            raise NotWritten(
                f"a simulated take of {shot} can't be approved: simulated runs set approvals aside, and paid ones "
                "don't know the file",
                hint="approve a take of a real run; a simulated one can be picked",
            )
        named = number_or_digits(take) if take is not None else None
        if named is None and file.shot.approved is not None:
            named = file.shot.approved.digits
        with file.records() as records:
            if named is None:
                found = records.chosen(shot)
            elif isinstance(named, int):
                found = records.numbered(shot, named)
            else:
                found = records.with_digits(shot, named)
        return file.write("approved", str(found), write=write)


def unapprove(path: Path, shot: str, options: RunOptions | None = None) -> WrittenDecision:
    """Take out what is approved of a shot. Raises what ``pick`` does."""
    with _writing(path, shot, options) as file:
        return file.write("approved", None)


@contextmanager
def _writing(path: Path, shot: str, options: RunOptions | None) -> Iterator[_Deciding]:
    """A storyboard that nobody else decides on meanwhile."""
    read_file(path)  # where there is none, this says so
    with storyboard_locked(path.resolve()):
        yield _Deciding(path, shot, options or RunOptions())


class _Deciding:
    """A storyboard file as it was read, with the shot that is decided on."""

    def __init__(self, path: Path, shot: str, options: RunOptions) -> None:
        self.path = path
        self.options = options
        self.content = read_file(path)
        self.opened = self._opened(self.content)
        draft = self.opened.draft
        shots = draft.shots if draft is not None else ()
        found = next((one for one in shots if one.id == shot), None)
        if found is None:
            made = [one.id for one in shots if one.family == shot]
            if made:
                raise UsageError(f"'{shot}' becomes several shots; name one of {', '.join(made)}")
            self.opened.needed()
            near = did_you_mean(shot, [one.id for one in shots])
            raise UsageError(f"there is no shot '{shortened(shot)}'{near}")
        self.shot = found
        self.place = (found.line, found.column)
        self.others = [one.id for one in shots if (one.line, one.column) == self.place and one is not found]

    def _opened(self, content: bytes) -> Opened:
        return open_storyboard(self.path, allow_outside=self.options.allow_outside, content=content)

    @contextmanager
    def records(self) -> Iterator[RecordedTakes]:
        """The takes on record, by the storyboard as it is; without ``approved``, if that is at fault."""
        opened = self.opened
        if opened.storyboard is None:
            without = spliced(self.content, self.place, "approved", None)
            opened = self._opened(without.content) if isinstance(without, Spliced) else opened
            if opened.storyboard is None:
                self.opened.needed()
        places = Places(self.options.outputs, self.options.simulate, self.options.allow_outside)
        with planned([source_of(self.path, opened, self.options, places)], self.options) as [prepared]:
            yield RecordedTakes(prepared)

    def write(self, key: str, value: int | str | None, *, write: bool = True) -> WrittenDecision:
        """Set what a key says of the shot, and leave what it says of others that are made of the same lines."""
        before = value_at(self.content, self.place, key)
        now = _said_of(before, self.shot.id, key)
        # One file can't be what is approved of several shots.
        at_fault = key == "approved" and bool(self.others) and isinstance(before, str)
        if _is_so(now, value) and (value is None or not at_fault):
            is_so = f"{key} is {value} already" if value is not None else "it is not approved"
            raise NotWritten(f"{self.shot.id}: {is_so}; nothing would change")
        whole = self._whole(key, before, value)
        found = spliced(self.content, self.place, key, whole)
        if isinstance(found, Unwritable):
            raise NotWritten(
                f"{self._named()}: {found.reason}; nothing was written", hint=self._by_hand(key, whole)
            )
        self._check(found.content, key)
        if write:
            self._replace(found.content, key, whole)
        was = f" (was {now})" if now is not None and value is not None else ""
        said = f"{key}: {value}{was}" if value is not None else f"no longer {key} (was {now})"
        message = f"{visible(str(self.path))}:{found.line}: {self.shot.id}: {said}"
        text = f"{key}: {shown(whole)}" if whole is not None else ""
        return WrittenDecision(self.path, self.shot.id, key, value, found.line, message, text)

    def _whole(self, key: str, before: Json, value: int | str | None) -> KeyValue | None:
        """The value of the key with that of this shot in it."""
        name = self.shot.id
        if isinstance(before, Mapping):
            rest = {one: said for one, said in before.items() if one != name and isinstance(said, int | str)}
            return {**rest, name: value} if value is not None else rest or None
        if value is None or not self.others:
            return value
        if key == "pick" and isinstance(before, int):
            return {name: value, "*": before}
        return {name: value}

    def _check(self, content: bytes, key: str) -> None:
        """The storyboard as it would be has no problem."""
        problems = [one for one in self._opened(content).problems if one.severity is Severity.ERROR]
        known = {(one.where, one.code, one.message) for one in self.opened.problems}
        new = [one for one in problems if (one.where, one.code, one.message) not in known]
        if problems and not new:
            self.opened.needed()
        if problems:
            first = new[0]
            said = visible(f"{first.where}: {first.message}" if first.where else first.message)
            raise NotWritten(
                f"{self._named()}: with this '{key}' the storyboard would have a problem: {said}"
            )

    def _replace(self, content: bytes, key: str, whole: KeyValue | None) -> None:
        """Put the new text where the old one is, through links, with its mode; unless it changed meanwhile."""

        def refused(reason: str) -> NotWritten:
            message = f"{visible(str(self.path))}: {reason}; nothing was written"
            return NotWritten(message, hint=self._by_hand(key, whole))

        file = self.path.resolve()
        try:
            there = file.stat()
            if there.st_nlink > 1:
                raise refused("the file has a second name (a hard link), which would be left behind")
            if not there.st_mode & 0o222 or not os.access(file, os.W_OK):
                raise refused("the file is write-protected")
            drop_leftovers(file, unchanged=_MINUTE)
            with replacing(file) as temporary:
                temporary.write_bytes(content)
                sync_file(temporary)  # so that nothing slow comes after the last look
                with suppress(OSError, AttributeError):
                    os.chown(temporary, there.st_uid, there.st_gid)
                shutil.copymode(file, temporary)
                if read_file(file) != self.content:
                    raise refused("the file was changed meanwhile")
        except OutputFolderError as error:
            raise refused(visible(error.message)) from None
        except OSError as error:
            raise refused(error.strerror or str(error)) from None

    def _by_hand(self, key: str, whole: KeyValue | None) -> str:
        if whole is None:
            return f"take it out by hand: '{key}' of {self.shot.where}"
        return f"write it by hand, in {self.shot.where}: {key}: {shown(whole)}"

    def _named(self) -> str:
        return f"{visible(str(self.path))}: {self.shot.id}"


def _said_of(value: Json, shot: str, key: str) -> Json:
    """What the value of a key says of one shot."""
    if isinstance(value, Mapping):
        return value.get(shot, value.get("*") if key == "pick" else None)
    return value


def _is_so(now: Json, value: int | str | None) -> bool:
    """Whether a key says that already; an approval may have more digits, and capital ones."""
    if isinstance(now, str) and isinstance(value, str):
        return now.lower().startswith(value)
    return now == value
