"""Which takes a storyboard shows: the rule that report, cut, contact sheet and timelines share.

A manifest is read tolerantly: it may be older, newer or written by hand, and it may be hostile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from rivya_run.journal.attempt import DOWNLOADING, credits_at_stake, credits_spent
from rivya_run.media.types import Kind, by_suffix
from rivya_run.project.names import relative

Entry: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The take that stands for a shot, and its first playable file.

    ``path`` is relative to the output folder, with forward slashes; ``entry`` is the take as the manifest
    holds it, ``output`` the record of the file.
    """

    shot: str
    scene: str | None
    take: int
    path: str
    kind: Kind
    entry: Entry
    output: Entry


@dataclass(frozen=True, slots=True)
class NoFinishedTake:
    """A shot that has no finished take yet, or is a ``file`` of people's own."""

    shot: str
    scene: str | None
    prompt: str
    file: str | None = None


def entries(value: object) -> list[Entry]:
    """The mappings of a list; nothing for anything else."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, Sequence) else []


def mapping(value: object) -> Entry:
    """A mapping as it is; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def params_of(take: Entry) -> Entry:
    """The params that a take was asked for with."""
    return mapping(mapping(take.get("request")).get("params"))


def checks_of(shot: Entry) -> tuple[Sequence[str], Sequence[str]]:
    """The checks that stop a shot's takes, and those that nothing is said of."""
    written = mapping(shot.get("checks"))
    stop, quiet = (written.get(name) for name in ("stop", "quiet"))
    return stop if isinstance(stop, list) else [], quiet if isinstance(quiet, list) else []


def tries(take: Entry) -> list[Entry]:
    """All attempts at a take: the earlier ones, then the take itself, which is the last."""
    return [*entries(take.get("attempts")), take]


def text(value: object) -> str | None:
    """Text as it is, numbers as text, nothing for anything else or for an empty one."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def number(value: object) -> float | None:
    """A finite JSON number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        return None
    return None if value != value else float(value)


def to_fetch(take: Entry) -> bool:
    """Whether its task has succeeded, and only its files aren't here yet."""
    passed = entries(take.get("timeline"))
    return take.get("status") == "pending" and bool(passed) and passed[-1].get("status") == DOWNLOADING


def ended(take: Entry) -> bool:
    """Whether the task of an attempt is known to be over, so that its final credits count."""
    return take.get("status") in ("succeeded", "failed") or to_fetch(take)


def spent(take: Entry) -> float:
    """Credits that one attempt cost as far as the API has said."""
    return credits_spent(ended(take), number(take.get("reserved_credits")), number(take.get("final_credits")))


def at_stake(take: Entry) -> float:
    """Credits that one attempt may have cost at most."""
    reserved, final = number(take.get("reserved_credits")), number(take.get("final_credits"))
    never = take.get("task_id") is None and take.get("status") in ("planned", "failed")
    estimate = None if never else number(take.get("estimated_credits"))
    return credits_at_stake(ended(take), reserved, final, estimate)


def inside(path: object) -> str | None:
    """A path of the manifest when it stays inside the output folder, else None."""
    return relative(path) if isinstance(path, str) else None


def kind_of(output: Entry) -> Kind | None:
    """Whether a file is a clip, a still or a sound, by its MIME type, else its extension."""
    mime = text(output.get("mime_type")) or ""
    first = mime.split("/")[0]
    if first in ("video", "image", "audio"):
        return first  # type: ignore[return-value]
    path = inside(output.get("path"))
    known = by_suffix(PurePosixPath(path).suffix) if path else None
    return known.kind if known is not None else None


def playable(take: Entry) -> tuple[str, Kind, Entry] | None:
    """The first file of a take that is a clip, a still or a sound: path, kind, record."""
    for output in entries(take.get("outputs")):
        path, kind = inside(output.get("path")), kind_of(output)
        if path is not None and kind is not None:
            return path, kind, output
    return None


def chosen_take(shot: Entry) -> Entry | None:
    """The picked take if it succeeded, else the lowest-numbered one that did, else None.

    Of a shot with an approved take that one alone, and none that a check has stopped.
    """
    finished = [take for take in entries(shot.get("takes")) if take.get("status") == "succeeded"]
    picked = [take for take in finished if take.get("take") == shot.get("pick")]
    found = picked if picked or shot.get("approved") else finished
    return min((take for take in found if not take.get("stopped")), key=take_number, default=None)


def why_unused(shot: Entry) -> str:
    """Why a shot that has finished takes shows none of them; empty where there is no such reason."""
    finished = [take for take in entries(shot.get("takes")) if take.get("status") == "succeeded"]
    if shot.get("approved") and not any(take.get("take") == shot.get("pick") for take in finished):
        return (
            f"has an approved take ({text(shot.get('approved'))}) that is not on record here"
            if finished
            else ""
        )
    stopped = [take for take in finished if take.get("stopped")]
    if not stopped or chosen_take(shot) is not None:
        return ""
    codes = ", ".join(str(code) for take in stopped[:1] for code in take.get("stopped") or ())
    return f"is stopped until a take is approved ({codes})"


def take_number(take: Entry) -> int:
    """The number of a take; 0 where it has none."""
    number = take.get("take")
    return number if isinstance(number, int) else 0


def chosen_takes(manifest: Entry) -> Iterator[Chosen | NoFinishedTake]:
    """What stands for each shot, in storyboard order. Skipped shots appear only if they have something."""
    for shot in entries(manifest.get("shots")):
        name, scene = text(shot.get("id")) or "", text(shot.get("scene"))
        take = chosen_take(shot)
        file = playable(take) if take is not None else None
        if take is not None and file is not None:
            yield Chosen(name, scene, take_number(take), *file[:2], take, file[2])
        elif not shot.get("skipped"):
            yield NoFinishedTake(name, scene, _prompt(shot), text(shot.get("file")))


def _prompt(shot: Entry) -> str:
    for take in entries(shot.get("takes")):
        prompt = mapping(take.get("request")).get("prompt")
        if isinstance(prompt, str):
            return prompt
    return ""
