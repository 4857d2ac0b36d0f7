"""A second task of one key: two people created the same take, each from an account or a day of their own. Both were
paid for, and both are kept: one under its key, the other under a second one. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace

from rivya_run.journal.attempt import Attempt, moved, owned_paths
from rivya_run.journal.fingerprint import KEY_LIMIT, compact, shortened

_KEY = "client_request_id"


def second_key(key: str, task_id: str) -> str:
    """What a task is on record under whose key is another task's here. All who hear of the two call it the same."""
    head, *end = key.rsplit(".", 2)
    tail = ".".join([hashlib.sha256(task_id.encode()).hexdigest()[:8], *end])
    second = f"{head}.{tail}"
    return second if len(second) <= KEY_LIMIT else f"{shortened(head)}.{tail}"


def same_create(one: str, other: str, task_id: str) -> bool:
    """Whether a task that is on record under these two keys came of one create."""
    return one == other or second_key(one, task_id) == other or second_key(other, task_id) == one


def with_key(attempt: Attempt, key: str, taken: Collection[str] = ()) -> Attempt:
    """The same under another key on record, its files under names that aren't ``taken`` (in small letters).

    What it was sent with isn't its key any more, so its body is kept without. It has a task: it is never sent again.
    """
    if key == attempt.client_request_id and not taken:
        return attempt
    body = attempt.body
    if key != attempt.client_request_id and body:
        body = compact({name: value for name, value in json.loads(body).items() if name != _KEY})
    paths: dict[str, str] = {}
    for path in owned_paths(attempt):
        paths[path] = _free_name(path, taken, {one.lower() for one in paths.values()})
    outputs = tuple(moved(output, paths) for output in attempt.outputs)
    return replace(attempt, client_request_id=key, body=body, outputs=outputs)


def _free_name(path: str, *taken: Collection[str]) -> str:
    """The path, or the next one after it that is in none of these (in small letters)."""
    stem, dot, suffix = path.rpartition(".")
    number, name = 1, path
    while any(name.lower() in names for names in taken):
        number += 1
        name = f"{stem}_{number}{dot}{suffix}"
    return name
