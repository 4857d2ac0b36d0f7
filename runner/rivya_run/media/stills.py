"""Stills that were taken out of a clip, as its record keeps them: under ``frames`` of its media facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rivya_run.records import Json
from rivya_run.records.history import Output


def with_still(output: Output, frame: str, path: str, sha256: str, size: int) -> Output:
    """The output with one more still; the same one again changes nothing."""
    still: dict[str, Json] = {"frame": frame, "path": path, "sha256": sha256, "bytes": size}
    frames = [one for one in _frames(output) if one != still]
    return replace(output, media={**(output.media or {}), "frames": [*frames, still]})


def still_paths(output: Output) -> list[str]:
    """Paths of the stills that were taken out of an output."""
    return [str(one["path"]) for one in _frames(output) if isinstance(one, dict) and one.get("path")]


def moved(output: Output, paths: Mapping[str, str]) -> Output:
    """The output and its stills under other paths (old -> new)."""
    found = replace(output, path=paths.get(output.path, output.path))
    frames: list[Json] = [
        {**one, "path": paths.get(str(one.get("path")), one.get("path"))} if isinstance(one, dict) else one
        for one in _frames(output)
    ]
    return replace(found, media={**(output.media or {}), "frames": frames}) if frames else found


def _frames(output: Output) -> list[Json]:
    return as_list((output.media or {}).get("frames"))


def as_list(value: Json) -> list[Json]:
    """A JSON list, or an empty one for anything else."""
    return value if isinstance(value, list) else []
