"""Whether what a manifest says makes sense: its schema first, then what a schema can't say. Pure.

A manifest comes from outside (git, a colleague, an editor), and what is taken from it is on record for ever. So it
is judged before anything of it is used. Members that the schema doesn't know, a newer program's, are kept unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from rivya_run.journal.attempt import TakeStatus
from rivya_run.journal.manifest_schema import NEEDED, manifest_schema
from rivya_run.journal.shape_tests import Nonsense, Test, shown, test_of_shape
from rivya_run.json_types import Json

LISTS = ("shots", "history")
"""The long lists of a manifest, which may be read one at a time."""

_NEVER_PAID = (TakeStatus.PLANNED, TakeStatus.FAILED)
_WITHOUT_TASK = frozenset({TakeStatus.PLANNED, TakeStatus.SENT})
_WITH_TASK = frozenset({TakeStatus.PENDING, TakeStatus.SUCCEEDED})


def judge_attempt(entry: Any, shot: Any) -> None:
    """One attempt at a shot by itself, as the journal keeps it (``taken_in``). Raises Nonsense."""
    _tests()["id"](shot)
    _tests()["earlier"](entry)
    judge_meaning(entry)


def judge_upload(upload: Any) -> None:
    """One upload by itself. Raises Nonsense."""
    _tests()["upload"](upload)


class Judge:
    """Goes through one manifest, and remembers what has to be told apart. Every method raises Nonsense.

    ``unknown`` holds the members that this program doesn't know, by what they are of: ``("",)``, ``("storyboard",)``,
    ``("shot", id)``, ``("attempt", key)`` or ``("upload", sha256, kind, model)``.
    """

    def __init__(self) -> None:
        self.unknown: dict[tuple[str, ...], dict[str, Json]] = {}
        self._owners: dict[str, dict[str, object]] = {"shot": {}, "key": {}, "task": {}, "file": {}}

    def head(self, document: Any) -> None:
        """All but the shots and the history, which may be read one at a time."""
        if not isinstance(document, dict) or "shots" not in document:
            raise Nonsense("'shots' is missing")
        _tests()["head"]({name: value for name, value in document.items() if name not in LISTS})
        self._keep(("",), "document", document)
        self._keep(("storyboard",), "storyboard", document.get("storyboard") or {})
        for upload in document.get("uploads") or ():
            name = ("upload", upload["sha256"], upload["kind"], upload["model"])
            self._keep(name, "upload", upload)

    def shot(self, place: int, shot: Any) -> None:
        """One of ``shots``."""
        try:
            _tests()["shot"](shot)
            self._once("shot", shot["id"].lower(), place, "id")
            self._keep(("shot", shot["id"]), "shot", shot)
            seen: set[int] = set()
            for number, take in enumerate(shot["takes"]):
                if take["take"] in seen:
                    raise Nonsense(f"there is a take {take['take']} already", "takes", number, "take")
                seen.add(take["take"])
                try:
                    self._take(take)
                except Nonsense as nonsense:
                    raise nonsense.under("takes", number) from None
        except Nonsense as nonsense:
            raise nonsense.under("shots", place) from None

    def past(self, place: int, entry: Any) -> None:
        """One of ``history``."""
        try:
            _tests()["past"](entry)
            self._take(entry)
        except Nonsense as nonsense:
            raise nonsense.under("history", place) from None

    def _take(self, take: Mapping[str, Any]) -> None:
        self._attempt(take)
        for number, earlier in enumerate(take.get("attempts") or ()):
            try:
                self._attempt(earlier)
            except Nonsense as nonsense:
                raise nonsense.under("attempts", number) from None

    def _attempt(self, entry: Mapping[str, Any]) -> None:
        judge_meaning(entry)
        key = entry.get("client_request_id")
        if key is None:
            return
        if entry["status"] in _NEVER_PAID and not entry.get("error"):
            raise Nonsense(f"a take that was sent, and is {entry['status']}, has one", "error")
        self._once("key", key, object(), "client_request_id")
        if entry.get("task_id") is not None:
            self._once("task", entry["task_id"], key, "task_id")
        files = _files(entry)
        if len({path.lower() for _, path in files}) < len(files):
            raise Nonsense("two files have the same name", "outputs")
        for place, path in files:
            # Two attempts at the same work may share a name; what lies there is then told by its content.
            self._once("file", path.lower(), entry["fingerprint"], *place)
        self._keep(("attempt", key), "past", entry)

    def _once(self, kind: str, name: str, owner: object, *place: str | int) -> None:
        if self._owners[kind].setdefault(name, owner) != owner:
            raise Nonsense(f"{shown(name)} stands for something else already", *place)

    def _keep(self, name: tuple[str, ...], definition: str, value: Mapping[str, Any]) -> None:
        known = _known_names(definition)
        if not value.keys() <= known:
            self.unknown[name] = {member: one for member, one in value.items() if member not in known}


def judge_meaning(entry: Mapping[str, Any]) -> None:
    """Whether an attempt, right by its schema, can have come to be. Raises Nonsense."""
    status, key, task = TakeStatus(entry["status"]), entry.get("client_request_id"), entry.get("task_id")
    outputs = entry.get("outputs") or ()
    if key is None and status is not TakeStatus.PLANNED:
        raise Nonsense(f"a take that is {status} has one", "client_request_id")
    if (key is None or status in _WITHOUT_TASK) and task is not None:
        raise Nonsense(f"a take that is {status} has none", "task_id")
    if status in _WITH_TASK and task is None:
        raise Nonsense(f"a take that is {status} has one", "task_id")
    if outputs and (task is None or status is TakeStatus.FAILED):
        raise Nonsense(f"a take that is {status} has none", "outputs")
    if status is TakeStatus.SUCCEEDED and not outputs:
        raise Nonsense("a take that succeeded has files", "outputs")
    if entry.get("given_up") and status is not TakeStatus.UNKNOWN:
        raise Nonsense(f"a take that is {status} was not given up", "given_up")
    if key is None and any(entry.get(name) for name in ("reserved_credits", "final_credits", "sent_at")):
        raise Nonsense("a take that cost something, or was sent, has one", "client_request_id")
    if key is not None:
        _judge_key(entry, key)


def _judge_key(entry: Mapping[str, Any], key: str) -> None:
    """The key is made of what is asked for, and the body that was sent repeats it."""
    fingerprint, number = entry.get("fingerprint"), entry.get("attempt") or 1
    if fingerprint is None:
        raise Nonsense("a take that was sent has one", "fingerprint")
    if not key.endswith(f".{fingerprint.removeprefix('sha256:')[:16]}.a{number}"):
        raise Nonsense(
            f"{shown(key)} is not of this fingerprint and of attempt {number}", "client_request_id"
        )
    request = entry.get("request")
    if request is None:
        if entry["status"] == TakeStatus.SENT:
            raise Nonsense("a create without an answer is sent again, so its body is needed", "request")
        return
    if not isinstance(request.get("params") or {}, dict):
        raise Nonsense("must be an object", "request", "params")
    if request.get("client_request_id", key) != key:
        raise Nonsense("isn't the client_request_id of its take", "request", "client_request_id")
    model = entry.get("model")
    if model is not None and request.get("model", model) != model:
        raise Nonsense("isn't the model of its take", "request", "model")


def salvaged(entry: Any, shot: Any) -> dict[str, Any] | None:
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
            judge_attempt(kept | more, shot)
        except Nonsense:
            continue
        return kept | more
    return None


def is_file_of_shot(path: object) -> bool:
    """Whether a path is ``<shot>/<file>``, as every file of a take is called."""
    try:
        _tests()["path"](path)
    except Nonsense:
        return False
    return True


def _files(entry: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """Where each file of an attempt stands, with its path."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    for number, output in enumerate(entry.get("outputs") or ()):
        found.append((("outputs", number, "path"), output["path"]))
        found += [
            (("outputs", number, "frames", still, "path"), frame["path"])
            for still, frame in enumerate(output.get("frames") or ())
        ]
    return found


@cache
def _schema() -> dict[str, Any]:
    return manifest_schema()


@cache
def _known_names(definition: str) -> frozenset[str]:
    if definition == "document":
        return frozenset(_schema()["properties"])
    if definition == "storyboard":
        return frozenset(_schema()["properties"]["storyboard"]["properties"])
    return frozenset(_schema()["definitions"][definition]["properties"])


@cache
def _tests() -> dict[str, Test]:
    """What each definition of the schema asks for, ``head`` (the document), ``path`` (a file) and ``id`` (a shot)."""
    definitions = _schema()["definitions"]
    made: dict[str, Test] = {}

    def test_of(name: str) -> Test:
        if name not in made:
            made[name] = test_of_shape(definitions[name], test_of, NEEDED[name])
        return made[name]

    for name in definitions:
        test_of(name)
    made["head"] = test_of_shape(_schema(), test_of)
    made["path"] = test_of_shape(definitions["output"]["properties"]["path"], test_of)
    made["id"] = test_of_shape(definitions["shot"]["properties"]["id"], test_of)
    return made
