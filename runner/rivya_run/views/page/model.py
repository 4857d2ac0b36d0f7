"""A manifest, and pictures of its files, turned into the cards of the page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from rivya_run.film.edit import Edit
from rivya_run.media.checks import faults_in_words
from rivya_run.media.types import Kind
from rivya_run.project.manifest_reader import (
    Entry,
    checks_of,
    chosen_take,
    ended,
    entries,
    inside,
    mapping,
    number,
    params_of,
    playable,
    spent,
    take_number,
)
from rivya_run.storyboard.film_reading import kind_by_name
from rivya_run.text import credits_in_words
from rivya_run.views.page.cards import (
    AttemptRow,
    Embedded,
    Failure,
    OwnCard,
    Page,
    ReferenceCard,
    SceneCard,
    ShotCard,
    TakeCard,
)
from rivya_run.views.page.decided import Decisions
from rivya_run.views.page.figures import (
    at,
    facts_line,
    moment,
    param,
    seconds,
    shown,
    size,
    spend,
    status_label,
    timeline,
)
from rivya_run.views.page.strip import Played, film_length, film_strip

_REFERENCES = "referenceMediaItems"
MANY: Final = 24
"""Takes up to which a page gives each shot its own rows; more are set closer, so that it isn't endless."""


class PageFiles(Protocol):
    """Where pictures and embedded files come from: by paths from the output folder, None where there is none."""

    def poster(self, path: str) -> str | None:
        """A picture that stands for a file, as a data URI."""

    def thumb(self, path: str) -> str | None:
        """The same, small."""

    def embedded(self, path: str) -> Embedded | None:
        """A small copy, when embedding is wanted and there is room."""

    def path(self, file: Path) -> str:
        """The path of any file."""

    def address(self, path: str) -> str:
        """Where a browser finds a file."""

    def reference(self, upload: Entry) -> str | None:
        """A small picture of an uploaded reference file."""

    def exists(self, path: str) -> bool:
        """Whether the file is there."""

    def holds(self) -> str:
        """What is embedded, in words; nothing where nothing is."""


def page(
    manifest: Entry,
    files: PageFiles,
    films: Mapping[str | None, Edit] | None = None,
    own: Mapping[str, Path] | None = None,
    decided: Decisions | None = None,
) -> Page:
    """The page of a manifest. Missing fields are left out; nothing in it is trusted.

    Without ``films``, by their versions, there is no strip, and the length is that of the chosen clips together.
    ``own`` are files of people's own by the shots that they are.
    """
    films = films or {}
    builder = _Builder(manifest, files, own or {}, decided or Decisions())
    shots = [builder.shot(shot) for shot in entries(manifest.get("shots"))]
    history = tuple(
        builder.take({"id": take.get("shot")}, take, f"h{count}")
        for count, take in enumerate(entries(manifest.get("history")), start=1)
    )
    scenes = tuple(_scenes(shots))
    takes = [take for shot in shots for take in shot.takes]
    places = {shot.id: shot.anchor for shot in shots}
    board = mapping(manifest.get("storyboard"))
    name = shown(board.get("id")) or "storyboard"
    return Page(
        title=shown(board.get("title")) or name,
        storyboard=name,
        path=shown(board.get("path")),
        simulated=manifest.get("base_url") == "simulator",
        updated=at(manifest.get("updated_at")),
        takes=len(takes),
        shots=sum(not shot.own_path for shot in shots),
        counts=tuple(_counts(takes)),
        running_time=" · ".join(film_length(film.seconds) for film in films.values())
        or seconds(sum(builder.lengths)),
        films=tuple(
            filter(None, (film_strip(films[name], builder.played, places, name or "") for name in films))
        ),
        holds=files.holds(),
        dense=len(takes) > MANY,
        chosen=sum(shot.shown is not None for shot in shots),
        troubles=tuple(take for take in takes if take.trouble),
        waiting=tuple(shot for shot in shots if shot.waits),
        scenes=scenes,
        scene_names=tuple(dict.fromkeys(scene.name for scene in scenes)),
        tags=tuple(sorted({tag for shot in shots for tag in shot.tags})),
        spend=spend(manifest),
        runs=timeline(manifest),
        history=history,
    )


