"""What a committed manifest may say although it can't be: one line each, put into a good one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from enum import Enum
from typing import Any

Path = tuple[str | int, ...]

TAKE: Path = ("shots", 0, "takes", 0)
OUTPUT: Path = (*TAKE, "outputs", 0)
UPLOAD: Path = ("uploads", 0)
PAST: Path = ("history", 0)


class Absent(Enum):
    """Stands for: the member isn't there."""

    GONE = "gone"


GONE = Absent.GONE

LONG = "x" * 5000

WRONG: list[tuple[Path, Any]] = [
    (("shots", 0, "file"), ""),
    (("shots", 0, "file"), 7),
    (("shots", 0, "file"), LONG),
    ((*OUTPUT, "path"), "../../x"),
    ((*OUTPUT, "path"), ""),
    ((*OUTPUT, "path"), "journal.jsonl"),
    ((*OUTPUT, "path"), "manifest.json"),
    ((*OUTPUT, "path"), ".lock"),
    ((*OUTPUT, "path"), "a/.lock"),
    ((*OUTPUT, "path"), ".arriving/x.part"),
    ((*OUTPUT, "path"), "/etc/passwd"),
    ((*OUTPUT, "path"), "a/b/c.mp4"),
    ((*OUTPUT, "path"), "a/../manifest.json"),
    ((*OUTPUT, "path"), "a\\x.mp4"),
    ((*OUTPUT, "path"), "C:/x.mp4"),
    ((*OUTPUT, "path"), "CON/x.mp4"),
    ((*OUTPUT, "path"), "a/nul.mp4"),
    ((*OUTPUT, "path"), "a/x.mp4."),
    ((*OUTPUT, "path"), "a/x.mp4 "),
    ((*OUTPUT, "path"), "a/x.mp4\n"),
    ((*OUTPUT, "path"), "a/x\0.mp4"),
    ((*OUTPUT, "path"), f"a/{LONG}.mp4"),
    ((*OUTPUT, "path"), 5),
    ((*OUTPUT, "path"), None),
    ((*OUTPUT, "sha256"), "A" * 64),
    ((*OUTPUT, "sha256"), "0" * 63),
    ((*OUTPUT, "bytes"), -1),
    ((*OUTPUT, "bytes"), 1.5),
    ((*OUTPUT, "bytes"), "many"),
    ((*OUTPUT, "url"), "file:///etc/passwd"),
    ((*OUTPUT, "duration"), "long"),
    ((*OUTPUT, "width"), [1280]),
    ((*OUTPUT, "frames"), [{"path": "../x.png", "sha256": "0" * 64, "bytes": 1}]),
    ((*OUTPUT, "frames"), 7),
    ((*TAKE, "outputs"), {}),
    ((*TAKE, "outputs"), ["a/x.mp4"]),
    ((*TAKE, "reserved_credits"), -5),
    ((*TAKE, "final_credits"), -0.5),
    ((*TAKE, "final_credits"), "ten"),
    ((*TAKE, "final_credits"), True),
    ((*TAKE, "final_credits"), 1e300),
    ((*TAKE, "estimated_credits"), -1),
    ((*TAKE, "task_id"), ["task_1"]),
    ((*TAKE, "task_id"), ""),
    ((*TAKE, "task_id"), ".."),
    ((*TAKE, "task_id"), "task\n1"),
    ((*TAKE, "task_id"), LONG),
    ((*TAKE, "client_request_id"), ""),
    ((*TAKE, "client_request_id"), LONG),
    ((*TAKE, "client_request_id"), "a b"),
    ((*TAKE, "client_request_id"), {"a": 1}),
    ((*TAKE, "fingerprint"), "sha256:0"),
    ((*TAKE, "take"), 0),
    ((*TAKE, "take"), 1_000_000_000),
    ((*TAKE, "take"), "1"),
    ((*TAKE, "take"), True),
    ((*TAKE, "attempt"), -1),
    ((*TAKE, "attempt"), "first"),
    ((*TAKE, "status"), "done"),
    ((*TAKE, "status"), ["succeeded"]),
    ((*TAKE, "status"), GONE),
    ((*TAKE, "sent_at"), 1_778_457_600),
    ((*TAKE, "sent_at"), "yesterday"),
    ((*TAKE, "sent_at"), "2026-13-45T99:00:00Z"),
    ((*TAKE, "created_at"), 5),
    ((*TAKE, "updated_at"), {}),
    ((*TAKE, "model"), LONG),
    ((*TAKE, "parents"), [["a", 1, "0" * 64]]),
    ((*TAKE, "parents"), [{"shot": "../a", "take": 1, "sha256": "0" * 64}]),
    ((*TAKE, "timeline"), [{"status": 5, "at": "x"}]),
    ((*TAKE, "error"), "it failed"),
    ((*TAKE, "error"), {"code": 5, "message": "x", "request_id": None}),
    ((*TAKE, "attempts"), [5]),
    ((*TAKE, "request"), "{}"),
    (("shots", 0, "id"), "../a"),
    (("shots", 0, "id"), "con"),
    (("shots", 0, "id"), LONG),
    (("shots", 0, "takes"), 5),
    (("shots", 0, "pick"), "first"),
    (("shots", 0), []),
    (("shots",), {}),
    (("shots",), GONE),
    (("history",), 5),
    (("version",), "1"),
    (("version",), 0),
    (("version",), True),
    (("storyboard", "path"), ["x"]),
    (("storyboard", "path"), "x\0.yaml"),
    (("totals", "spent_credits"), -1),
    (("totals",), 5),
    (("base_url",), ["https://rivya.ai"]),
]
"""Where, and what stands there: wrong by itself, whatever else the manifest says."""

