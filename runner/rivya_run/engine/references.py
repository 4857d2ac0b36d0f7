"""What a take is made from, brought to the API: files, and frames taken out of parents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import anyio

from rivya_run.engine.next_step import Ending
from rivya_run.engine.records import RunLedger
from rivya_run.engine.stand_ins import drawn
from rivya_run.engine.uploads import NotUploaded, ReferenceFile, Uploader
from rivya_run.errors import KeyRefused, ObjectStoreError, OutputFolderError, RivyaError
from rivya_run.journal.attempt import Output, stills
from rivya_run.journal.events import FrameTaken
from rivya_run.json_types import Json
from rivya_run.media.frames import frame as take_frame
from rivya_run.models.catalog import Catalog
from rivya_run.planning.other_storyboards import key_of
from rivya_run.planning.plan import BoardTake, Parent, Step
from rivya_run.planning.planner import Planner
from rivya_run.project.names import within
from rivya_run.project.outputs import place, sha256_of
from rivya_run.project.places import FRAMES
from rivya_run.provider.partial_file import PART
from rivya_run.storyboard.model import (
    BoardReference,
    FileFacts,
    FileReference,
    Frame,
    ShotReference,
    UrlReference,
)
from rivya_run.storyboard.references import file_against_table


@dataclass(frozen=True, slots=True)
class ResolvedReferences:
    """``media`` are the items of ``referenceMediaItems``; ``parents`` have their content's sha256."""

    media: tuple[dict[str, Json], ...]
    parents: tuple[Parent, ...]


@dataclass(frozen=True, slots=True)
class NotResolved:
    """Why the take can't be made now; nothing was paid."""

    ending: Ending
    message: str
    code: str | None = None


