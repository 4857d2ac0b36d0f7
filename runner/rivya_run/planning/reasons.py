"""Why a take will be made, in words of the person who changed the storyboard."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rivya_run.journal.attempt import Attempt, AttemptState, Output
from rivya_run.journal.manifest_form import Upload
from rivya_run.journal.take_entry import REFERENCES
from rivya_run.json_types import Json
from rivya_run.media.checks import faults_in_words
from rivya_run.planning.plan import BoardTake, Parent
from rivya_run.storyboard.model import Checks, FileFacts, FileReference, Reference, Shot, UrlReference

LONGEST_CHANGE = 60
"""Characters of changed words shown of each side of a prompt."""


def why_new(
    shot: Shot,
    take: int,
    parents: Sequence[Parent],
    attempts: Sequence[Attempt],
    uploads: Iterable[Upload],
    facts: Mapping[str, FileFacts],
    now: Mapping[str, str] = MappingProxyType({}),
    boards: Sequence[BoardTake] = (),
) -> str:
    """What differs from what this take was last made from; without such a thing, that it is new.

    ``attempts`` are those that were made for the shot. ``parents`` are what it is to be made from: one with its
    content for each reference to a shot, in order; so are ``boards`` for those to other storyboards. ``now`` says of
    parameters that follow a sound why they are so.
    """
    arrived = _arrived(attempts)
    before = made_before(take, attempts)
    if before is None:
        return "new take" if arrived else "new shot"
    request: dict[str, Any] = json.loads(before.body) if before.body else {}
    changes = [
        *model_change(before.model, shot.model),
        *prompt_change(request.get("prompt"), shot.prompt),
        *param_changes(dict(request.get("params") or {}), shot.params, now),
        *_reference_changes(request, before, shot.references, uploads, facts),
        *_parent_changes(before, parents),
        *_board_changes(before, boards),
    ]
    if not changes and before.take != take:
        return "new take"
    return "; ".join(changes) or (
        "a reference is used in another way" if shot.references else "the model's defaults changed"
    )


def made_before(take: int, attempts: Sequence[Attempt]) -> Attempt | None:
    """What a take was last made from, of the attempts for its shot; of a new first take, what the shot was."""
    arrived = _arrived(attempts)
    mine = [one for one in arrived if one.take == take]
    if not mine and take == 1:
        mine = [*arrived]
    return mine[-1] if mine else None


def _arrived(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Without the intents that never reached the API: nothing was made from them."""
    return [attempt for attempt in attempts if attempt.state is not AttemptState.WITHDRAWN]


def model_change(before: str, now: str) -> list[str]:
    return [f"model {before} -> {now}"] if before != now else []


def prompt_change(before: str | None, now: str | None) -> list[str]:
    if before == now:
        return []
    old, new = changed_words(before or "", now or "")
    if not old or not new:
        return [f"prompt changed: {new!r} added" if new else f"prompt changed: {old!r} removed"]
    return [f"prompt changed: {old!r} -> {new!r}"]


def changed_words(before: str, now: str) -> tuple[str, str]:
    """The stretch of words that differs, of each side, cut to ``LONGEST_CHANGE`` characters."""
    old, new = before.split(), now.split()
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    changed = [block for block in blocks if block[0] != "equal"]
    if not changed:
        return "spaces", "spaces"
    first, last = changed[0], changed[-1]
    return _cut(" ".join(old[first[1] : last[2]])), _cut(" ".join(new[first[3] : last[4]]))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CHANGE else text[: LONGEST_CHANGE - 1] + "…"


def param_changes(before: dict[str, Json], now: Mapping[str, Json], why: Mapping[str, str]) -> list[str]:
    before.pop(REFERENCES, None)
    keys = [*now, *(key for key in before if key not in now)]
    changes = [
        why.get(key) or f"{key} {shown(before.get(key))} -> {shown(now.get(key))}"
        for key in keys
        if before.get(key) != now.get(key)
    ]
    return list(dict.fromkeys(changes))


