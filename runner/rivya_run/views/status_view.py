"""A manifest as a table for people: what there is, what it cost, what is unknown and what to do about it.

A manifest is read tolerantly: it may be hand-edited, older or newer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rivya_run.media.checks import faults_in_words
from rivya_run.planning.next_commands import Lacking, Standing
from rivya_run.project.manifest_reader import (
    Entry,
    at_stake,
    checks_of,
    chosen_take,
    ended,
    entries,
    mapping,
    number,
    params_of,
    spent,
    take_number,
    text,
    to_fetch,
    tries,
)
from rivya_run.text import counted, credits_in_words, figure, visible
from rivya_run.views.wording import sending_in_words, status_in_words

HEADS = ("take", "status", "credits", "file", "about")
CREDITS_COLUMN = 2
CHOSEN = " *"
"""Marks the chosen take, where there are several."""


@dataclass(frozen=True, slots=True)
class SceneView:
    """The takes of one scene as rows under ``HEADS``; ``name`` is empty for shots without a scene."""

    name: str
    rows: tuple[tuple[str, ...], ...]


def scenes(manifest: Entry, held: Mapping[tuple[str, int], str]) -> list[SceneView]:
    """The present takes by scene, scenes in the order in which the storyboard has them. ``held`` says of takes that
    aren't made (shot, take) what keeps them from being made."""
    rows: dict[str, list[tuple[str, ...]]] = {}
    for shot in entries(manifest.get("shots")):
        chosen = chosen_take(shot)
        for take in entries(shot.get("takes")):
            rows.setdefault(text(shot.get("scene")) or "", []).append(_row(shot, take, take is chosen, held))
    return [SceneView(visible(name), tuple(found)) for name, found in rows.items()]


def _row(shot: Entry, take: Entry, chosen: bool, held: Mapping[tuple[str, int], str]) -> tuple[str, ...]:
    planned = take.get("status") == "planned"
    why = held.get((text(shot.get("id")) or "", take_number(take))) if planned else None
    several = len(entries(shot.get("takes"))) > 1
    name = f"{text(shot.get('id')) or '?'}/{take_number(take)}"
    files = [text(output.get("path")) or "" for output in entries(take.get("outputs"))]
    return (
        name + (CHOSEN if chosen and several else ""),
        _status(shot, take),
        _credits(take),
        ", ".join(files),
        "; ".join([*_about(shot, take), *filter(None, [why])]),
    )


def _status(shot: Entry, take: Entry) -> str:
    status = text(take.get("status")) or "?"
    if to_fetch(take):
        return "paid, not fetched" if take.get("error") else "made, to be fetched"
    if status == "planned" and shot.get("skipped"):
        return "skipped"
    if take.get("wanted") is False:
        return f"{status_in_words(status)}, not used"
    return status_in_words(status)


def _credits(take: Entry) -> str:
    final, reserved = number(take.get("final_credits")), number(take.get("reserved_credits"))
    if reserved is not None or (ended(take) and final is not None):
        return figure(spent(take)) + ("" if ended(take) else " reserved")
    estimated = number(take.get("estimated_credits"))
    return (
        f"{figure(estimated)}?" if estimated is not None and take.get("status") in {"sent", "unknown"} else ""
    )


def _about(shot: Entry, take: Entry) -> Iterator[str]:
    if isinstance(error := take.get("error"), Mapping):
        code, message = text(error.get("code")) or "error", text(error.get("message")) or ""
        request = text(error.get("request_id"))
        yield f"{code}: {message}" + (f" (request {request})" if request else "")
    if shot.get("approved") and take.get("take") == shot.get("pick"):
        yield "approved"
    if isinstance(same := take.get("same_as"), Mapping):
        yield f"the files of {text(same.get('shot')) or '?'}/{take_number(same)}"
    if stopped := take.get("stopped"):
        yield f"stopped until it is approved: {', '.join(map(str, stopped))}"
    earlier = entries(take.get("attempts"))
    if earlier:
        yield f"attempt {len(earlier) + 1}"
    for output in entries(take.get("outputs")):
        for warning in faults_in_words(output, params_of(take), *checks_of(shot)):
            yield f"warning: {warning}"


