"""The script of a storyboard as it is now: its order, picks and film keys, and what has been made so far."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal

from rivya_run.film.clips import footage
from rivya_run.film.edit import Edit, edited
from rivya_run.film.from_manifest import about, hashes_of, measured, own_footage, script_of
from rivya_run.film.script import (
    HOLD,
    UNTRIMMED,
    Footage,
    Mix,
    PictureShot,
    Place,
    Script,
    SoundShot,
    Transition,
    Trim,
    exact,
)
from rivya_run.film.slates import clean
from rivya_run.json_types import Json
from rivya_run.media.facts import MediaFacts
from rivya_run.models.catalog import Catalog
from rivya_run.project.manifest_reader import (
    Chosen,
    chosen_take,
    entries,
    number,
    playable,
    take_number,
    text,
    why_unused,
)
from rivya_run.project.plan import Prepared
from rivya_run.project.results import Present, present_of
from rivya_run.storyboard.model import (
    FileReference,
    FileTrouble,
    Film,
    Shot,
    ShotReference,
    Sound,
    Storyboard,
)
from rivya_run.storyboard.speech import asked_seconds, estimated_sound
from rivya_run.text import visible

BEFORE: Final = "is shown as it was before its last change"
_USUAL: Final = Fraction(5)
"""Seconds of a clip or sound that isn't made yet and of which nothing says how long it will be."""


@dataclass(frozen=True, slots=True)
class Filmed:
    """A script, and the shots that it leaves out on purpose: by default, or by ``film: false``."""

    script: Script
    out: tuple[str, ...] = ()


def script_now(
    now: Present,
    version: str | None = None,
    *,
    slates: bool = False,
    selected: Collection[str] | None = None,
    planning: bool = False,
) -> Filmed:
    """The script of what is there now; of all shots or of the ``selected`` ones.

    ``version`` names the film, where the storyboard has several.

    ``planning``: what isn't made yet counts with the length that is asked for, and files that are as they were
    stored aren't measured again. A file that can't be read is left out, with its reason.
    """
    if now.source is None:
        return Filmed(script_of(now.manifest, now.folder, slates=slates, own=now.own))
    board = now.source.storyboard.of_version(version)
    maker = _Script(now, now.source.storyboard, now.source.catalog, planning=planning)
    shots = [shot for shot in board.shots if selected is None or shot.id in selected]
    made = [one for shot in shots for one in maker.shot(shot)]
    title = board.title or board.id
    script = Script(
        tuple(made),
        tuple(maker.sound(sound) for sound in board.film.sounds if not maker.advised(sound.file)),
        mix=_mix(board.film),
        ending=exact(board.film.ending),
        slates=slates,
        title=clean(title if version is None else f"{title}, {version}"),
    )
    hidden = [one.id for one in made if isinstance(one, PictureShot) and not one.film]
    return Filmed(script, (*hidden, *maker.silenced))