WRONG_UPLOADS: list[tuple[Path, Any]] = [
    ((*UPLOAD, "url"), "http://example.com/x.png"),
    ((*UPLOAD, "url"), "nonsense"),
    ((*UPLOAD, "bytes"), "nonsense"),
    ((*UPLOAD, "bytes"), -1),
    ((*UPLOAD, "sha256"), "x"),
    ((*UPLOAD, "kind"), "sculpture"),
    ((*UPLOAD, "file_id"), ["f"]),
    ((*UPLOAD, "uploaded_at"), 5),
    ((*UPLOAD, "model"), None),
    (UPLOAD, "refs/pack.png"),
]

WRONG_PAST: list[tuple[Path, Any]] = [
    ((*PAST, "shot"), "../x"),
    ((*PAST, "shot"), GONE),
    ((*PAST, "outputs", 0, "path"), "a/aux"),
    ((*PAST, "final_credits"), -100),
    (PAST, None),
]


def changed(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy that says something else in one place. Raises KeyError or IndexError where there is no such place."""
    found = copy.deepcopy(document)
    at: Any = found
    for step in path[:-1]:
        at = at[step]
    if value is GONE:
        del at[path[-1]]
    else:
        _ = at[path[-1]] if isinstance(path[-1], int) else None
        at[path[-1]] = value
    return found


def place_of(path: Path) -> str:
    """``shots[0].takes[0].status``, as a message names it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def text(document: dict[str, Any]) -> bytes:
    """As a run lays it out."""
    return json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass") + b"\n"


def _first(take: dict[str, Any]) -> dict[str, Any]:
    return dict(take["shots"][0]["takes"][0])


def _swap(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The second shot's first take says what the first shot's says."""
    path: Path = ("shots", 1, "takes", 0)
    return changed(document, (*path, name), _first(document)[name])


TOGETHER: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "a key of two takes": ("shots[1].takes[0]", lambda good: _swap(good, "client_request_id")),
    "a task of two takes": ("shots[1].takes[0].task_id", lambda good: _swap(good, "task_id")),
    "a file of two takes": ("shots[1].takes[0].outputs[0].path", lambda good: _swap(good, "outputs")),
    "a file of two takes, in capitals": (
        "shots[1].takes[0].outputs[0].path",
        lambda good: changed(
            good,
            ("shots", 1, "takes", 0, "outputs", 0, "path"),
            good["shots"][0]["takes"][0]["outputs"][0]["path"].upper().replace(".MP4", ".mp4"),
        ),
    ),
    "the same fingerprint for another key": ("shots[1].takes[0]", lambda good: _swap(good, "fingerprint")),
    "takes beside a file of one's own": (
        "shots[0].file",
        lambda good: changed(good, ("shots", 0, "file"), "art/logo.png"),
    ),
    "two shots of one name": ("shots[1].id", lambda good: changed(good, ("shots", 1, "id"), "A")),
    "a take twice": (
        "shots[1].takes[1].take",
        lambda good: changed(good, ("shots", 1, "takes", 1, "take"), 1),
    ),
    "files of a failed take": (
        "shots[0].takes[0].outputs",
        lambda good: changed(good, (*TAKE, "status"), "failed"),
    ),
    "a task of a take that was never sent": (
        "shots[0].takes[0].task_id",
        lambda good: changed(good, (*TAKE, "status"), "planned"),
    ),
    "a task of a take without an answer": (
        "shots[0].takes[0].task_id",
        lambda good: changed(good, (*TAKE, "status"), "sent"),
    ),
    "success without files": (
        "shots[0].takes[0].outputs",
        lambda good: changed(good, (*TAKE, "outputs"), []),
    ),
    "success without a task": (
        "shots[0].takes[0].task_id",
        lambda good: changed(good, (*TAKE, "task_id"), None),
    ),
    "success without a key": (
        "shots[0].takes[0].client_request_id",
        lambda good: changed(good, (*TAKE, "client_request_id"), None),
    ),
    "success that was given up": (
        "shots[0].takes[0].given_up",
        lambda good: changed(good, (*TAKE, "given_up"), True),
    ),
    "the body of another key": (
        "shots[0].takes[0].request.client_request_id",
        lambda good: changed(good, (*TAKE, "request", "client_request_id"), "other"),
    ),
    "the body of another model": (
        "shots[0].takes[0].request.model",
        lambda good: changed(good, (*TAKE, "request", "model"), "other"),
    ),
    "the attempt of another key": (
        "shots[0].takes[0].client_request_id",
        lambda good: changed(good, (*TAKE, "attempt"), 7),
    ),
}
"""What only makes no sense beside the rest: its place, and how it is put in."""


def _replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return change


TEXTS: dict[str, Callable[[bytes], bytes]] = {
    "NaN": _replaced(b'"final_credits": 10', b'"final_credits": NaN'),
    "Infinity": _replaced(b'"final_credits": 10', b'"final_credits": -Infinity'),
    "a number that is too large": _replaced(b'"final_credits": 10', b'"final_credits": 1e999'),
    "ten thousand digits": _replaced(b'"final_credits": 10', b'"final_credits": ' + b"9" * 10_000),
    "a name twice": _replaced(b'"take": 1,', b'"take": 1, "take": 1,'),
    "the shots twice": _replaced(b' "uploads": [', b' "shots": [],\n "uploads": ['),
    "a merge conflict": _replaced(b' "uploads": [', b'<<<<<<< HEAD\n "uploads": ['),
    "half of it": lambda content: content[: len(content) // 2],
    "nothing": lambda content: b"",
    "a list": lambda content: b"[" + content + b"]",
    "something behind it": lambda content: content + b"{}",
    "no text": lambda content: content.replace(b'"status"', b'"\xff\xfe"', 1),
    "too many brackets": lambda content: b"[" * 100_000,
    "deep down": _replaced(b'"attempts": []', b'"attempts": [], "later": ' + b"[" * 90 + b"]" * 90),
    "a pointer of Git LFS": lambda content: (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    ),
}
"""What is no manifest as a text."""
