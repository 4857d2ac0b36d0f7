"""Two manifests of one storyboard as one: the union of what was paid for, by key and task. Pure.

For ``git merge``: ``base`` is what both began from, where that is known. Every attempt of any side is in the result.
Who serves a take, which shots there are and what their members say is merged three ways, so that a change of one side
counts; the next command that writes makes all of that anew from storyboard and records.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any, TypeAlias, TypeVar

from msgspec import UNSET
from msgspec.structs import asdict

from rivya_run.journal.attempt import Attempt, owned_paths
from rivya_run.journal.events import Entry, JournalEvent, TakenIn, Uploaded
from rivya_run.journal.fold import History
from rivya_run.journal.judging import Judge, Nonsense
from rivya_run.journal.manifest import FILE_BOOKS, Books, known_attempts, manifest
from rivya_run.journal.manifest_form import Document, ShotForm, Take, Upload
from rivya_run.journal.second_keys import same_create, second_key, with_key
from rivya_run.journal.settling import Contradiction, settled
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.json_types import Json
from rivya_run.storyboard.model import Approved, Checks, Shot, Storyboard
from rivya_run.times import seconds_of

Slot: TypeAlias = tuple[str, int]
_MISSING: Any = object()
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Merged:
    """The document as it is written. ``conflicts`` are tasks of which the sides say what can't both be, in words;
    the document has ours of them."""

    document: dict[str, Json]
    conflicts: tuple[str, ...]


@dataclass(slots=True)
class _Side:
    """One of the manifests, taken apart. ``serving``: what stands for a take; None: nothing but a plan."""

    head: Document
    shots: dict[str, ShotForm]
    serving: dict[Slot, str | None]
    attempts: dict[str, Attempt]
    unknown: dict[tuple[str, ...], dict[str, Json]] = field(default_factory=dict)


def merged(base: Mapping[str, Any] | None, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Merged:
    """One manifest of two. Raises Nonsense where one makes no sense by itself, or both can't be of one folder."""
    one, other = _side(ours), _side(theirs)
    root = _side(base) if base is not None else _Side(Document(shots=()), {}, {}, {})
    if one.head.base_url and other.head.base_url and one.head.base_url != other.head.base_url:
        raise Nonsense(
            f"ours was made with {one.head.base_url}, theirs with {other.head.base_url}", "base_url"
        )
    conflicts: list[str] = []
    attempts = _union(root, one, other, conflicts)
    storyboard = _storyboard(root, one, other)
    document = manifest(
        storyboard,
        storyboard.path,
        _serving(root, one, other, storyboard),
        _history(attempts, _uploads(one, other)),
        base_url=three_way(root.head.base_url, one.head.base_url, other.head.base_url),
        updated_at=max(one.head.updated_at, other.head.updated_at, key=lambda at: seconds_of(at) or 0.0),
        books=_books(one.head, other.head),
        unknown=_unknown(root, one, other),
        inputs=_inputs(root, one, other),
    )
    if {told.client_request_id for _, _, told in known_attempts(document)} != attempts.keys():
        raise Nonsense(
            "an attempt was lost in the merge"
        )  # a bug: better no merge than one that forgets a task
    return Merged(document, tuple(conflicts))


def three_way(base: _T, ours: _T, theirs: _T) -> _T:
    """What has changed on one side only counts; where both did, ours."""
    return theirs if ours == base else ours


def _books(ours: Document, theirs: Document) -> Books:
    """Where the journal is by both: a database that either has moved to, with the most commits that are known."""
    told = [
        Books(one.books, one.book_commit or 0)
        for one in (ours, theirs)
        if one.books is not UNSET and one.books != FILE_BOOKS.where
    ]
    commits = [one.commits for one in told if one.where == told[0].where]
    return Books(told[0].where, max(commits)) if told else FILE_BOOKS


def _side(document: Mapping[str, Any]) -> _Side:
    judge = Judge()
    attempts = {told.client_request_id: told for _, _, told in known_attempts(document, judge)}
    again = Judge()
    shots = {one.id: one for one in (again.shot(place, raw) for place, raw in enumerate(document["shots"]))}
    serving = {
        (one.id, take.take): take.client_request_id
        for one in shots.values()
        for take in one.takes
        if take.wanted is not False
    }
    shared = ((one.id, take.take, take.same_as) for one in shots.values() for take in one.takes)
    for name, number, same in shared:
        if same is UNSET:
            continue
        owner = same.shot, same.take
        keys = (key for key, told in attempts.items() if (told.shot, told.take) == owner and told.outputs)
        serving[name, number] = serving.get(owner) or next(keys, None)
    return _Side(judge.head(document), shots, serving, attempts, judge.unknown)


