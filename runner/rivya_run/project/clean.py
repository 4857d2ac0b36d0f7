"""Which files in an output folder no present take uses, and their removal: on record first, then gone."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rivya_run import __version__
from rivya_run.journal.attempt import Attempt, AttemptState, owned_paths
from rivya_run.journal.events import Removed
from rivya_run.media.facts import doubt_about
from rivya_run.planning.matching import serving_of
from rivya_run.planning.plan import Action
from rivya_run.project.home import FolderHome
from rivya_run.project.ledger import read_manifest
from rivya_run.project.manifest_reader import entries
from rivya_run.project.names import (
    clip_of_still,
    download_key,
    download_of,
    is_unfinished,
    is_unfinished_product,
    original_of,
    take_of,
    without_take,
)
from rivya_run.project.other_choices import history_of
from rivya_run.project.outputs import is_same, outstanding, sha256_of, size_of
from rivya_run.project.places import ARRIVING, POSTERS, outputs_folder
from rivya_run.project.plan import Prepared, run_started
from rivya_run.project.results import is_behind
from rivya_run.project.source import Source


@dataclass(frozen=True, slots=True)
class Unused:
    """A file that may go. ``key`` is the attempt whose output it is, None for what the records don't name."""

    path: str
    why: str
    key: str | None = None


def unused(
    attempts: Mapping[str, Attempt],
    present: Collection[str],
    there: Iterable[str],
    bad: Collection[str] = (),
    copies: Mapping[str, str] | None = None,
) -> list[Unused]:
    """The files among ``there`` (paths relative to the output folder) that no present take uses.

    ``present`` are keys of attempts that serve a present take, ``bad`` outputs that are missing or altered. A file
    of which the records know nothing (reports, cuts, anything a person put there) is never among them, and no
    download of a file that isn't under its name: it may be the only copy. ``copies``: see ``second_copies``.
    """
    kept = {path for key in present if key in attempts for path in owned_paths(attempts[key])}
    owners = {path: key for key, attempt in attempts.items() for path in owned_paths(attempt)}
    # A run that was killed before it recorded a still may have renamed the clip since.
    clips = {
        without_take(path.rpartition(".")[0], (attempt.shot, attempt.take))
        for attempt in attempts.values()
        for path in owned_paths(attempt)
    }
    downloads = {download_key(key): attempt for key, attempt in attempts.items()}
    found = []
    for path in sorted(there):
        if path in kept:
            continue
        download = download_of(path)
        if path in owners:
            key = owners[path]
            attempt = attempts[key]
            what = "made" if any(path == output.path for output in attempt.outputs) else "a frame made"
            found.append(Unused(path, f"{what} for {attempt.shot}/{attempt.take}, not used any more", key))
        elif original_of(path) in owners:
            found.append(Unused(path, "an edited copy that was kept beside the original"))
        elif _clip_of_still(path) in clips:
            found.append(Unused(path, "a frame that is not used any more"))
        elif is_unfinished(path):
            found.append(Unused(path, "a file that was never finished"))
        elif copies and path in copies:
            found.append(Unused(path, f"a second copy of {copies[path]}"))
        elif download is not None:
            attempt_key, index = download
            if not _is_needed(downloads.get(attempt_key), index, present, bad):
                found.append(Unused(path, "a download that was never finished"))
    return found


def _clip_of_still(path: str) -> str | None:
    """The clip that a still was taken from, under whatever name it has now; see ``_without_take``."""
    clip = clip_of_still(path)
    called = take_of(PurePosixPath(clip).name) if clip is not None else None
    return without_take(clip, called) if clip is not None and called is not None else None


def _is_needed(attempt: Attempt | None, index: int, present: Collection[str], bad: Collection[str]) -> bool:
    """Whether a download is still to be gone on with, or may hold the best there is of something paid."""
    if attempt is None:
        return False
    if attempt.open or index >= len(attempt.outputs):
        return attempt.open or attempt.state is AttemptState.STORED
    output = attempt.outputs[index]
    return output.path in bad and not (output.removed and attempt.client_request_id not in present)


def files_in(folder: Path) -> list[str]:
    """Files in the folders of shots and among the downloads, relative to the output folder, with forward slashes.

    Links are not followed.
    """
    found = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if place.name.startswith(".") and place.name != ARRIVING:
            continue
        if place.is_dir() and not place.is_symlink():
            found += [
                PurePosixPath(place.name, file.name).as_posix()
                for file in sorted(place.iterdir())
                if file.is_file() and not file.is_symlink()
            ]
    return found