class _Script:
    """Makes the parts of a script, shot by shot."""

    def __init__(self, now: Present, board: Storyboard, catalog: Catalog, *, planning: bool) -> None:
        self._now = now
        self._catalog = catalog
        self._planning = planning
        self._entries = {str(entry.get("id")): entry for entry in entries(now.manifest.get("shots"))}
        self._hashes = hashes_of(now.manifest)
        self._used = _used(board)
        self.silenced: list[str] = []

    def shot(self, shot: Shot) -> Iterator[PictureShot | SoundShot]:
        """What stands for a shot; nothing for one that is skipped and has nothing, or a sound that is out."""
        kind: str | None
        if shot.file is not None:
            if self.advised(shot.file):
                return
            kind, known = own_footage(shot.file, self._now.own, place=self._written_at(shot))
        else:
            chosen, remark = self._chosen(shot)
            if chosen is None and shot.skip:
                return
            kind, known = self._made(shot, chosen)
            known["remark"] = remark
            if chosen is None and (why := why_unused(self._entries.get(shot.id, {}))):
                known |= {"footage": None, "lack": why}
        known |= {"id": visible(shot.id), "scene": shot.scene, **_trim_and_volume(shot)}
        if kind != "audio":
            yield self._picture(shot, kind, known)
        elif shot.film is False:
            self.silenced.append(shot.id)
        else:
            yield SoundShot(**known, **_heard(shot, self._track(shot)))

    def advised(self, file: str) -> bool:
        """Whether a file can't be used and a plan need not say so, since the advice on the storyboard does."""
        return self._planning and isinstance(self._now.own.found(file), FileTrouble)

    def _written_at(self, one: Shot | Sound) -> str:
        assert self._now.source is not None
        return f"{self._now.source.path.name}:{one.line}:{one.column}: "

    def sound(self, sound: Sound) -> SoundShot:
        """An entry of ``sound``."""
        _, known = own_footage(sound.file, self._now.own, "audio", self._written_at(sound))
        known |= {"id": sound.id or visible(sound.file), "text": sound.text or ""}
        return SoundShot(**known, **_trim_and_volume(sound), **_heard(sound, sound.track))

    def _picture(self, shot: Shot, kind: str | None, known: dict[str, Any]) -> PictureShot:
        still = kind == "image"
        frames, whole = self._used.get(shot.id, (False, False))
        film = shot.film if shot.film is not None else not (whole or (still and frames))
        if still:
            known |= {"trim": UNTRIMMED}
        hold = exact(shot.hold) if shot.hold is not None else HOLD
        return PictureShot(**known, still=still, film=film, hold=hold, transition=_transition(shot))

    def _chosen(self, shot: Shot) -> tuple[Chosen | None, str]:
        """The take that stands for a shot, and what is to be said of it."""
        take, remark = chosen_take(self._entries.get(shot.id, {})), ""
        if take is None and not self._planning and not why_unused(self._entries.get(shot.id, {})):
            take, remark = self._now.earlier.get(shot.id), BEFORE
        found = playable(take) if take is not None else None
        if take is None or found is None:
            return None, ""
        path, kind, output = found
        return Chosen(shot.id, shot.scene, take_number(take), path, kind, take, output), remark

    def _made(self, shot: Shot, chosen: Chosen | None) -> tuple[str | None, dict[str, Any]]:
        """What was made of a shot, or will be."""
        table = self._catalog.get(shot.model)
        if chosen is None:
            kind = table.category if table is not None else None
            ahead = _estimated(shot, kind) if self._planning else None
            return kind, {"footage": ahead, "text": _words(shot.prompt, shot.params)}
        request = chosen.entry.get("request")
        sent: Mapping[str, Any] = request if isinstance(request, Mapping) else {}
        params = sent.get("params")
        known: dict[str, Any] = {
            "take": chosen.take,
            "about": about(chosen, self._hashes),
            "text": _words(text(sent.get("prompt")), params if isinstance(params, Mapping) else {}),
        }
        return chosen.kind, known | self._file(chosen)

    def _file(self, chosen: Chosen) -> dict[str, Any]:
        file = self._now.folder / chosen.path
        if self._planning and (recorded := _recorded(chosen, file)) is not None:
            return {"footage": recorded}
        if not file.is_file():
            return {"footage": None, "lack": f"({visible(chosen.path)}) is not in the folder"}
        return measured(file, chosen.kind)

    def _track(self, shot: Shot) -> str | None:
        table = self._catalog.get(shot.model)
        return shot.track or (table.track if table is not None else None)


def _used(board: Storyboard) -> dict[str, tuple[bool, bool]]:
    """What shots and members of the cast refer to: whether a frame of it is used, and whether it is taken whole."""
    found: dict[str, tuple[bool, bool]] = {}
    of_cast = (
        replace(one, shot=shot.id)
        for one in board.cast_shots
        for shot in board.shots
        if one.shot in (shot.id, shot.family)
    )
    for reference in (*(one for shot in board.shots for one in shot.references), *of_cast):
        if isinstance(reference, ShotReference | FileReference) and reference.shot is not None:
            frames, whole = found.get(reference.shot, (False, False))
            framed = reference.frame is not None
            found[reference.shot] = frames or framed, whole or not framed
    return found


def _recorded(chosen: Chosen, file: Path) -> Footage | None:
    """Footage by what was measured when the file was stored, if it is still that file or isn't here."""
    output = chosen.output
    try:
        if file.stat().st_size != output.get("bytes"):
            return None
    except OSError:
        pass
    width, height, seconds = (number(output.get(name)) for name in ("width", "height", "duration"))
    if (seconds is None) == (chosen.kind != "image"):
        return None
    found = MediaFacts(
        chosen.kind,
        int(width) if width else None,
        int(height) if height else None,
        seconds,
        number(output.get("frame_rate")),
        audio=output.get("audio") is True,
    )
    return footage(file, found)