def shown(value: Json) -> str:
    if value is None:
        return "(none)"
    return _cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _reference_changes(
    request: Mapping[str, Any],
    before: Attempt,
    references: Sequence[Reference],
    uploads: Iterable[Upload],
    facts: Mapping[str, FileFacts],
) -> list[str]:
    items: list[dict[str, Any]] = list((request.get("params") or {}).get(REFERENCES) or [])
    by_url = {upload.url: upload for upload in uploads}
    if len(items) != len(references):
        return [f"references {len(items)} -> {len(references)}"]
    changes = []
    for item, reference in zip(items, references, strict=True):
        change = _reference_change(by_url.get(item.get("url", "")), item, reference, facts)
        if change:
            changes.append(change)
    return changes


def _reference_change(
    upload: Upload | None,
    item: Mapping[str, Any],
    reference: Reference,
    facts: Mapping[str, FileFacts],
) -> str | None:
    if isinstance(reference, FileReference):
        now = facts.get(reference.path)
        if upload is None or now is None or upload.sha256 == now.sha256 or reference.frame is not None:
            return None
        if upload.path == reference.path or upload.path.endswith("/" + reference.path.lstrip("./")):
            return f"reference {reference.path} has new content"
        return f"reference {upload.path} -> {reference.path}"
    if isinstance(reference, UrlReference):
        return None if reference.id or item.get("url") == reference.url else f"reference -> {reference.url}"
    return None


def _parent_changes(before: Attempt, parents: Sequence[Parent]) -> list[str]:
    if len(before.parents) != len(parents):
        return [f"made from {', '.join(parent.label for parent in parents)}"] if parents else []
    return [
        f"parent {parent.shot} changed" if shot == parent.shot else f"parent {shot} -> {parent.shot}"
        for (shot, _, sha256), parent in zip(before.parents, parents, strict=True)
        if sha256 != parent.sha256
    ]


def _board_changes(before: Attempt, boards: Sequence[BoardTake]) -> list[str]:
    if len(before.from_storyboards) != len(boards):
        return [f"made from {', '.join(one.label for one in boards)}"] if boards else []
    return [
        f"{one.storyboard} has another {one.shot}" if shot == one.shot else f"{shot} -> {one.label}"
        for (_, shot, _, sha256), one in zip(before.from_storyboards, boards, strict=True)
        if sha256 != one.sha256
    ]


def changed_since(
    attempt: Attempt,
    shot: Shot,
    parents: Sequence[Parent],
    boards: Sequence[BoardTake],
    uploads: Iterable[Upload],
    facts: Mapping[str, FileFacts],
) -> list[str]:
    """The keys of a shot that say something else now than what an attempt was made from, like ``params.duration``."""
    if not attempt.body:
        return []
    request: dict[str, Any] = json.loads(attempt.body)
    sent = {key: value for key, value in (request.get("params") or {}).items() if key != REFERENCES}
    found = ["model"] if attempt.model != shot.model else []
    found += ["prompt"] if request.get("prompt") != shot.prompt else []
    keys = dict.fromkeys([*shot.params, *sent])
    found += [f"params.{key}" for key in keys if sent.get(key) != shot.params.get(key)]
    changed = [
        *_reference_changes(request, attempt, shot.references, uploads, facts),
        *(_parent_changes(attempt, parents) if parents else ()),
        *(_board_changes(attempt, boards) if boards else ()),
    ]
    return [*found, "references"] if changed else found


def take_warnings(outputs: Iterable[Output], params: Mapping[str, Json], checks: Checks) -> list[str]:
    """What is odd about the files of a take, in words; ``params`` are what was asked for, ``checks`` the shot's."""
    measured = [output.media for output in outputs if output.media]
    return [
        words for media in measured for words in faults_in_words(media, params, checks.stop, checks.quiet)
    ]
