"""Which files in an output folder no present take uses: pure, from the records and the names that are there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rivya_run.media.stills import as_list
from rivya_run.records.history import Attempt

_CHANGED = re.compile(r"(?P<stem>.+)\.changed(_\d+)?(?P<suffix>\.[^.]+)")
_PART = re.compile(r"(?P<shot>[^/]+)/(?P=shot)_t(?P<take>\d{2,})_(?P<digest>[0-9a-f]{8})(_\d+)?\.part(\..+)?")


@dataclass(frozen=True, slots=True)
class Unused:
    """A file that may go. ``key`` is the attempt whose output it is, None for what the records don't name."""

    path: str
    why: str
    key: str | None = None


def unused(attempts: Mapping[str, Attempt], present: Collection[str], there: Iterable[str]) -> list[Unused]:
    """The files among ``there`` (paths relative to the output folder) that no present take uses.

    ``present`` are keys of attempts that serve a present take. A file of which the records know nothing
    (reports, cuts, anything a person put there) is never among them.
    """
    kept = {path for key in present if key in attempts for path, _ in files_of(attempts[key])}
    owners = {path: (key, still) for key, attempt in attempts.items() for path, still in files_of(attempt)}
    found = []
    for path in sorted(there):
        if path in kept:
            continue
        if path in owners:
            key, still = owners[path]
            what = "a frame" if still else "made"
            attempt = attempts[key]
            found.append(
                Unused(path, f"{what} for {attempt.shot}/{attempt.take}, not asked for any more", key)
            )
        elif _is_changed_copy(path, owners):
            found.append(Unused(path, "an edited copy that was kept beside the original"))
        elif _is_stale_part(path, attempts):
            found.append(Unused(path, "a download that was never finished"))
    return found


def files_of(attempt: Attempt) -> Iterator[tuple[str, bool]]:
    """Paths of outputs and of the stills taken out of them (True)."""
    for output in attempt.outputs:
        yield output.path, False
        for still in as_list((output.media or {}).get("frames")):
            if isinstance(still, Mapping) and isinstance(still.get("path"), str):
                yield str(still["path"]), True


def _is_changed_copy(path: str, recorded: Collection[str]) -> bool:
    match = _CHANGED.fullmatch(path)
    return match is not None and match["stem"] + match["suffix"] in recorded


def _is_stale_part(path: str, attempts: Mapping[str, Attempt]) -> bool:
    """A ``.part`` by its name, unless the attempt that it is of can still be fetched."""
    match = _PART.fullmatch(path)
    if match is None:
        return False
    return not any(
        attempt.open
        and (attempt.shot, attempt.take) == (match["shot"], int(match["take"]))
        and attempt.fingerprint.startswith(match["digest"])
        for attempt in attempts.values()
    )


def files_in(folder: Path) -> list[str]:
    """Files in the folders of shots, relative to the output folder, with forward slashes; links are not followed."""
    found = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if place.is_dir() and not place.is_symlink() and not place.name.startswith("."):
            found += [
                PurePosixPath(place.name, file.name).as_posix()
                for file in sorted(place.iterdir())
                if file.is_file() and not file.is_symlink()
            ]
    return found