def _union(base: _Side, ours: _Side, theirs: _Side, conflicts: list[str]) -> dict[str, Attempt]:
    """Every attempt of all sides, ours first, each under the key that ours has for it."""
    _follow(ours, base)
    renamed = _follow(ours, theirs)
    found = dict(ours.attempts)
    for key, told in theirs.attempts.items():
        mine = ours.attempts.get(key)
        if key in renamed and mine is not None and not same_create(key, renamed[key], told.task_id or ""):
            conflicts.append(f"task {told.task_id}: ours has it as {key}, theirs as {renamed[key]}")
            continue
        before = base.attempts.get(key) if key not in renamed else None
        try:
            found[key] = settled(before, mine, told) if mine is not None else told
        except Contradiction as contradiction:
            conflicts.append(f"{told.shot}/{told.take}, task {told.task_id}: {contradiction}")
    tasks = {one.task_id for one in found.values()}
    for key, told in base.attempts.items():
        if key not in found:
            found[key] = told
        elif told.task_id is not None and told.task_id not in tasks:
            second = second_key(key, told.task_id)
            found[second] = with_key(told, second)
    return _with_names_apart(found, ours.attempts)


def _follow(ours: _Side, side: _Side) -> dict[str, str]:
    """Give the attempts of a side the keys that ours has for them; those that are new to it, and what they were.

    A task is known by its id, whatever its key is. One whose key is another task's in ours gets a second key.
    """
    mine = {one.task_id: key for key, one in ours.attempts.items() if one.task_id is not None}
    names: dict[str, str] = {}
    for key, told in side.attempts.items():
        known = ours.attempts.get(key)
        if told.task_id in mine:
            names[key] = mine[told.task_id]
        elif told.task_id is not None and known is not None and known.task_id is not None:
            names[key] = second_key(key, told.task_id)
        else:
            names[key] = key
    with_task = {names[key] for key, told in side.attempts.items() if told.task_id is not None}
    apart = {
        key
        for key, told in side.attempts.items()
        if not same_create(
            key, names[key], told.task_id or ""
        )  # adopted for another take: that one doesn't get it
    }
    side.attempts = {
        names[key]: with_key(told, names[key])
        for key, told in side.attempts.items()
        if told.task_id is not None or names[key] not in with_task  # the key alone says less than its task
    }
    side.serving = {
        slot: names[key] if key is not None and key not in apart else None
        for slot, key in side.serving.items()
    }
    side.unknown = {
        (name[0], names.get(name[1], name[1])) if name[0] == "attempt" else name: members
        for name, members in side.unknown.items()
    }
    return {name: key for key, name in names.items() if name != key}


def _with_names_apart(found: Mapping[str, Attempt], ours: Mapping[str, Attempt]) -> dict[str, Attempt]:
    """No file of a side's has the name of another's; what is ours keeps its own."""
    apart: dict[str, Attempt] = {}
    taken = {path.lower() for key, one in found.items() if one is ours.get(key) for path in owned_paths(one)}
    for key, one in found.items():
        if one is not ours.get(key):
            one = with_key(one, key, taken)
            taken |= {path.lower() for path in owned_paths(one)}
        apart[key] = one
    return apart


def _history(attempts: Mapping[str, Attempt], uploads: Collection[Upload]) -> History:
    """What a clone would know from the manifests of all sides."""
    told: list[JournalEvent] = [
        TakenIn(key=key, shot=one.shot, entry=entry_of_attempt(one)) for key, one in attempts.items()
    ]
    files = [Uploaded(**asdict(upload)) for upload in uploads]
    return History(Entry(number, "", event) for number, event in enumerate([*told, *files], start=1))


def _uploads(ours: _Side, theirs: _Side) -> Collection[Upload]:
    """Files that were sent, each as it was sent last."""
    found = {(one.sha256, one.kind, one.model): one for one in ours.head.uploads}
    for one in theirs.head.uploads:
        place = one.sha256, one.kind, one.model
        known = found.setdefault(place, one)
        if (seconds_of(one.uploaded_at) or 0.0) > (seconds_of(known.uploaded_at) or 0.0):
            found[place] = one
    return found.values()


