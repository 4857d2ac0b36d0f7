"""Where in a clip nothing is to be seen, nothing moves, or nothing is to be heard: found while it is decoded.

FFmpeg's silencedetect is used as it is. Its blackdetect and freezedetect aren't: the one lets a part of the picture
be bright (a lamp in the night), the other averages over the whole picture (a mouth that speaks in a wide shot is
lost in it), and both would cry wolf. What is repeated picture by picture differs from what hardly moves in another
way: an encoder leaves the first out, to the last pixel, and spends a little on the second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from PIL import Image, ImageChops

from rivya_run.media.facts import UNREADABLE, pictures_of, sounds_of
from rivya_run.media.stills import UNREADABLE_IMAGE

Stretch: TypeAlias = tuple[float, float]
"""From when to when, in seconds from the first picture."""

BLACK_UNDER: Final = 26
"""Of 255: black is where no pixel is brighter than a tenth of white, as FFmpeg's blackdetect has it. Night has a
lamp, a rim of light, a title; encoders lift pure black only to about 3."""

BLACK_FOR: Final = 1.0
"""Seconds in the middle of a clip: a dip to black between two pictures is shorter."""

BLACK_AT_AN_END_FOR: Final = 2.0
"""Seconds at the begin or end of a clip, where pictures fade in and out: the dark half of a slow fade is shorter."""

SAME_UNDER: Final = 3
"""Of 255: two pictures are the same where no pixel differs by as much. In a picture that is repeated nothing differs
between most neighbours; the least that moves, and grain as far as it survives, differs by 5 and more somewhere."""

ALIKE_UNDER: Final = 4
"""Of 255, in the mean of a patch: by less, a picture that is repeated differs from itself when it is encoded anew, as
in each keyframe (measured: 3 at most, at qualities that services deliver)."""

ANEW_FOR: Final = 0.5
"""Seconds for which pictures may be alike only, inside of a stretch that is frozen: a keyframe, and what refines
it."""

FROZEN_FOR: Final = 2.0
"""Seconds: people, and what is drawn, hold still for a moment; FFmpeg's freezedetect has the same."""

SHORTEST: Final = 0.5
"""Seconds of a clip that is frozen as a whole; in less, what is slow has hardly moved."""

SILENT_FOR: Final = 3.0
"""Seconds in a sound: made speech has pauses of pure silence, and they are shorter."""

SILENCE: Final = "-80dB"
"""What is quieter counts as digital silence: the air of any place is at -70 dB or more."""

_EVERY = 0.125  # seconds between pictures that are looked at: what begins and ends is told as exactly
_LONG_SIDE = 640  # pixels that are compared: some of those that there are, none averaged
_PATCH = 8  # of these, a side
_SPARED_FROM = 24  # pictures: where there are more, those that no other needs are left out
MOST_PIXELS = 6_000_000_000
"""Pixels that are decoded, then the rest of a clip isn't looked at: two minutes of Full HD at 24 a second, and about
ten seconds of a processor."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """What was found. ``broke_at`` is up to when the pictures can be decoded, where that isn't the end."""

    black: tuple[Stretch, ...] = ()
    frozen: tuple[Stretch, ...] = ()
    silent: tuple[Stretch, ...] = ()
    broke_at: float | None = None


def seen_in(path: Path, kind: str, duration: float | None) -> Stretches:
    """What is found in a file whose facts are known; as much of it as can be read."""
    if kind == "image":
        return Stretches(black=((0.0, 0.0),) if _is_black(path) else ())
    with suppress(*UNREADABLE), av.open(str(path), metadata_errors="replace") as container:
        watch = Watch(container)
        for packet in container.demux(watch.streams):
            watch.take(packet)
        return watch.seen(duration or 0.0)
    return Stretches()


def _is_black(path: Path) -> bool:
    with suppress(*UNREADABLE_IMAGE), Image.open(path) as image:
        image.draft("L", (_LONG_SIDE, _LONG_SIDE))
        if image.has_transparency_data:  # what is under it isn't seen
            return False
        _, brightest = image.convert("L").getextrema()
        return cast("int", brightest) < BLACK_UNDER
    return False


