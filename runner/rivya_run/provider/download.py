"""A result on its way to disk: streamed, resumed where the server can, checked, never with the API key."""

from __future__ import annotations

import random as random_module
import re
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit

import anyio

from rivya_run.provider.attempts import Attempts
from rivya_run.provider.exchange import ENOUGH, Incoming, SpeedCheck, is_page
from rivya_run.provider.faults import BodyError, TransportError
from rivya_run.provider.http import Http
from rivya_run.provider.origin import result_url, why_unsafe
from rivya_run.provider.partial_file import PartialFile, Version
from rivya_run.provider.rivya.retry import FailureKind, RetryAction, TransportResult
from rivya_run.text import shortened

_MOST_REDIRECTS = 5  # storage behind a CDN takes one or two
_BATCH = 1024 * 1024  # bytes handed to a thread at once: each change of threads costs its time
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RANGE = re.compile(r"bytes (\d{1,16})-(\d{1,16})/(\d{1,16})\Z")

Seen = TypeVar("Seen")
"""What is seen in a whole file."""


@dataclass(frozen=True, slots=True)
class Fetched(Generic[Seen]):
    """The whole file is in the part, fsynced. ``resumed``: some of it by Range; ``mime_type``: as told.

    ``seen`` is what was asked of the file.
    """

    bytes: int
    sha256: str
    mime_type: str | None
    resumed: bool
    seen: Seen


@dataclass(frozen=True, slots=True)
class NotThere:
    """The URL doesn't give the media (403, 404, 202, a page in its place): not yet, or no more, which nobody tells.

    Asking for the task again may give another URL.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class DownloadFailed:
    """It can't be had now; what came stays in the part. ``final``: nor later, as far as can be told."""

    reason: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class _Trouble:
    """One try that ended without an answer that counts."""

    result: TransportResult
    words: str
    hint: float | None = None


_End: TypeAlias = Fetched[Seen] | NotThere | DownloadFailed


async def fetch(
    http: Http,
    url: str,
    part: Path,
    *,
    look: Callable[[Path], Seen],
    max_bytes: int,
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
    random: Callable[[], float] = random_module.random,
) -> Fetched[Seen] | NotThere | DownloadFailed:
    """Fetch ``url`` into ``part`` (whose folder is there), going on from what an earlier try left in it.

    ``look`` is asked of the whole file in the thread that wrote its end: each change of threads costs its time.

    Resets, timeouts, 408, 425, 429 and 5xx are tried again until ``deadline`` (monotonic, of ``clock``).
    The file is fsynced but not renamed: that is the caller's. Raises DiskFull or OutputFolderError.
    """
    download = _Download(http, PartialFile(part), look, max_bytes, deadline, clock)
    try:
        if download.part.left_over:
            await anyio.to_thread.run_sync(download.part.reopen)
        async for attempt in Attempts(deadline, clock=clock, random=random):
            before = download.part.size
            outcome = await download.attempt(url)
            if not isinstance(outcome, _Trouble):
                if download.part.size > max_bytes:
                    download.part.drop()
                return outcome
            # Progress starts the count again: a long download over a poor line may break off many times.
            if download.part.size > before:
                attempt.progressed()
            decision = attempt.decide("GET", outcome.result, outcome.hint)
            if decision.action is not RetryAction.RETRY:
                return DownloadFailed(f"{outcome.words} ({decision.reason.value})")
        raise AssertionError("every attempt returns or is followed by another")
    finally:
        download.part.close()


