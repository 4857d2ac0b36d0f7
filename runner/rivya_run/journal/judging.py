"""Whether what a manifest says makes sense: by its form first, then by what a form can't say. Pure.

A manifest comes from outside (git, a colleague, an editor), and what is taken from it is on record for ever. So it
is judged before anything of it is used. Members that the form doesn't know, a newer program's, are kept unread.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from itertools import chain
from typing import Any, TypeVar

import msgspec

from rivya_run.journal.attempt import TakeStatus
from rivya_run.journal.manifest_form import (
    Document,
    Earlier,
    Past,
    ShotForm,
    StoryboardForm,
    Take,
    Upload,
)
from rivya_run.journal.manifest_values import TITLES, FileName, Id
from rivya_run.json_types import Json

LISTS = ("shots", "history")
"""The long lists of a manifest, which may be read one at a time."""

DEEPEST = 80
"""Levels of lists and objects in a shot: far more than a request has, and few enough to write again."""

_SHOWN = 60
_NEVER_PAID = (TakeStatus.PLANNED, TakeStatus.FAILED)
_WITHOUT_TASK = frozenset({TakeStatus.PLANNED, TakeStatus.SENT})
_WITH_TASK = frozenset({TakeStatus.PENDING, TakeStatus.SUCCEEDED})
_T = TypeVar("_T")


class Nonsense(ValueError):
    """What a manifest says can't be: ``path`` leads there from the top, ``reason`` is for a person."""

    def __init__(self, reason: str, *path: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = list(path)

    def under(self, *path: str | int) -> Nonsense:
        """The same, seen from further up."""
        self.path[:0] = path
        return self

    @property
    def place(self) -> str:
        """``shots[0].takes[1].task_id``; empty for the whole document."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.path else self.reason


def formed(value: Any, form: type[_T]) -> _T:
    """A value as one of the manifest's forms. Raises Nonsense."""
    _check_depth(value)
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        path = [name or int(number) for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", where)]
        found = value
        for step in path:
            found = found[step]
        raise Nonsense(_in_words(reason, found, path[-1:]), *path) from None
    except UnicodeEncodeError:
        raise Nonsense("half a character stands where only certain words can") from None


_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}


_CHOICES: dict[str | int, tuple[Any, ...]] = {
    "status": tuple(TakeStatus),
    "kind": ("image", "video", "audio"),
    "version": (1,),
}


def _in_words(reason: str, found: Any, member: list[str | int]) -> str:
    """The library's reason as the other messages of this program are worded; ``member`` names what it is about."""
    if reason.startswith("Invalid enum value"):
        choices = ", ".join(str(one) for name in member for one in _CHOICES[name])
        return f"must be one of {choices}, not {shown(found)}"
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", reason):
        return f"{missing[1]!r} is missing"
    if types := re.fullmatch(r"Expected `([^`]*)`, got .*", reason):
        return f"must be {' or '.join(_TYPES.get(one, one) for one in types[1].split(' | '))}, not {shown(found)}"
    if length := re.fullmatch(r"Expected .* of length [<>]= (\d+)", reason):
        return f"is {len(found)} characters long, at most {length[1]} are possible" if found else "is empty"
    if bound := re.fullmatch(r"Expected .* ([<>])= (.*)", reason):
        return (
            f"must be at {'least' if bound[1] == '>' else 'most'} {float(bound[2]):.16g}, not {shown(found)}"
        )
    for pattern, title in TITLES.items():
        if reason.endswith(repr(pattern)):
            return f"must be {title}, not {shown(found)}"
    return f"can't be {shown(found)}"


def _check_depth(value: Any) -> None:
    """What isn't read may be written again: any JSON, not too deep."""
    level = [value]
    for _ in range(DEEPEST):
        if any(type(one) is float and not math.isfinite(one) for one in level):
            raise Nonsense("holds a number that JSON doesn't have")
        inner = (
            one.values() if type(one) is dict else one for one in level if type(one) in (dict, list, tuple)
        )
        level = list(chain.from_iterable(inner))
        if not level:
            return
    raise Nonsense(f"is nested deeper than {DEEPEST}")


def shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    text = repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def judge_attempt(entry: Any, shot: Any) -> Earlier:
    """One attempt at a shot by itself, as the journal keeps it (``taken_in``). Raises Nonsense."""
    formed(shot, Id)
    found = formed(entry, Earlier)
    judge_meaning(found)
    return found


def _check_own_file(path: str, shot: ShotForm) -> None:
    """A shot that is a file of people's own: nothing was made for it. Raises Nonsense."""
    if not path.isprintable():
        raise Nonsense("that names no file", "file")
    if shot.takes:
        raise Nonsense("a shot that is a file of one's own has no takes", "file")


class Judge:
    """Goes through one manifest, and remembers what has to be told apart. Every method raises Nonsense.

    ``unknown`` holds the members that this program doesn't know, by what they are of: ``("",)``, ``("storyboard",)``,
    ``("shot", id)``, ``("attempt", key)`` or ``("upload", sha256, kind, model)``. ``shown`` are the keys of what
    stands for the takes of shots.
    """

    def __init__(self) -> None:
        self.unknown: dict[tuple[str, ...], dict[str, Json]] = {}
        self.shown: set[str] = set()
        self._owners: dict[str, dict[str, object]] = {"shot": {}, "key": {}, "task": {}, "file": {}}

    def head(self, document: Any) -> Document:
        """All but the shots and the history, which may be read one at a time."""
        if not isinstance(document, dict) or "shots" not in document:
            raise Nonsense("'shots' is missing")
        found = formed(document | dict.fromkeys(LISTS, ()), Document)
        self._keep(("",), Document, document)
        self._keep(("storyboard",), StoryboardForm, document.get("storyboard") or {})
        for raw, upload in zip(document.get("uploads") or (), found.uploads, strict=True):
            self._keep(("upload", upload.sha256, upload.kind, upload.model), Upload, raw)
        return found

    def shot(self, place: int, raw: Any) -> ShotForm:
        """One of ``shots``."""
        try:
            shot = formed(raw, ShotForm)
            self._once("shot", shot.id.lower(), place, "id")
            self._keep(("shot", shot.id), ShotForm, raw)
            if shot.file is not msgspec.UNSET:
                _check_own_file(shot.file, shot)
            seen: set[int] = set()
            for number, take in enumerate(shot.takes):
                if take.take in seen:
                    raise Nonsense(f"there is a take {take.take} already", "takes", number, "take")
                seen.add(take.take)
                if take.client_request_id is not None and take.wanted is not False:
                    self.shown.add(take.client_request_id)
                try:
                    self._take(raw["takes"][number], take)
                except Nonsense as nonsense:
                    raise nonsense.under("takes", number) from None
        except Nonsense as nonsense:
            raise nonsense.under("shots", place) from None
        return shot

    def past(self, place: int, raw: Any) -> Past:
        """One of ``history``."""
        try:
            entry = formed(raw, Past)
            self._take(raw, entry)
        except Nonsense as nonsense:
            raise nonsense.under("history", place) from None
        return entry

    def call(self, key: str, name: str) -> None:
        """What was found under a key is on record under another one."""
        if ("attempt", key) in self.unknown:
            self.unknown["attempt", name] = self.unknown.pop(("attempt", key))
        if key in self.shown:
            self.shown.remove(key)
            self.shown.add(name)

    def _take(self, raw: Mapping[str, Any], take: Take) -> None:
        self._attempt(raw, take)
        for number, earlier in enumerate(take.attempts):
            try:
                self._attempt(raw["attempts"][number], earlier)
            except Nonsense as nonsense:
                raise nonsense.under("attempts", number) from None

    def _attempt(self, raw: Mapping[str, Any], entry: Earlier) -> None:
        if isinstance(entry, Take) and entry.same_as is not msgspec.UNSET:
            if entry.client_request_id is not None or entry.task_id is not None:
                raise Nonsense("the files of another take have their task there", "same_as")
            return
        judge_meaning(entry)
        key = entry.client_request_id
        if key is None:
            return
        if entry.status in _NEVER_PAID and not entry.error:
            raise Nonsense(f"a take that was sent, and is {entry.status}, has one", "error")
        self._once("key", key, object(), "client_request_id")
        if entry.task_id is not None:
            self._once("task", entry.task_id, key, "task_id")
        files = _files(entry)
        if len({path.lower() for _, path in files}) < len(files):
            raise Nonsense("two files have the same name", "outputs")
        for place, path in files:
            # Two attempts at the same work may share a name; what lies there is then told by its content.
            self._once("file", path.lower(), entry.fingerprint, *place)
        self._keep(("attempt", key), Past, raw)

    def _once(self, kind: str, name: str, owner: object, *place: str | int) -> None:
        if self._owners[kind].setdefault(name, owner) != owner:
            raise Nonsense(f"{shown(name)} already stands for something else", *place)

    def _keep(self, name: tuple[str, ...], form: type[msgspec.Struct], value: Mapping[str, Any]) -> None:
        known = _known_names(form)
        if not value.keys() <= known:
            self.unknown[name] = {member: one for member, one in value.items() if member not in known}


def judge_meaning(entry: Earlier) -> None:
    """Whether an attempt, right by its form, can have come to be. Raises Nonsense."""
    status, key, task = entry.status, entry.client_request_id, entry.task_id
    if key is None and status is not TakeStatus.PLANNED:
        raise Nonsense(f"a take that is {status} has one", "client_request_id")
    if (key is None or status in _WITHOUT_TASK) and task is not None:
        raise Nonsense(f"a take that is {status} has none", "task_id")
    if status in _WITH_TASK and task is None:
        raise Nonsense(f"a take that is {status} has one", "task_id")
    if entry.outputs and (task is None or status is TakeStatus.FAILED):
        raise Nonsense(f"a take that is {status} has none", "outputs")
    if status is TakeStatus.SUCCEEDED and not entry.outputs:
        raise Nonsense("a take that succeeded has files", "outputs")
    if entry.given_up and status is not TakeStatus.UNKNOWN:
        raise Nonsense(f"a take that is {status} was not given up", "given_up")
    if key is None and (entry.reserved_credits or entry.final_credits or entry.sent_at):
        raise Nonsense("a take that cost something, or was sent, has one", "client_request_id")
    if key is not None:
        _judge_key(entry, key)


def _judge_key(entry: Earlier, key: str) -> None:
    """The key is made of what is asked for, and the body that was sent repeats it."""
    number = entry.attempt or 1
    if entry.fingerprint is None:
        raise Nonsense("a take that was sent has one", "fingerprint")
    if not key.endswith(f".{entry.fingerprint.removeprefix('sha256:')[:16]}.a{number}"):
        raise Nonsense(
            f"{shown(key)} is not of this fingerprint and of attempt {number}", "client_request_id"
        )
    request = entry.request
    if request is None:
        if entry.status is TakeStatus.SENT:
            raise Nonsense("a create without an answer is sent again, so its body is needed", "request")
        return
    if not isinstance(request.get("params") or {}, dict):
        raise Nonsense("must be an object", "request", "params")
    if request.get("client_request_id", key) != key:
        raise Nonsense("isn't the client_request_id of its take", "request", "client_request_id")
    if entry.model and request.get("model", entry.model) != entry.model:
        raise Nonsense("isn't the model of its take", "request", "model")


def salvaged(entry: Any, shot: Any) -> Earlier | None:
    """What can be used of an attempt that makes no sense, but that an earlier version put on record: whose it is.

    Its task is asked for again, since only the API can tell what became of it; without one, it may have been paid for
    and awaits a decision. None where not even its key is one, or where nothing was sent as far as it says.
    """
    if not isinstance(entry, dict) or entry.get("status") in _NEVER_PAID:
        return None
    whose = ("take", "fingerprint", "client_request_id", "attempt", "model")
    kept = {name: entry[name] for name in whose if name in entry}
    for more in ({"status": "pending", "task_id": entry.get("task_id")}, {"status": "unknown"}):
        try:
            return judge_attempt(kept | more, shot)
        except Nonsense:
            continue
    return None


def is_file_of_shot(path: object) -> bool:
    """Whether a path is ``<shot>/<file>``, as every file of a take is called."""
    try:
        formed(path, FileName)
    except Nonsense:
        return False
    return True


def _files(entry: Earlier) -> list[tuple[tuple[str | int, ...], str]]:
    """Where each file of an attempt stands, with its path."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    for number, output in enumerate(entry.outputs):
        found.append((("outputs", number, "path"), output.path))
        found += [
            (("outputs", number, "frames", still, "path"), frame.path)
            for still, frame in enumerate(output.frames or ())
        ]
    return found


@cache
def _known_names(form: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(form.__struct_encode_fields__)