class Watch:
    """Decodes the first picture stream and the first sound of a container as their packets are handed to it."""

    def __init__(self, container: InputContainer) -> None:
        self.first: av.VideoFrame | None = None
        pictures, sounds = pictures_of(container)[:1], sounds_of(container)[:1]
        self.streams = [*pictures, *sounds]
        self._picture = pictures[0].index if pictures else None
        self._pictures, self._silence = _Pictures(), _Silence()
        self._left, self._broken = MOST_PIXELS, False
        for stream in pictures:
            # Starting threads takes longer than they save, and a run has its own work for the processors.
            stream.thread_type = "NONE"
            if (stream.frames or 0) > _SPARED_FROM:
                stream.codec_context.skip_frame = "NONREF"

    def take(self, packet: av.Packet[Any]) -> None:
        if packet.stream.index != self._picture:
            if packet.stream in self.streams:
                self._silence.take(packet)
        elif self._left > 0:
            for shown in self._decoded(packet):
                self.first = self.first or shown
                self._left -= shown.width * shown.height
                if shown.pts is not None:
                    self._pictures.take(shown)

    def _decoded(self, packet: av.Packet[av.VideoStream]) -> Iterator[av.VideoFrame]:
        try:
            yield from packet.decode()
        except FFmpegError:
            self._broken = True  # one that can be passed over does no harm: see ``seen``

    def seen(self, end: float) -> Stretches:
        """What was found; ``end`` is how long the clip lasts."""
        seen_to = end if self._left > 0 else self._pictures.at
        broke = self._broken and self._left > 0 and self._pictures.at < end - ANEW_FOR * 2
        if broke:
            seen_to = self._pictures.at
        black, frozen = self._pictures.found(seen_to, end)
        start = self._pictures.start or 0.0
        return Stretches(black, frozen, self._silence.found(start, end), self._pictures.at if broke else None)


class _Pictures:
    """Compares pictures that are shown to it in their order; ``at`` is when the last one was, from the first on."""

    def __init__(self) -> None:
        self.start: float | None = None
        self.at = 0.0
        self._reformatter = VideoReformatter()  # one for all: setting up costs most of its time
        self._due = 0.0
        self._anew = False  # a keyframe came since the last picture that was looked at
        self._before: Image.Image | None = None
        self._recent: deque[tuple[float, Image.Image]] = deque(maxlen=1 + round(ANEW_FOR / _EVERY))
        self._dark_from: float | None = None
        self._still: _Still | None = None
        self._black: list[Stretch] = []
        self._frozen: list[Stretch] = []

    def take(self, shown: av.VideoFrame) -> None:
        time = float(shown.time or 0.0)
        self.start = time if self.start is None else self.start
        self.at = time - self.start
        self._anew |= shown.key_frame
        if self.at < self._due - 1e-6:
            return
        self._due = self.at + _EVERY
        anew, self._anew = self._anew, False
        grey = _grey(shown, self._reformatter)
        if cast("int", grey.getextrema()[1]) < BLACK_UNDER:
            self._dark_from = self.at if self._dark_from is None else self._dark_from
            self._ends_still(self.at)
            self._before = None
            self._recent.clear()
            return
        if self._dark_from is not None:
            self._black.append((self._dark_from, self.at))
            self._dark_from = None
        patches = grey.reduce(_PATCH)
        same = self._before is not None and _difference(self._before, grey) < SAME_UNDER
        if self._still is not None and not self._still.goes_on(self.at, patches, same=same, anew=anew):
            self._ends_still(self.at)
        if same and self._still is None:
            self._still = _Still(self._alike_since(patches), patches)
        self._before = grey
        self._recent.append((self.at, patches))

    def _alike_since(self, patches: Image.Image) -> float:
        """When a picture was there first that an encoder has made better since."""
        since = self.at
        for at, before in reversed(self._recent):
            if _difference(before, patches) >= ALIKE_UNDER:
                break
            since = at
        return since

    def _ends_still(self, at: float) -> None:
        if self._still is not None and self._still.mostly_same:
            self._frozen.append((self._still.begin, at if self._still.end is None else self._still.end))
        self._still = None

    def found(self, seen_to: float, end: float) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
        """The stretches that are black and frozen, of a clip that lasts until ``end`` and was seen so far."""
        if self._dark_from is not None:
            self._black.append((self._dark_from, seen_to))
        self._ends_still(seen_to)

        def inside(begin: float, stop: float) -> bool:
            return begin > 0 and stop < end

        black = [
            (begin, stop)
            for begin, stop in self._black
            if stop - begin >= (BLACK_FOR if inside(begin, stop) else min(BLACK_AT_AN_END_FOR, end))
        ]
        frozen = [one for one in self._frozen if one[1] - one[0] >= max(SHORTEST, min(FROZEN_FOR, end))]
        return tuple(black), tuple(frozen)