class References:
    """Resolves the references of one storyboard's takes."""

    def __init__(
        self,
        facts: Mapping[str, FileFacts],
        catalog: Catalog,
        ledger: RunLedger,
        planner: Planner,
        uploader: Uploader,
    ) -> None:
        """``facts`` are of files, by path as written; ``planner`` knows which attempt serves a parent."""
        self._facts = facts
        self._catalog = catalog
        self._ledger = ledger
        self._planner = planner
        self._uploader = uploader
        self._stills: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    async def resolve(self, step: Step, deadline: float) -> ResolvedReferences | NotResolved:
        """Every reference, in order, as the API wants it."""
        media: list[dict[str, Json]] = []
        made_from = iter(step.needs), iter(step.boards)
        for reference in step.shot.references:
            if isinstance(reference, UrlReference):
                media.append(_item_of_url(reference))
                continue
            try:
                file = await self._file(reference, *made_from)
            except ObjectStoreError as error:
                return NotResolved(Ending.NO_ROOM, error.message, "reference")
            except (KeyRefused, OutputFolderError):
                raise
            except RivyaError as error:
                return NotResolved(Ending.FAILED, error.message, "reference")
            if (unfit := self._unfit(file, step.shot.model)) is not None:
                return NotResolved(Ending.FAILED, unfit, "reference")
            upload = await self._uploader.url_of(file, step.shot.model, deadline)
            if isinstance(upload, NotUploaded):
                plain = upload.error is not None
                return NotResolved(Ending.FAILED if plain else Ending.UNFINISHED, upload.message, "upload")
            item: dict[str, Json] = {
                "url": upload.url,
                "kind": file.kind,
                "name": PurePosixPath(file.name).name,
                "mimeType": file.mime_type,
            }
            if upload.duration_token is not None:
                item["durationToken"] = upload.duration_token
            media.append(item)
        # After the parents come sounds, of which only the length counts.
        used = sum(isinstance(reference, ShotReference) for reference in step.shot.references)
        return ResolvedReferences(tuple(media), step.needs[:used])

    def _unfit(self, file: ReferenceFile, model: str) -> str | None:
        """Why a model can't take a file, by its table: what was made, or taken out, is known only now."""
        table = self._catalog.get(model)
        facts = FileFacts(str(file.path), file.sha256, file.bytes, 0, file.kind, file.mime_type)
        trouble = file_against_table(facts, table, file.name) if table and table.complete else None
        return f"{trouble[1]}: not sent, it needs another model or take" if trouble else None

    async def _file(
        self,
        reference: FileReference | ShotReference | BoardReference,
        parents: Iterator[Parent],
        boards: Iterator[BoardTake],
    ) -> ReferenceFile:
        if isinstance(reference, FileReference):
            return await self._own(self._facts[reference.path], reference.path, reference.frame)
        if isinstance(reference, BoardReference):
            return await self._of_another(reference, next(boards))
        return await self._output_of(next(parents), reference.frame)

    async def _own(self, facts: FileFacts, written: str, frame: Frame | None) -> ReferenceFile:
        """A file that lies outside of the output folder, or a frame of it."""
        if frame is not None:
            return await self._frame_of_own(facts, written, frame)
        mime_type = facts.mime_type or "application/octet-stream"
        return ReferenceFile(
            Path(facts.path), written, facts.sha256, facts.bytes, facts.kind or "image", mime_type
        )

    async def _of_another(self, reference: BoardReference, made: BoardTake) -> ReferenceFile:
        """What another storyboard made, or a frame of it; a stand-in is drawn now."""
        choice = self._planner.lineage.other_storyboards.choices[key_of(reference)]
        file = choice.files.get(made.sha256 or "")
        if file is None:
            raise RivyaError(choice.lacking or f"{made.label} isn't there")
        if file.stands_for is None:
            trouble = await anyio.to_thread.run_sync(file.fetch) if file.fetch is not None else None
            if trouble is not None:
                raise RivyaError(f"{made.label}: {file.facts.path} {trouble}")
            return await self._own(file.facts, Path(file.facts.path).name, reference.frame)
        async with self._stills[file.facts.path]:
            facts = await anyio.to_thread.run_sync(drawn, file, self._ledger.folder / FRAMES)
        return await self._own(facts, Path(facts.path).name, reference.frame)

    async def _output_of(self, parent: Parent, frame: Frame | None) -> ReferenceFile:
        """The parent's first output, or a frame of it."""
        key = self._planner.matching.key_for(parent.shot, parent.take or 1)
        if key is None:
            raise RivyaError(f"parent {parent.label} isn't there")
        output = self._ledger.attempt(key).outputs[0]
        trouble = await anyio.to_thread.run_sync(self._ledger.home.fetched, output)
        if trouble is not None:
            raise RivyaError(f"parent {parent.label}: {output.path} {trouble}")
        if frame is None:
            mime_type = output.mime_type or "application/octet-stream"
            path = within(self._ledger.folder, output.path)
            return ReferenceFile(
                path, output.path, output.sha256, output.bytes, mime_type.partition("/")[0], mime_type
            )
        return await self._frame(key, output, frame)

    async def _frame_of_own(self, facts: FileFacts, written: str, frame: Frame) -> ReferenceFile:
        """A frame of one's own clip, which has to be what the plan was made by."""
        if await anyio.to_thread.run_sync(sha256_of, Path(facts.path)) != facts.sha256:
            raise RivyaError(f"{written} was changed while this runs")
        name = _still_name(PurePosixPath(written.replace("\\", "/")).name, frame)
        target = self._ledger.folder / FRAMES / facts.sha256[:16] / name
        async with self._stills[str(target)]:
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = await anyio.to_thread.run_sync(_take_out, Path(facts.path), frame, target)
        return ReferenceFile(target, name, digest, target.stat().st_size, "image", "image/png")

    async def _frame(self, key: str, clip: Output, frame: Frame) -> ReferenceFile:
        """The still that is on record, else one that is taken out now; kept beside the clip.

        What lies under its name and isn't what is on record is kept beside it: it was never asked for.
        """
        label, name = _label(frame), _still_name(clip.path, frame)
        target = within(self._ledger.folder, name)
        async with self._stills[name]:
            known = [still for still in stills(self._ledger.attempt(key).outputs[0]) if still.path == name]
            for still in known:
                if await anyio.to_thread.run_sync(self._ledger.home.fetched, still) is None:
                    return ReferenceFile(target, name, still.sha256, still.bytes, "image", "image/png")
            source = within(self._ledger.folder, clip.path)
            digest = await anyio.to_thread.run_sync(_take_out, source, frame, target)
            size = target.stat().st_size
            self._ledger.record(FrameTaken(key=key, frame=label, path=name, sha256=digest, bytes=size))
        return ReferenceFile(target, name, digest, size, "image", "image/png")


def _label(frame: Frame) -> str:
    return frame if isinstance(frame, str) else f"{frame:g}s"


def _still_name(clip: str, frame: Frame) -> str:
    return f"{clip.rpartition('.')[0]}_{_label(frame).replace('.', '-')}.png"


def _take_out(clip: Path, frame: Frame, target: Path) -> str:
    """Put a frame of a clip under its name; the sha256 of the picture."""
    part = target.with_name(target.name + PART)
    take_frame(clip, frame, part)
    digest = sha256_of(part)
    place(part, target, digest)
    return digest


def _item_of_url(reference: UrlReference) -> dict[str, Json]:
    more = {
        "name": reference.name,
        "mimeType": reference.mime_type,
        "durationToken": reference.duration_token,
    }
    item: dict[str, Json] = {"url": reference.url, "kind": reference.kind}
    return item | {name: value for name, value in more.items() if value is not None}