def _scenes(shots: list[ShotCard]) -> Iterator[SceneCard]:
    groups = itertools.groupby(shots, key=lambda shot: shot.scene)
    for count, (name, found) in enumerate(groups, start=1):
        yield SceneCard(f"scene{count}", name, tuple(found))


def _counts(takes: list[TakeCard]) -> Iterator[tuple[str, str, int]]:
    """Each status that occurs, worst first, with its label and count."""
    known = ("unknown", "failed", "sent", "pending", "planned", "succeeded")
    others = sorted({take.status for take in takes} - set(known))
    for status in (*known, *others):
        count = sum(take.status == status for take in takes)
        if count:
            yield status, status_label(status), count


class _Builder:
    """Turns entries of one manifest into cards.

    ``lengths`` gathers the seconds of the chosen clips, ``cards`` the anchors of takes by the files that they play.
    """

    def __init__(
        self, manifest: Entry, files: PageFiles, own: Mapping[str, Path], decided: Decisions
    ) -> None:
        self._files = files
        self._decided = decided
        self._own_files = own
        self._uploads = {
            upload["url"]: upload
            for upload in entries(manifest.get("uploads"))
            if isinstance(upload.get("url"), str)
        }
        self._shots = 0
        self.lengths: list[float] = []
        self.cards: dict[str, str] = {}

    def shot(self, shot: Entry) -> ShotCard:
        self._shots += 1
        anchor, name, best = f"s{self._shots}", shown(shot.get("id")), chosen_take(shot)
        takes = tuple(
            replace(
                self.take(shot, take, f"{anchor}t{count}"),
                chosen=take is best,
                **self._decided.of_take(shot, take),
            )
            for count, take in enumerate(entries(shot.get("takes")), start=1)
        )
        if best is not None and (file := playable(best)) and file[1] == "video":
            self.lengths.append(number(file[2].get("duration")) or 0.0)
        first = next((take for take in sorted(takes, key=lambda take: not take.chosen) if take.prompt), None)
        written = shown(shot.get("file"))
        standing = playable(best) if best is not None else None
        path, kind = standing[:2] if standing is not None else (None, None)
        own = None
        if written and (brought := self._own_files.get(name)) is not None:
            path, kind = self._files.path(brought), kind_by_name(written) or "image"
            own = self._own(written, path, kind, f"{anchor}own")
        tags = shot.get("tags")
        pick = shot.get("pick")
        return ShotCard(
            anchor=anchor,
            id=name,
            title=shown(shot.get("title")),
            notes=shown(shot.get("notes")),
            scene=shown(shot.get("scene")),
            tags=tuple(filter(None, map(shown, tags))) if isinstance(tags, list) else (),
            skipped=bool(shot.get("skipped")),
            pick=pick if isinstance(pick, int) else None,
            shown=take_number(best) if best is not None else None,
            prompt=first.prompt if first else "",
            model=(first or takes[0]).model if takes else "",
            takes=takes,
            own=own,
            own_path=written,
            thumb=self._files.thumb(path) if path is not None else None,
            kind=kind,
            **self._decided.of_shot(shot, made=best is not None),
        )

    def _own(self, written: str, path: str, kind: Kind, anchor: str) -> OwnCard:
        self.cards.setdefault(path, anchor)
        source = self._source(path)
        return OwnCard(written, kind, source, self._files.poster(path), isinstance(source, Embedded))

    def played(self, file: Path) -> Played:
        """How the page plays a file of the film."""
        path = self._files.path(file)
        card = self.cards.get(path, "")
        return Played(card, self._source(path), self._files.poster(path), self._files.thumb(path))

    def take(self, shot: Entry, take: Entry, anchor: str) -> TakeCard:
        sent, asked = mapping(take.get("request")), params_of(take)
        status = shown(take.get("status")) or "planned"
        path, kind, output = playable(take) or (None, None, {})
        count = number(output.get("bytes"))
        there = path is not None and self._files.exists(path)
        if path is not None and there:
            self.cards.setdefault(path, anchor)
        trouble = _trouble(status, take)
        warnings: tuple[str, ...] = ()
        if path is not None and not there:
            trouble = "The file is missing from the output folder"
        elif path is not None:
            warnings = tuple(faults_in_words(output, asked, *checks_of(shot)))
            trouble = trouble or "; ".join(warnings)
        return TakeCard(
            anchor=anchor,
            shot=shown(shot.get("id")),
            take=take_number(take),
            status=status,
            label=status_label(status),
            chosen=False,
            kind=kind,
            source=self._source(path) if path is not None and there else None,
            poster=self._files.poster(path) if path is not None and there and kind != "audio" else None,
            width=int(number(output.get("width")) or 16),
            height=int(number(output.get("height")) or 9),
            length=seconds(length) if (length := number(output.get("duration"))) else "",
            facts=facts_line(output),
            credits=_credits(status, take),
            trouble=trouble,
            warnings=warnings,
            model=shown(take.get("model") or sent.get("model")),
            prompt=shown(sent.get("prompt")),
            params=tuple((shown(key), param(asked[key])) for key in asked if key != _REFERENCES),
            references=tuple(self._references(asked)),
            times=(*_times(take), *((("Size", size(count)),) if count is not None else ())),
            copyable=tuple(_copyable(take, output)),
            more_files=tuple(self._more_files(take, path)),
            error=_failure(take.get("error")),
            attempts=tuple(_attempt(one) for one in entries(take.get("attempts"))),
        )

    def _source(self, path: str) -> str | Embedded:
        return self._files.embedded(path) or self._files.address(path)

    def _more_files(self, take: Entry, played: str | None) -> Iterator[tuple[str, str]]:
        for output in entries(take.get("outputs")):
            path = inside(output.get("path"))
            if path is not None and path != played:
                yield shown(path), self._files.address(path)

    def _references(self, params: Entry) -> Iterator[ReferenceCard]:
        for item in entries(params.get(_REFERENCES)):
            upload = self._uploads.get(item.get("url"), {})
            # A signed URL opens the file for whoever reads it: what follows the question mark stays out.
            name = upload.get("path") or item.get("name") or shown(item.get("url")).split("?")[0]
            picture = self._files.reference(upload) if upload else None
            yield ReferenceCard(shown(name), shown(item.get("kind")), picture)