def only_copies(home: FolderHome, there: Iterable[str], attempts: Mapping[str, Attempt]) -> set[str]:
    """Files that hold something paid which isn't under its name, whatever they are called themselves.

    They are what a run that was killed left to move, copies that were set aside, and whole downloads of which the
    records have lost track.
    """
    folder = home.folder
    kept = {move.source for move in outstanding(folder, attempts.values())}
    known = {download_key(key) for key in attempts}
    away = [
        output
        for attempt in attempts.values()
        for output in attempt.outputs
        if not output.removed and home.trouble(output) is not None
    ]
    sizes, sums = {output.bytes for output in away}, {output.sha256 for output in away}
    for path in there:
        file = folder / path
        lost = path.startswith(f"{ARRIVING}/") and file.name.partition("_")[0] not in known
        whole = lost and not file.suffix.startswith(".json") and doubt_about(file) is None
        if whole or (size_of(file) in sizes and sha256_of(file) in sums):
            kept.add(path)
    return kept


def second_copies(
    folder: Path, there: Iterable[str], attempts: Mapping[str, Attempt], bad: Collection[str]
) -> dict[str, str]:
    """Files under a name that one of our files had before its shot was renamed, which is under its new one as well.

    A run was killed between the download and two renames. Only what is called as we call files, for the same
    request, and has the very bytes of the file that is in its place counts: a person's own copies are left alone.
    """
    outputs = {
        without_take(output.path, (attempt.shot, attempt.take)): output
        for attempt in attempts.values()
        for output in attempt.outputs
        if not output.removed and output.path not in bad
    }
    found = {}
    for path in there:
        called = take_of(PurePosixPath(path).stem)
        output = outputs.get(without_take(path, called)) if called is not None else None
        if output is not None and path != output.path and is_same(folder / path, output):
            found[path] = output.path
    return found


def unfinished_products(folder: Path) -> list[Unused]:
    """What killed exports and reports left, if none is at work: see ``without_exports``."""
    places = [place for place in (folder, folder / POSTERS) if place.is_dir() and not place.is_symlink()]
    files = sorted(file for place in places for file in place.iterdir() if is_unfinished_product(file.name))
    return [
        Unused(file.relative_to(folder).as_posix(), "an export that was never finished") for file in files
    ]


def made_from_by_others(source: Source) -> set[str]:
    """Identities of what takes of all other storyboards of the project were made from.

    Raises OutputFolderError or JournalDamaged: what can't be read may need anything.
    """
    found: set[str] = set()
    for place in {outputs_folder(source.root, None), source.folder.parent}:
        for folder in sorted(place.iterdir()) if place.is_dir() else ():
            if folder.resolve() == source.folder.resolve() or not folder.is_dir():
                continue
            manifest = read_manifest(folder) or {}
            takes = [take for shot in entries(manifest.get("shots")) for take in entries(shot.get("takes"))]
            found |= {
                str(one.get("sha256")) for take in takes for one in entries(take.get("from_storyboards"))
            }
            if is_behind(folder):
                attempts = history_of(folder).attempts.values()
                found |= {sha256 for one in attempts for *_, sha256 in one.from_storyboards}
    return found


def unused_files(prepared: Prepared) -> list[Unused]:
    """What ``clean`` lists: files that no present take uses, and that aren't the only copy of something paid."""
    folder, attempts = prepared.source.folder, prepared.ledger.history.attempts
    present = set(serving_of(prepared.plan, prepared.ledger.history).values())
    # What a shot had before may still be approved, in place of what is; and what waits for that may be wanted again.
    shots = prepared.source.storyboard.shots
    decided = {shot.id for shot in shots if shot.approved is not None or shot.approval}
    decided |= {step.shot.id for step in prepared.plan.steps if step.action is Action.WAIT}
    present |= {key for key, one in attempts.items() if one.shot in decided}
    needed = made_from_by_others(prepared.source)
    present |= {
        key for key, one in attempts.items() if any(output.identity in needed for output in one.outputs[:1])
    }
    home = prepared.source.home
    there = files_in(folder)
    there = sorted({*there, *home.objects()} - only_copies(home, there, attempts))
    copies = second_copies(folder, there, attempts, prepared.bad_files)
    return unused(attempts, present, there, prepared.bad_files, copies)


def remove(prepared: Prepared, found: Collection[Unused]) -> None:
    """Remove files, on record first. Only under the folder's lock. Raises DiskFull or OutputFolderError."""
    source, ledger = prepared.source, prepared.ledger
    removed = [Removed(key=one.key, path=one.path) for one in found if one.key is not None]
    if removed:
        origin = prepared.made_with or ledger.history.base_url or ""
        ledger.record(run_started(source, origin, __version__, os.getpid()))
        for event in removed:
            ledger.record(event)
        ledger.sync()
    for one in found:
        source.home.remove(one.path)