def unknown_lines(manifest: Entry) -> list[str]:
    """What is unknown, and what is known of it."""
    lines: list[str] = []
    for shot in entries(manifest.get("shots")):
        for take in entries(shot.get("takes")):
            if take.get("status") == "unknown" and take.get("wanted") is not False:
                lines.append(_unknown(text(shot.get("id")) or "?", take))
    if lines:
        lines.insert(0, "unknown: these may have been paid for and are never resent automatically")
    past: list[Entry] = [{**take, "shot": shot.get("id")} for shot, take in _not_wanted(manifest)]
    past += entries(manifest.get("history"))
    unused = [entry for entry in past if entry.get("status") == "unknown"]
    if unused:
        lines.append("unknown, and not used by any shot now: these may have been paid for")
        for entry in unused:
            lines.append(_unknown(text(entry.get("shot")) or "?", entry))
    return [visible(line) for line in lines]


def _not_wanted(manifest: Entry) -> Iterator[tuple[Entry, Entry]]:
    """The takes of shots of which another one is approved."""
    for shot in entries(manifest.get("shots")):
        for take in entries(shot.get("takes")):
            if take.get("wanted") is False:
                yield shot, take


def unknown_standings(manifest: Entry) -> list[Standing]:
    """The takes whose outcome is unknown, where nothing but the manifest can be read."""
    found = []
    for shot in entries(manifest.get("shots")):
        several = len(entries(shot.get("takes"))) > 1
        for take in entries(shot.get("takes")):
            if take.get("status") == "unknown" and take.get("wanted") is not False:
                name, task = text(shot.get("id")) or "?", text(take.get("task_id"))
                found.append(Standing(name, take_number(take), Lacking.UNKNOWN, several, task))
    return found


def _unknown(shot: str, take: Entry) -> str:
    task = text(take.get("task_id"))
    cost = at_stake(take) or None
    key, sent_at = text(take.get("client_request_id")), text(take.get("sent_at"))
    return f"  {shot}/{take_number(take)}  {sending_in_words(task, key, sent_at, cost)}"


def version_lines(manifest: Entry) -> list[str]:
    """For each version how many of its shots are there; nothing where there are no versions."""
    made: dict[str, list[bool]] = {}
    for shot in entries(manifest.get("shots")):
        for version in shot.get("versions") or ():
            made.setdefault(str(version), []).append(chosen_take(shot) is not None or "file" in shot)
    return [f"{name}: {sum(found)} of {counted(len(found), 'shot')} made" for name, found in made.items()]


def totals_lines(manifest: Entry) -> list[str]:
    """How many takes of each kind there are, and what everything ever cost."""
    totals = mapping(manifest.get("totals"))
    names = {"succeeded": "done", "failed": "failed", "pending": "not finished", "unknown": "unknown"}
    counts = [f"{totals[key]} {word}" for key, word in names.items() if number(totals.get(key))]
    takes = int(number(totals.get("takes")) or 0)
    lines = [f"{counted(takes, 'take')}: {', '.join(counts) or 'none made'}"]
    in_all = number(totals.get("spent_credits"))
    if in_all is not None:
        abandoned, attempts, unused_takes = _abandoned(manifest)
        parts = [f"{figure(attempts)} on earlier attempts"] if attempts else []
        unused = f"{figure(abandoned)} on {counted(unused_takes, 'take')} that no shot uses any more"
        parts += [unused] if unused_takes else []
        of_these = f", of these {', '.join(parts)}" if parts else ""
        lines.append(f"spent: {credits_in_words(in_all)}{of_these}")
    return lines


def _abandoned(manifest: Entry) -> tuple[float, float, int]:
    """Credits of history, credits of earlier attempts of present takes, and how many takes history holds."""
    history = entries(manifest.get("history"))
    present = (take for shot in entries(manifest.get("shots")) for take in entries(shot.get("takes")))
    past = sum(spent(one) for take in history for one in tries(take))
    return past, sum(spent(one) for take in present for one in entries(take.get("attempts"))), len(history)