def _trouble(status: str, take: Entry) -> str:
    if status == "failed":
        return _reason(take) or "Failed"
    if status == "unknown":
        return "Its outcome is unknown: adopt its task, or resend it"
    return ""


def _reason(attempt: Entry) -> str:
    error = _failure(attempt.get("error"))
    return f"{error.code}: {error.message}" if error else ""


def _failure(error: object) -> Failure | None:
    if not isinstance(error, Mapping):
        return None
    return Failure(shown(error.get("code")), shown(error.get("message")), shown(error.get("request_id")))


def _credits(status: str, take: Entry) -> str:
    if status == "planned":
        return ""
    return credits_in_words(spent(take)) + ("" if ended(take) else " reserved")


def _times(take: Entry) -> Iterator[tuple[str, str]]:
    for key, label in (("sent_at", "Sent"), ("created_at", "Created"), ("updated_at", "Last change")):
        if take.get(key):
            yield label, at(take[key])
    begun, ended = moment(take.get("created_at")), moment(take.get("updated_at"))
    if begun and ended and ended > begun and take.get("status") in ("succeeded", "failed"):
        yield "Took", seconds((ended - begun).total_seconds())


def _copyable(take: Entry, output: Entry) -> Iterator[tuple[str, str]]:
    fields = (
        ("Client request id", take.get("client_request_id")),
        ("Task id", take.get("task_id")),
        ("Fingerprint", take.get("fingerprint")),
        ("File", inside(output.get("path"))),
        ("SHA-256", output.get("sha256")),
    )
    for label, value in fields:
        if value:
            yield label, shown(value)


def _attempt(one: Entry) -> AttemptRow:
    status = shown(one.get("status"))
    return AttemptRow(
        number=shown(one.get("attempt")),
        status=status_label(status),
        credits=_credits(status, one),
        task_id=shown(one.get("task_id")),
        error=_reason(one),
    )
