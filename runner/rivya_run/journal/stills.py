"""Stills that were taken out of a clip, as its record keeps them: under ``frames`` of its media facts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rivya_run.journal.attempt import Attempt, Output
from rivya_run.json_types import Json


def with_still(output: Output, frame: str, path: str, sha256: str, size: int) -> Output:
    """The output with one more still; the same one again changes nothing."""
    still: dict[str, Json] = {"frame": frame, "path": path, "sha256": sha256, "bytes": size}
    frames = [one for one in _frames(output) if one != still]
    return replace(output, media={**(output.media or {}), "frames": [*frames, still]})


def stills(output: Output) -> list[Output]:
    """The stills that were taken out of an output, each as a file of its own."""
    return [
        Output(str(one["path"]), None, int(str(one["bytes"])), str(one["sha256"]), None)
        for one in _frames(output)
        if isinstance(one, dict) and one.get("path") and one.get("sha256") and str(one.get("bytes")).isdigit()
    ]


def owned_paths(attempt: Attempt) -> Iterator[str]:
    """Every name that is on record for an attempt: outputs, and the stills that were taken out of them."""
    for output in attempt.outputs:
        yield output.path
        for still in stills(output):
            yield still.path


def without_still(output: Output, path: str) -> Output:
    """The output without the still of that path, which somebody removed."""
    frames = _frames(output)
    left = [one for one in frames if not (isinstance(one, dict) and one.get("path") == path)]
    return replace(output, media={**(output.media or {}), "frames": left}) if left != frames else output


def moved(output: Output, paths: Mapping[str, str]) -> Output:
    """The output and its stills under other paths (old -> new)."""
    found = replace(output, path=paths.get(output.path, output.path))
    frames: list[Json] = [
        {**one, "path": paths.get(str(one.get("path")), one.get("path"))} if isinstance(one, dict) else one
        for one in _frames(output)
    ]
    return replace(found, media={**(output.media or {}), "frames": frames}) if frames else found


def _frames(output: Output) -> list[Json]:
    return _as_list((output.media or {}).get("frames"))


def _as_list(value: Json) -> list[Json]:
    """A JSON list, or an empty one for anything else."""
    return value if isinstance(value, list) else []