class _Download(Generic[Seen]):
    """The state of one fetch over its tries."""

    def __init__(
        self,
        http: Http,
        part: PartialFile,
        look: Callable[[Path], Seen],
        max_bytes: int,
        deadline: float,
        clock: Callable[[], float],
    ) -> None:
        self.part = part
        self._http = http
        self._look = look
        self._max_bytes = max_bytes
        self._deadline = deadline
        self._clock = clock
        self._resumed = False

    async def attempt(self, url: str) -> _End[Seen] | _Trouble:
        """One try: follow redirects, then read the answer."""
        for _ in range(_MOST_REDIRECTS + 1):
            if (why := why_unsafe(url, self._http.base_url)) is not None:
                return DownloadFailed(f"its URL can't be fetched: {shortened(url)} ({why})", final=True)
            async with self._http.open(url, self._headers()) as incoming:
                if isinstance(incoming, TransportError):
                    if incoming.kind is FailureKind.LOCAL:
                        return DownloadFailed(incoming.message, final=True)
                    return _Trouble(TransportResult(incoming.kind), incoming.message)
                location = incoming.headers.get("location")
                if incoming.status not in _REDIRECTS or not location:
                    return await self._answer(incoming, _host(url))
            target = result_url(location, url)
            # What was asked for in secret is not to be fetched in the open.
            if url.startswith("https:") and not target.startswith("https:"):
                return DownloadFailed("its URL redirects from https to another scheme", final=True)
            url = target
        return DownloadFailed(f"its URL was redirected more than {_MOST_REDIRECTS} times", final=True)

    def _headers(self) -> dict[str, str]:
        version = self.part.version
        if version is None or not self.part.size:
            return {}
        return {"Range": f"bytes={self.part.size}-", "If-Range": version.validator}

    async def _answer(self, incoming: Incoming, host: str) -> _End[Seen] | _Trouble:
        status = incoming.status
        if status == 416 or (status == 206 and not self._goes_on(incoming)):
            self.part.forget()
            return _Trouble(
                TransportResult(FailureKind.RESET), "the server could not resume the download", 0.0
            )
        if status in (408, 425, 429) or status >= 500:
            hint = self._http.retry_after(incoming.headers)
            return _Trouble(TransportResult(FailureKind.ANSWERED, status), f"HTTP {status} from {host}", hint)
        if status not in (200, 206):
            return NotThere(f"HTTP {status} from {host}")
        total = incoming.length
        if status == 206 and self.part.version is not None:
            self._resumed = True
            total = self.part.version.length
        if total is not None and total > self._max_bytes:
            return self._too_large()
        return await self._body(incoming, total, host)

    def _goes_on(self, incoming: Incoming) -> bool:
        """Whether a 206 goes on exactly where the part ends, with the same bytes in mind."""
        version = self.part.version
        found = _RANGE.match(incoming.headers.get("content-range", ""))
        if version is None or found is None or incoming.length is None:
            return False
        start, end, total = (int(text) for text in found.groups())
        fits = start == self.part.size and end == total - 1 and total == version.length
        etag = incoming.headers.get("etag")
        same = etag is None or not version.validator.startswith('"') or etag == version.validator
        return fits and same and incoming.length == end - start + 1

    async def _body(self, incoming: Incoming, total: int | None, host: str) -> _End[Seen] | _Trouble:
        """Read to the end, while a worker thread hashes and writes what came before."""
        arrival = _Arrival(incoming, self.part, self._finish)
        with arrival.batches:
            async with anyio.create_task_group() as group:
                group.start_soon(arrival.write)
                with arrival.queue:
                    ended = await self._read(incoming, arrival, total)
        if arrival.failed is not None:
            raise arrival.failed
        if arrival.is_page:
            return NotThere(f"a page instead of media from {host}")
        if self.part.size > self._max_bytes:
            return self._too_large()
        if isinstance(ended, DownloadFailed):
            return ended
        if ended is not None:
            return _Trouble(TransportResult(ended.kind), ended.message)
        if not self.part.size:
            return _Trouble(TransportResult(FailureKind.UNREADABLE), "the download server sent nothing")
        if total is not None and self.part.size != total:
            return _Trouble(
                TransportResult(FailureKind.RESET), f"only {self.part.size} of {total} bytes arrived"
            )
        if arrival.seen is None:
            arrival.seen = await anyio.to_thread.run_sync(self._finish)
        (seen,) = arrival.seen
        sha256 = self.part.sha256.hexdigest()
        return Fetched(self.part.size, sha256, arrival.mime_type, self._resumed, seen)

    async def _read(
        self, incoming: Incoming, arrival: _Arrival[Seen], total: int | None
    ) -> TransportError | DownloadFailed | None:
        """Hand on what comes until its end (None), or until it can't go on. What came is handed on in any case."""
        progress = SpeedCheck(self._clock)
        ended: TransportError | DownloadFailed | None = None
        try:
            async with aclosing(incoming.chunks()) as chunks:
                async for chunk in chunks:
                    if not await arrival.take(chunk) or self.part.size > self._max_bytes:
                        return None
                    if progress.too_slow(len(chunk)):
                        ended = TransportError(FailureKind.READ_TIMEOUT, "the download is too slow")
                        break
                    if self._clock() >= self._deadline:
                        ended = DownloadFailed("it took too long")
                        break
        except BodyError as error:
            ended = error.fault
        await arrival.keep(total if ended is None else None)
        return ended

    def _finish(self) -> tuple[Seen]:
        self.part.finish()
        return (self._look(self.part.path),)

    def _too_large(self) -> DownloadFailed:
        return DownloadFailed(f"it is larger than {self._max_bytes} bytes", final=True)