class _Still:
    """A stretch in which nothing moves, as far as it has come.

    ``end`` is set while it isn't sure that it goes on; ``mostly_same`` is about what lies before it.
    """

    def __init__(self, begin: float, patches: Image.Image) -> None:
        self.begin = begin
        self.end: float | None = None
        self._patches = patches
        self._pairs = self._same = 1  # but those with a keyframe between them
        self.mostly_same = True

    def goes_on(self, at: float, patches: Image.Image, *, same: bool, anew: bool) -> bool:
        if _difference(patches, self._patches) >= ALIKE_UNDER:
            self.end = at if self.end is None else self.end
            return False
        self._pairs += not anew or same
        if same:
            self.end = None
            self._same += 1
            self.mostly_same = 2 * self._same >= self._pairs
        elif not anew:
            self.end = at if self.end is None else self.end
            return at - self.end <= ANEW_FOR
        return True


def _difference(one: Image.Image, other: Image.Image) -> int:
    """By how much that pixel differs that differs most."""
    if one.size != other.size:
        return 255
    return cast("int", ImageChops.difference(one, other).getextrema()[1])


def _grey(shown: av.VideoFrame, reformatter: VideoReformatter) -> Image.Image:
    """Brightness in full range, of some pixels of a picture."""
    share = min(1.0, _LONG_SIDE / max(shown.width, shown.height))
    wide, high = max(1, round(shown.width * share)), max(1, round(shown.height * share))
    grey = reformatter.reformat(
        shown,
        wide,
        high,
        "gray",
        interpolation=Interpolation.POINT,
        dst_color_range=ColorRange.JPEG,
        threads=1,  # starting more takes longer than so small a picture
    )
    plane = grey.planes[0]
    return Image.frombytes("L", (wide, high), bytes(plane), "raw", "L", plane.line_size, 1)


class _Silence:
    """Puts a sound through FFmpeg's silencedetect."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._from: float | None = None
        self._at = 0.0
        self._failed = False
        self._stretches: list[Stretch] = []

    def take(self, packet: av.Packet[av.AudioStream]) -> None:
        if self._failed:
            return
        try:
            for heard in packet.decode():
                self._hear(heard)
        except UNREADABLE:
            self._failed = True  # a sound whose form changes on the way is nobody's business here

    def _hear(self, heard: av.AudioFrame) -> None:
        if self._graph is None:
            self._graph = graph = Graph()
            source = graph.add_abuffer(
                sample_rate=heard.sample_rate,
                format=heard.format.name,
                layout=heard.layout.name,
                time_base=heard.time_base,
            )
            graph.link_nodes(
                source, graph.add("silencedetect", f"n={SILENCE}:d=0.1"), graph.add("abuffersink")
            ).configure()
        self._graph.push(heard)
        with suppress(av.BlockingIOError, av.EOFError):
            while True:
                passed = self._graph.pull()
                assert isinstance(passed, av.AudioFrame)
                self._note(passed)

    def _note(self, passed: av.AudioFrame) -> None:
        told = passed.metadata
        if "lavfi.silence_end" in told and self._from is not None:
            self._stretches.append((self._from, float(told["lavfi.silence_end"])))
            self._from = None
        if "lavfi.silence_start" in told:
            self._from = float(told["lavfi.silence_start"])
        self._at = float(passed.time or 0.0) + passed.samples / passed.sample_rate

    def found(self, start: float, end: float) -> tuple[Stretch, ...]:
        """Stretches that are silent, or all of a sound; ``start`` is when the first picture is."""
        if self._failed or self._graph is None:
            return ()
        stretches = [*self._stretches, *([(self._from, self._at)] if self._from is not None else [])]
        if len(stretches) == 1 and stretches[0][0] - start < SHORTEST and self._from is not None:
            return ((0.0, end),)
        return tuple(
            (max(0.0, begin - start), min(end, stop - start))
            for begin, stop in stretches
            if stop - begin >= SILENT_FOR
        )
