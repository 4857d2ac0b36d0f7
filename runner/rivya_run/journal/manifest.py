"""The manifest: derived from storyboard, plan and history, for people, git, reports and editors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple, TypeAlias

from msgspec import UNSET, UnsetType

from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt, AttemptState, TakeStatus
from rivya_run.journal.fold import History
from rivya_run.journal.judging import LISTS, Judge, Nonsense
from rivya_run.journal.manifest_form import Earlier, Input, SameAs, StoryboardForm, Take, Totals
from rivya_run.journal.take_entry import (
    attempt_of_entry,
    entry_of_attempt,
    entry_of_earlier,
    stopped_by,
    take_status,
    whole,
    written,
)
from rivya_run.json_types import Json
from rivya_run.storyboard.model import MAX_TAKES, Checks, Shot, Storyboard

VERSION = 1
Unknown: TypeAlias = Mapping[tuple[str, ...], dict[str, Json]]
_NOTHING: Unknown = {}
_NO_INPUTS: Mapping[str, str] = {}


class Books(NamedTuple):
    """Where a journal is: ``where`` is "file", or "postgres:" and the database's id; ``commits`` so far, there."""

    where: str
    commits: int = 0


FILE_BOOKS = Books("file")
MARGIN = {
    AttemptState.WITHDRAWN: 0,
    AttemptState.REFUSED: 1,
    AttemptState.SENT: 1,
    AttemptState.UNKNOWN: 2,
    AttemptState.TASK_MISSING: 2,
    AttemptState.GIVEN_UP: 3,
    AttemptState.RUNNING: 4,
}
"""How much each state says of an attempt: a task that was paid for goes beyond a refusal or a decision."""
_ENDED = 5


def manifest(
    storyboard: Storyboard,
    relative_path: str,
    serving: Mapping[tuple[str, int], str],
    history: History,
    *,
    base_url: str,
    updated_at: str,
    books: Books = FILE_BOOKS,
    unknown: Unknown = _NOTHING,
    inputs: Mapping[str, str] = _NO_INPUTS,
) -> dict[str, Json]:
    """The whole document. ``serving`` maps (shot, take) to the key of the attempt that it shows."""
    members = manifest_members(
        storyboard,
        relative_path,
        serving,
        history,
        base_url=base_url,
        updated_at=updated_at,
        books=books,
        unknown=unknown,
        inputs=inputs,
    )
    return whole_document(members)


def whole_document(members: Mapping[str, Json | Iterator[Json]]) -> dict[str, Json]:
    """What ``manifest_members`` gives, with its long lists as lists."""
    return {name: list(value) if isinstance(value, Iterator) else value for name, value in members.items()}


def manifest_members(
    storyboard: Storyboard,
    relative_path: str,
    serving: Mapping[tuple[str, int], str],
    history: History,
    *,
    base_url: str,
    updated_at: str,
    books: Books = FILE_BOOKS,
    unknown: Unknown = _NOTHING,
    inputs: Mapping[str, str] = _NO_INPUTS,
) -> dict[str, Json | Iterator[Json]]:
    """The same with shots and history one at a time, to be taken in this order: a large one is never whole.

    ``unknown`` are members of a newer program's, as a ``Judge`` found them: they are written again. ``inputs`` has
    the sha256 of what else was read, by path.
    """
    shown: set[str] = set()
    served = set(serving.values())
    return {
        "version": VERSION,
        "storyboard": written(
            StoryboardForm(
                id=storyboard.id,
                title=storyboard.title,
                path=relative_path,
                sha256=storyboard.sha256,
                inputs=_inputs(inputs),
            )
        )
        | unknown.get(("storyboard",), {}),
        "updated_at": updated_at,
        "base_url": base_url,
        "books": books.where,
        **({"book_commit": books.commits} if books != FILE_BOOKS else {}),
        "totals": _totals(storyboard, serving, history),
        "shots": (_shot_entry(shot, serving, served, history, shown, unknown) for shot in storyboard.shots),
        "uploads": [
            written(upload) | unknown.get(("upload", *place), {}) for place, upload in history.uploads.items()
        ],
        "history": _history_entries(history, shown, unknown),
        **unknown.get(("",), {}),
    }


def _inputs(read: Mapping[str, str]) -> tuple[Input, ...] | UnsetType:
    return tuple(Input(path=path, sha256=read[path]) for path in sorted(read)) or UNSET