def _estimated(shot: Shot, kind: str | None) -> Footage:
    """What a shot will be, by what it asks for."""
    if kind == "image":
        return Footage(None)
    return Footage(None, _seconds(shot, kind), audio=kind == "audio")


def _seconds(shot: Shot, kind: str | None) -> Fraction:
    if kind == "audio":
        return estimated_sound(shot)
    asked = asked_seconds(shot.params)
    if asked is not None:
        return asked
    # Nobody can say that a trim is beyond the end of a clip of unknown length.
    return max([_USUAL, *(time + 1 for time in _trim(shot) if time is not None)])


def _words(prompt: str | None, params: Mapping[str, Json]) -> str:
    """The prompt, or the lines of a dialogue with who says them."""
    if prompt:
        return visible(prompt, keep="\n\t")
    lines = params.get("dialogue")
    if not isinstance(lines, list):
        return ""
    said = []
    for line in lines:
        if isinstance(line, Mapping):
            voice = text(line.get("voice")) or text(params.get("default_voice"))
            said.append(f"{voice}: {text(line.get('text')) or ''}" if voice else text(line.get("text")) or "")
    return visible("\n".join(said), keep="\n\t")


def _trim_and_volume(one: Shot | Sound) -> dict[str, Any]:
    volume = 0.0 if one.volume is None else None if one.volume == "off" else float(one.volume)
    return {"trim": _trim(one), "volume": volume}


def _trim(one: Shot | Sound) -> Trim:
    if one.trim is None:
        return UNTRIMMED
    begin, end = (exact(time) if time is not None else None for time in one.trim)
    return begin, end


def _heard(one: Shot | Sound, track: str | None) -> dict[str, Any]:
    fade = tuple(exact(time) for time in one.fade) if one.fade is not None else (Fraction(0), Fraction(0))
    places = {"at": _place(one.at), "until": "end" if one.until == "end" else _place(one.until)}
    return {"track": track or "effects", "loop": one.loop, "fade": fade, **places}


def _place(when: float | Mapping[str, Any] | Literal["end"] | None) -> Place | None:
    if when is None or isinstance(when, str):
        return None
    if isinstance(when, Mapping):
        return Place(exact(when.get("offset", 0.0)), str(when["shot"]))
    return Place(exact(when))


def _transition(shot: Shot) -> Transition | None:
    for kind, seconds in (shot.transition or {}).items():
        return Transition("dissolve" if kind == "dissolve" else "fade", exact(seconds))
    return None


def _mix(film: Film) -> Mix:
    said = {name: value for name, value in film.mix.items() if name in ("duck", "loudness", "peak")}
    if said.get("loudness") == "off":
        said["loudness"] = None
    return Mix(**said)


def planned_films(prepared: Prepared) -> list[tuple[str | None, Edit, tuple[str, ...]]]:
    """The films that a run of a plan comes to: version, film, and the shots that it leaves out on purpose."""
    now, board = present_of(prepared), prepared.source.storyboard
    # The plan knows what follows a sound, or estimates it.
    params = {step.shot.id: step.shot.params for step in prepared.plan.steps if step.shot.fits}
    board = board.with_shots(lambda shot: replace(shot, params=params.get(shot.id, shot.params)))
    now = replace(now, source=replace(prepared.source, storyboard=board))
    films = []
    for version in board.films:
        filmed = script_now(now, version, planning=True)
        films.append((version, edited(filmed.script), filmed.out))
    return films


def film_document(version: str | None, edit: Edit) -> dict[str, Json]:
    """One entry of ``films`` of ``plan --json``."""
    sounds: list[Json] = [
        {
            "id": one.shot.id,
            "track": one.track,
            "begin": round(float(one.begin), 6),
            "end": round(float(one.end), 6),
        }
        for one in edit.sounds
    ]
    return {
        "version": version,
        "seconds": round(float(edit.seconds), 6),
        "estimated": edit.estimated,
        "shots": [piece.shot.id for piece in edit.pieces],
        "sounds": sounds,
    }
