"""What changed between two states of a storyboard, in takes: a matching by what is asked for, like reuse."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rivya_run.journal.fingerprint import file_identity, fingerprint, url_identity
from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable
from rivya_run.planning.lineage import parents_of
from rivya_run.planning.plan import estimate
from rivya_run.storyboard.model import BoardReference, FileReference, Shot, Storyboard, UrlReference


class Kind(StrEnum):
    """NEW and CHANGED takes cost, RENAMED and REMOVED ones don't."""

    NEW = "new"
    CHANGED = "changed"
    RENAMED = "renamed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class TakeChange:
    """One take that is not what it was. ``credits`` None: nothing is known of the cost, or it costs nothing.

    ``was`` is the take (``sh010/1``) that had the same content, for a renamed one.
    """

    kind: Kind
    shot: str
    take: int
    model: str
    credits: float | None
    basis: str | None
    was: str | None = None


def contents(
    storyboard: Storyboard, tables: Mapping[str, ModelTable], files: Mapping[str, str]
) -> dict[str, str]:
    """For each shot a digest of all that it is made from, parents included; ``files`` maps paths to sha256.

    Unlike a fingerprint it needs no results: a parent stands for itself by its own digest.
    """
    shots = {shot.id: shot for shot in storyboard.shots}
    found: dict[str, str] = {}
    waiting = [shot.id for shot in reversed(storyboard.shots)]
    while waiting:
        shot = shots[waiting[-1]]
        missing = [parent for parent in parents_of(shot) if parent not in found]
        if missing:
            waiting += missing
            continue
        found[waiting.pop()] = _content(shot, shots, tables, files, found)
    return found


def _content(
    shot: Shot,
    shots: Mapping[str, Shot],
    tables: Mapping[str, ModelTable],
    files: Mapping[str, str],
    found: Mapping[str, str],
) -> str:
    identities: list[dict[str, Json]] = []
    for reference in shot.references:
        if isinstance(reference, FileReference):
            identities.append(file_identity(files.get(reference.path, reference.path), reference.frame))
        elif isinstance(reference, UrlReference):
            identities.append(url_identity(reference.url, reference.kind, reference.id))
        elif isinstance(reference, BoardReference):
            named: list[Json] = [reference.storyboard, reference.shot, reference.take, reference.frame]
            identities.append({"storyboard": named})
        else:
            take = reference.take or shots[reference.shot].pick or 0
            identities.append({**file_identity(found[reference.shot], reference.frame), "take": take})
    defaults = tables[shot.model].defaults() if shot.model in tables else {}
    follows: dict[str, Json] = {
        key: {"fit": found[fit.shot] if fit.file is None else files.get(fit.file, fit.file), "pad": fit.pad}
        for key, fit in shot.fits.items()
    }
    return fingerprint(shot.model, shot.prompt, {**shot.params, **follows}, defaults, identities)


def changes(
    before: Storyboard,
    was: Mapping[str, str],
    after: Storyboard,
    now: Mapping[str, str],
    tables: Mapping[str, ModelTable],
    prices: Mapping[str, float],
) -> list[TakeChange]:
    """Takes that differ; ``was`` and ``now`` are the ``contents`` of both. Removed ones come last.

    A skipped shot counts like any other: its takes are asked for as soon as it isn't skipped.
    """
    old = {(shot.id, take): was[shot.id] for shot in before.shots for take in _takes(shot)}
    left = Counter(old.values())
    wanted = [(shot, take) for shot in after.shots for take in _takes(shot)]
    same = {(shot.id, take) for shot, take in wanted if old.get((shot.id, take)) == now[shot.id]}
    left.subtract(old[name] for name in same)
    owners = defaultdict(list)
    for name, content in old.items():
        if name not in same:
            owners[content].append(name)
    taken = set(same)
    found = []
    for shot, take in wanted:
        if (shot.id, take) in same:
            continue
        if left[now[shot.id]] > 0:
            left[now[shot.id]] -= 1
            owner = owners[now[shot.id]].pop(0)
            taken.add(owner)
            if owner[0] != shot.id:
                was_named = f"{owner[0]}/{owner[1]}"
                found.append(TakeChange(Kind.RENAMED, shot.id, take, shot.model, None, None, was_named))
            continue
        kind = Kind.CHANGED if (shot.id, take) in old else Kind.NEW
        table = tables.get(shot.model)
        cost = estimate(table, shot.params, prices) if table is not None else None
        found.append(
            TakeChange(
                kind, shot.id, take, shot.model, cost.credits if cost else None, cost.basis if cost else None
            )
        )
    present = {(shot.id, take) for shot, take in wanted}
    for shot in before.shots:
        for take in _takes(shot):
            if (shot.id, take) not in present and (shot.id, take) not in taken:
                found.append(TakeChange(Kind.REMOVED, shot.id, take, shot.model, None, None))
    return found


def _takes(shot: Shot) -> range:
    return range(1, shot.takes + 1)