def _shot_entry(
    shot: Shot,
    serving: Mapping[tuple[str, int], str],
    served: Set[str],
    history: History,
    shown: set[str],
    unknown: Unknown,
) -> dict[str, Json]:
    takes: list[Json] = []
    others = _others(shot, serving, history)
    for take in sorted({*wanted_takes(shot, serving), *others}):
        attempt = others.get(take) or _attempt_shown(shot, take, serving, history)
        if attempt is None:
            takes.append(_planned_entry(shot, take))
            continue
        if shot.approved is not None and attempt.shot != shot.id:
            takes.append(_shared_entry(attempt, take))
            continue
        more: dict[str, Json] = {"take": take}
        if take in others:
            more["wanted"] = False
        if stops := stopped_by(shot, attempt):
            more["stopped"] = list(stops)
        earlier = [
            one
            for one in history.of_take(shot.id, take)
            if one.fingerprint == attempt.fingerprint
            and one.number < attempt.number
            and one.state is not AttemptState.WITHDRAWN
            and one.client_request_id not in served
        ]
        shown.add(attempt.client_request_id)
        shown.update(one.client_request_id for one in earlier)
        takes.append(_entry(attempt, earlier, unknown) | more)
    return _about_shot(shot, serving) | {"takes": takes} | unknown.get(("shot", shot.id), {})


def _about_shot(shot: Shot, serving: Mapping[tuple[str, int], str]) -> dict[str, Json]:
    """What stands of a shot beside its takes."""
    entry: dict[str, Json] = {"id": shot.id, "scene": shot.scene, "pick": shot.pick, "skipped": shot.skip}
    if shot.approved is not None:
        settled = (take for take in wanted_takes(shot, serving) if (shot.id, take) in serving)
        entry |= {"pick": next(settled, None), "approved": str(shot.approved)}
    if shot.title is not None:
        entry["title"] = shot.title
    if shot.tags:
        entry["tags"] = list(shot.tags)
    if shot.notes is not None:
        entry["notes"] = shot.notes
    if shot.versions:
        entry["versions"] = list(shot.versions)
    if shot.checks != Checks():
        entry["checks"] = {"stop": list(shot.checks.stop), "quiet": list(shot.checks.quiet)}
    if shot.file is not None:
        entry["file"] = shot.file
    return entry


def wanted_takes(shot: Shot, serving: Mapping[tuple[str, int], str]) -> Sequence[int]:
    """The numbers of the takes that are wanted of a shot: of an approved one that which serves it."""
    if shot.approved is None:
        return range(1, shot.takes + 1)
    written = shot.approved.take
    if (shot.id, written) in serving:
        return (written,)
    return [take for take in range(1, MAX_TAKES + 1) if (shot.id, take) in serving] or (written,)


def _others(shot: Shot, serving: Mapping[tuple[str, int], str], history: History) -> dict[int, Attempt]:
    """The other takes of a shot of which one is approved: of each number what came last."""
    if shot.approved is None:
        return {}
    served = {serving.get((shot.id, take)) for take in wanted_takes(shot, serving)}
    found = {
        one.take: one
        for one in history.of_shot(shot.id)
        if one.state in CLAIMABLE_STATES and one.client_request_id not in served
    }
    return {take: one for take, one in found.items() if take not in wanted_takes(shot, serving)}


def _shared_entry(attempt: Attempt, take: int) -> dict[str, Json]:
    """A take whose files are another shot's: nothing of what that cost, nor its key, stands there twice."""
    entry = entry_of_attempt(attempt)
    kept = ("status", "model", "request", "outputs")
    form = written(
        Take(take=take, status=TakeStatus.PLANNED, same_as=SameAs(shot=attempt.shot, take=attempt.take))
    )
    return form | {name: entry[name] for name in kept}


def _entry(attempt: Attempt, earlier: Sequence[Attempt], unknown: Unknown) -> dict[str, Json]:
    """The entry of an attempt with those before it, and what a newer program said of each."""
    entry = entry_of_attempt(attempt, earlier)
    if unknown:
        before = [
            entry_of_earlier(one) | unknown.get(("attempt", one.client_request_id), {}) for one in earlier
        ]
        entry |= {"attempts": [*before], **unknown.get(("attempt", attempt.client_request_id), {})}
    return entry


def _attempt_shown(
    shot: Shot, take: int, serving: Mapping[tuple[str, int], str], history: History
) -> Attempt | None:
    """What stands for a take; None while there is nothing but a plan."""
    key = serving.get((shot.id, take))
    attempt = history.attempts.get(key) if key is not None else None
    return None if attempt is None or attempt.state is AttemptState.WITHDRAWN else attempt