def _storyboard(base: _Side, ours: _Side, theirs: _Side) -> Storyboard:
    """The shots of both, as far as a manifest tells of them."""
    was, mine, told = base.head.storyboard, ours.head.storyboard, theirs.head.storyboard
    title = three_way(was.title, mine.title, told.title)
    shots = [
        _shot(base.shots.get(name), ours.shots.get(name), theirs.shots.get(name))
        for name in _shot_ids(base, ours, theirs)
    ]
    return Storyboard(
        id=mine.id,
        path=three_way(was.path, mine.path, told.path),
        sha256=three_way(was.sha256, mine.sha256, told.sha256),
        title=None if title is UNSET else title,
        notes=None,
        max_credits=None,
        shots=tuple(shots),
        default_model="",
    )


def _shot_ids(base: _Side, ours: _Side, theirs: _Side) -> list[str]:
    """Ours in their order, without those that theirs has removed; what it has added stands after what precedes it."""
    found = [name for name in ours.shots if name in theirs.shots or name not in base.shots]
    taken = {name.lower() for name in found}
    after = -1
    for name in theirs.shots:
        if name in found:
            after = found.index(name)
        elif name not in base.shots and name.lower() not in taken:
            after += 1
            found.insert(after, name)
            taken.add(name.lower())
    return found


def _shot(base: ShotForm | None, ours: ShotForm | None, theirs: ShotForm | None) -> Shot:
    sides = base, ours or theirs, theirs or ours
    known = {one.name for one in fields(Shot)} - {"takes"}
    members = {
        name: three_way(*(getattr(side, name, None) for side in sides)) for name in ShotForm.__struct_fields__
    }
    said = {name: value for name, value in members.items() if name in known and value is not UNSET}
    if (approved := said.get("approved")) is not None:
        take, _, digits = approved.partition("@")
        said["approved"] = Approved(int(take), digits)
    stopped = (take.stopped or () for side in sides[1:] for take in _takes(side))
    takes = three_way(*(max((one.take for one in _takes(side)), default=0) for side in sides))
    return Shot(
        **{
            "references": (),
            "tags": (),
            "where": "",
            "line": 0,
            "column": 0,
            **_asked(
                [three_way(*map(_planned, sides)), *map(_planned, sides[1:]), *_takes(ours), *_takes(theirs)]
            ),
            **said,
            "skip": members["skipped"],
            "takes": takes,
            "checks": Checks(stop=tuple(dict.fromkeys(chain(*stopped)))),
        }
    )


def _takes(side: ShotForm | None) -> tuple[Take, ...]:
    return side.takes if side is not None else ()


def _planned(side: ShotForm | None) -> Take | None:
    return next((take for take in _takes(side) if take.client_request_id is None), None)


def _asked(takes: Sequence[Take | None]) -> dict[str, Any]:
    """How takes are asked for that nobody has made: as the first of these tells it."""
    take = next((one for one in takes if one is not None), None)
    request = take.request or {} if take is not None else {}
    model = take.model if take is not None else ""
    return {"model": model, "prompt": request.get("prompt"), "params": request.get("params") or {}}


def _serving(base: _Side, ours: _Side, theirs: _Side, storyboard: Storyboard) -> dict[Slot, str]:
    """What stands for each take; each attempt stands for one."""
    found: dict[Slot, str] = {}
    shown: set[str] = set()
    for shot in storyboard.shots:
        for slot in ((shot.id, number) for number in range(1, shot.takes + 1)):
            key = three_way(*(side.serving.get(slot) for side in (base, ours, theirs)))
            if key is not None and (key not in shown or shot.approved is not None):
                found[slot] = key
                shown.add(key)
    return found


def _unknown(base: _Side, ours: _Side, theirs: _Side) -> dict[tuple[str, ...], dict[str, Json]]:
    """What a newer program says, of each thing member by member."""
    found: dict[tuple[str, ...], dict[str, Json]] = {}
    for name in dict.fromkeys([*ours.unknown, *theirs.unknown]):
        was, mine, told = (side.unknown.get(name, {}) for side in (base, ours, theirs))
        merged_members = {
            member: three_way(
                was.get(member, _MISSING), mine.get(member, _MISSING), told.get(member, _MISSING)
            )
            for member in dict.fromkeys([*mine, *told])
        }
        found[name] = {member: value for member, value in merged_members.items() if value is not _MISSING}
    return found


def _inputs(base: _Side, ours: _Side, theirs: _Side) -> dict[str, str]:
    """What else was read, as the manifest that named it last has it."""
    found = three_way(*(side.head.storyboard.inputs for side in (base, ours, theirs)))
    return {one.path: one.sha256 for one in found or ()}