class _Arrival(Generic[Seen]):
    """The body of one answer on its way into the part, which it replaces unless it goes on with it.

    While one batch is written, the next one is read: two at most are held. ``seen`` is what ``finish`` gave, once the
    part was whole; ``failed`` is why it can't be written; of a page in the place of media nothing is touched.
    """

    def __init__(self, incoming: Incoming, part: PartialFile, finish: Callable[[], tuple[Seen]]) -> None:
        headers = incoming.headers
        self.mime_type = headers.get("content-type", "").partition(";")[0].strip().lower() or None
        self.seen: tuple[Seen] | None = None
        self.failed: Exception | None = None
        self.is_page = False
        self._part = part
        self._finish = finish
        self._restarts = incoming.status == 200
        self._version, self._length = _version(incoming), incoming.length
        self._batch: list[bytes] = []
        self._waiting = 0
        self.queue, self.batches = anyio.create_memory_object_stream[tuple[list[bytes], bool, int | None]](0)

    async def take(self, chunk: bytes) -> bool:
        """Add what came; False if no more is wanted."""
        self._batch.append(chunk)
        self._waiting += len(chunk)
        return self._waiting < _BATCH or await self.keep()

    async def keep(self, whole: int | None = None) -> bool:
        """Hand on what was taken, as soon as what was before is written; False if no more is wanted.

        With the part as long as ``whole`` it is finished in the same go: a change of threads costs its time.
        """
        batch, self._batch, self._waiting = self._batch, [], 0
        if not batch:
            return True
        restarts, self._restarts = self._restarts, False
        self.is_page = restarts and is_page(self.mime_type, _beginning(batch))
        if self.is_page:
            return False
        try:
            await self.queue.send((batch, restarts, whole))
        except anyio.BrokenResourceError:
            return False
        return True

    async def write(self) -> None:
        """Hash and write what is handed on, until no more comes."""
        try:
            async for batch, restarts, whole in self.batches:
                await anyio.to_thread.run_sync(self._write, batch, restarts, whole)
        except Exception as error:
            self.failed = error
            self.batches.close()

    def _write(self, batch: list[bytes], restarts: bool, whole: int | None) -> None:
        if restarts:
            # A note for a later run is only needed where something is still to come.
            ends = sum(map(len, batch)) == whole
            self._part.restart(None if ends else self._version, length=self._length, ends=ends)
        self._part.append(b"".join(batch))
        if self._part.size == whole:
            self.seen = self._finish()


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"


def _beginning(batch: list[bytes]) -> bytes:
    """As many of the first bytes as tell a page."""
    found = b""
    for chunk in batch:
        found += chunk[:ENOUGH]
        if len(found) >= ENOUGH:
            break
    return found[:ENOUGH]


def _version(incoming: Incoming) -> Version | None:
    """What the server calls the bytes it is about to send, if it can go on with them later."""
    headers = incoming.headers
    length = incoming.length
    validator = headers.get("etag") or headers.get("last-modified")
    if not length or not validator or headers.get("accept-ranges", "").strip().lower() == "none":
        return None
    if validator.startswith("W/"):
        validator = headers.get("last-modified", "")
    return (
        Version(validator, length) if validator and validator.isascii() and validator.isprintable() else None
    )