def _planned_entry(shot: Shot, take: int) -> dict[str, Json]:
    request = {"model": shot.model, "prompt": shot.prompt, "params": dict(shot.params)}
    return written(Take(take=take, status=TakeStatus.PLANNED, model=shot.model, request=request))


def _history_entries(history: History, shown: set[str], unknown: Unknown) -> Iterator[Json]:
    """What no present take shows: the last attempt of each (shot, take, fingerprint) with those before it."""
    groups: dict[tuple[str, int, str], list[Attempt]] = {}
    for attempt in history.attempts.values():
        if attempt.client_request_id not in shown and attempt.state is not AttemptState.WITHDRAWN:
            groups.setdefault((attempt.shot, attempt.take, attempt.fingerprint), []).append(attempt)
    for (shot, _, _), found in groups.items():
        found.sort(key=lambda attempt: attempt.number)
        entry: dict[str, Json] = {"shot": shot}
        yield entry | _entry(found[-1], found[:-1], unknown)


def _totals(
    storyboard: Storyboard, serving: Mapping[tuple[str, int], str], history: History
) -> dict[str, Json]:
    counts = dict.fromkeys(TakeStatus, 0)
    reserved = final = 0.0
    counted: set[str] = set()
    for shot in storyboard.shots:
        for take in wanted_takes(shot, serving):
            attempt = _attempt_shown(shot, take, serving, history)
            counts[take_status(attempt)] += 1
            if attempt is not None and attempt.client_request_id not in counted:
                counted.add(attempt.client_request_id)
                reserved += attempt.reserved_credits or 0
                final += attempt.final_credits or 0
    pending = counts[TakeStatus.PLANNED] + counts[TakeStatus.SENT] + counts[TakeStatus.PENDING]
    totals = Totals(
        takes=sum(counts.values()),
        succeeded=counts[TakeStatus.SUCCEEDED],
        failed=counts[TakeStatus.FAILED],
        pending=pending,
        unknown=counts[TakeStatus.UNKNOWN],
        reserved_credits=whole(reserved) or 0,
        final_credits=whole(final) or 0,
        spent_credits=whole(history.spent()) or 0,
    )
    return written(totals)


def known_attempts(
    document: Mapping[str, Any], judge: Judge | None = None
) -> Iterator[tuple[str, dict[str, Any], Attempt]]:
    """Every attempt that a manifest tells of, as (shot, entry, attempt), each judged before it is handed over.

    What was handed over counts for nothing before all of it was. Raises Nonsense.
    """
    judge = judge or Judge()
    judge.head(document)
    for place, raw in enumerate(_list_of(document, LISTS[0])):
        shot = judge.shot(place, raw)
        for number, take in enumerate(shot.takes):
            yield from _attempts_in(shot.id, raw["takes"][number], take)
    for place, raw in enumerate(_list_of(document, LISTS[1])):
        past = judge.past(place, raw)
        yield from _attempts_in(past.shot, raw, past)


def _list_of(document: Mapping[str, Any], name: str) -> Iterable[Any]:
    """One of the long lists, which may be read from its file while it is gone through."""
    found = document.get(name, ())
    if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
        raise Nonsense("must be a list", name)
    return found


def _attempts_in(shot: str, raw: dict[str, Any], take: Take) -> Iterator[tuple[str, dict[str, Any], Attempt]]:
    entries: list[tuple[dict[str, Any], Earlier]] = [
        *zip(raw.get("attempts") or (), take.attempts, strict=True),
        (raw, take),
    ]
    for one, entry in entries:
        if entry.client_request_id is not None:
            kept = {key: value for key, value in one.items() if key != "attempts"}
            yield shot, kept, attempt_of_entry(shot, entry, one)


def knows_more(told: Attempt, known: Attempt | None) -> bool:
    """Whether a manifest's word on an attempt goes beyond the journal's.

    It never takes back what the journal knows was spent: then the API itself is asked how its task ended.
    """
    if known is None:
        return True
    if told.spent < known.spent:
        return False
    if known.task_id is not None and told.task_id not in {None, known.task_id}:
        return False
    if told.state is AttemptState.SENT and known.state is AttemptState.REFUSED:
        return told.sent_at != known.sent_at  # the same key, sent from elsewhere after it was refused here
    beyond = MARGIN.get(told.state, _ENDED) - MARGIN.get(known.state, _ENDED)
    fetched = known.state is AttemptState.FINISHED and len(told.outputs) > len(known.outputs)
    return beyond > 0 or (beyond == 0 and fetched)
