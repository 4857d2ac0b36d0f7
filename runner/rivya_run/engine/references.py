"""What a take is made from, brought to the API: files uploaded, frames taken out of parents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import anyio

from rivya_run.engine.named_locks import NamedLocks
from rivya_run.engine.outcome import Ending
from rivya_run.engine.run_ledger import RunLedger
from rivya_run.engine.uploads import NotUploaded, ReferenceFile, Uploader
from rivya_run.errors import KeyRefused, OutputFolderError, RivyaError
from rivya_run.journal.events import FrameTaken
from rivya_run.json_types import Json
from rivya_run.media.frames import frame as take_frame
from rivya_run.planning.plan import Parent, Step
from rivya_run.planning.planner import Planner
from rivya_run.project.names import within
from rivya_run.project.outputs import file_trouble, sha256_of
from rivya_run.project.places import FRAMES
from rivya_run.storyboard.model import FileFacts, FileReference, Frame, ShotReference, UrlReference


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
        ledger: RunLedger,
        planner: Planner,
        uploader: Uploader,
        locks: NamedLocks,
    ) -> None:
        """``facts`` are of files, by path as written; ``planner`` knows which attempt serves a parent."""
        self._facts = facts
        self._ledger = ledger
        self._planner = planner
        self._uploader = uploader
        self._locks = locks

    async def resolve(self, step: Step, deadline: float) -> ResolvedReferences | NotResolved:
        """Every reference, in order, as the API wants it."""
        media: list[dict[str, Json]] = []
        parents = iter(step.needs)
        for reference in step.shot.references:
            if isinstance(reference, UrlReference):
                media.append(_item_of_url(reference))
                continue
            try:
                file = await self._file(reference, parents)
            except (KeyRefused, OutputFolderError):
                raise
            except RivyaError as error:
                return NotResolved(Ending.FAILED, error.message, "reference")
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
        return ResolvedReferences(tuple(media), step.needs)

    async def _file(
        self, reference: FileReference | ShotReference, parents: Iterator[Parent]
    ) -> ReferenceFile:
        if isinstance(reference, FileReference):
            facts = self._facts[reference.path]
            if reference.frame is not None:
                return await self._frame_of_own(facts, reference.path, reference.frame)
            return ReferenceFile(
                Path(facts.path),
                reference.path,
                facts.sha256,
                facts.bytes,
                facts.kind or "image",
                facts.mime_type or "application/octet-stream",
            )
        return await self._output_of(next(parents), reference.frame)

    async def _output_of(self, parent: Parent, frame: Frame | None) -> ReferenceFile:
        """The parent's first output, or a frame of it."""
        key = self._planner.matching.key_for(parent.shot, parent.take or 1)
        if key is None:
            raise RivyaError(f"parent {parent.label} isn't there")
        output = self._ledger.attempt(key).outputs[0]
        trouble = await anyio.to_thread.run_sync(file_trouble, self._ledger.folder, output)
        if trouble is not None:
            raise RivyaError(f"parent {parent.label}: {output.path} {trouble}")
        if frame is None:
            mime_type = output.mime_type or "application/octet-stream"
            path = within(self._ledger.folder, output.path)
            return ReferenceFile(
                path, output.path, output.sha256, output.bytes, mime_type.partition("/")[0], mime_type
            )
        return await self._frame(key, output.path, frame)

    async def _frame_of_own(self, facts: FileFacts, written: str, frame: Frame) -> ReferenceFile:
        """A frame of one's own clip, which has to be what the plan was made by."""
        if await anyio.to_thread.run_sync(sha256_of, Path(facts.path)) != facts.sha256:
            raise RivyaError(f"{written} was changed while this runs")
        name = _still_name(PurePosixPath(written.replace("\\", "/")).name, frame)
        target = self._ledger.folder / FRAMES / facts.sha256[:16] / name
        async with self._locks.of(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            await anyio.to_thread.run_sync(take_frame, Path(facts.path), frame, target)
            digest = await anyio.to_thread.run_sync(sha256_of, target)
        return ReferenceFile(target, name, digest, target.stat().st_size, "image", "image/png")

    async def _frame(self, key: str, clip: str, frame: Frame) -> ReferenceFile:
        """The still, taken out now unless it lies there already; kept beside the clip."""
        label, name = _label(frame), _still_name(clip, frame)
        target = within(self._ledger.folder, name)
        async with self._locks.of(name):
            if not target.exists():
                await anyio.to_thread.run_sync(take_frame, within(self._ledger.folder, clip), frame, target)
            digest = await anyio.to_thread.run_sync(sha256_of, target)
            size = target.stat().st_size
            self._ledger.record(FrameTaken(key=key, frame=label, path=name, sha256=digest, bytes=size))
        return ReferenceFile(target, name, digest, size, "image", "image/png")


def _label(frame: Frame) -> str:
    return frame if isinstance(frame, str) else f"{frame:g}s"


def _still_name(clip: str, frame: Frame) -> str:
    return f"{clip.rpartition('.')[0]}_{_label(frame).replace('.', '-')}.png"


def _item_of_url(reference: UrlReference) -> dict[str, Json]:
    item: dict[str, Json] = {"url": reference.url, "kind": reference.kind}
    if reference.name is not None:
        item["name"] = reference.name
    if reference.mime_type is not None:
        item["mimeType"] = reference.mime_type
    if reference.duration_token is not None:
        item["durationToken"] = reference.duration_token
    return item
