"""How quickly a film is cut, beside an ffmpeg that does the same by hand."""

from __future__ import annotations

import itertools
import shutil
import statistics
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph

from bench.figures import Figure, Took, in_turn

CLIPS, SECONDS, RATE = 8, 3, 24
SIZE = (1280, 720)
SOUND_RATE = 48_000
BOUND = 0.8
NAME = f"speed of a cut of {CLIPS} clips, encoded again / ffmpeg by hand"
TURNS = 3

OURS = """
import sys
from fractions import Fraction
from pathlib import Path
from rivya_run.film.clips import footage_of
from rivya_run.film.cut import write_cut
from rivya_run.film.edit import edited
from rivya_run.film.script import PictureShot, Script

shots = [
    PictureShot(id=path.stem, footage=footage_of(path, "video"), trim=(Fraction(1, 2), None))
    for path in map(Path, sys.argv[2:])
]
assert not write_cut(edited(Script(tuple(shots))), Path(sys.argv[1])).copied
"""
"""The first half second of every clip is left out, so that nothing can be copied."""


def figures(folder: Path) -> Iterator[Figure]:
    """The median ratio of speeds by wall clock. By hand it is two passes as well: loudness, then the film."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        yield Figure(NAME, float("nan"), note="not measured: there is no ffmpeg here")
        return
    clips = [_clip(folder / f"clip{number}.mp4", number) for number in range(CLIPS)]
    ours = [sys.executable, "-c", OURS, str(folder / "ours.mp4"), *map(str, clips)]
    theirs = ["sh", "-ec", _by_hand(ffmpeg, clips, folder / "theirs.mp4")]
    ratio, pairs = in_turn(ours, theirs, folder=folder, times=TURNS)
    sides = (_took([mine for mine, _ in pairs]), _took([other for _, other in pairs]))
    yield Figure(NAME, 1 / ratio, BOUND, at_least=True, note=" / ".join(sides))


def _took(side: list[Took]) -> str:
    wall, cpu = (
        statistics.median(times) for times in zip(*((one.wall, one.cpu) for one in side), strict=True)
    )
    return f"{wall:.1f} s, CPU {cpu:.1f} s"


def _by_hand(ffmpeg: str, clips: list[Path], to: Path) -> str:
    """The two commands that somebody would type."""
    count, numbers = len(clips), range(len(clips))
    inputs = " ".join(f"-ss 0.5 -i '{clip}'" for clip in clips)
    start = f"'{ffmpeg}' -nostdin -hide_banner -loglevel error -y {inputs}"
    shape = f"fps={RATE},scale={SIZE[0]}:{SIZE[1]},setsar=1,format=yuv420p"
    shaped = "".join(f"[{number}:v]{shape}[v{number}];" for number in numbers)
    sounds = "".join(f"[{number}:a]" for number in numbers)
    both = "".join(f"[v{number}][{number}:a]" for number in numbers)
    measured = f"{sounds}concat=n={count}:v=0:a=1,loudnorm=I=-14:TP=-1:print_format=json"
    film = f"{shaped}{both}concat=n={count}:v=1:a=1[v][s];[s]volume=2dB,alimiter=limit=0.89:level=0[a]"
    pictures = "-c:v libx264 -crf 18 -preset veryfast"
    sound = f"-c:a aac -b:a 256k -ar {SOUND_RATE}"
    return (
        f"{start} -filter_complex '{measured}' -f null -\n"
        f"{start} -filter_complex '{film}' -map '[v]' -map '[a]' {pictures} {sound} -movflags faststart '{to}'\n"
    )


def _clip(path: Path, number: int) -> Path:
    """A clip with movement and grain, as generated ones have, and with sound."""
    shown = f"size={SIZE[0]}x{SIZE[1]}:rate={RATE}:duration={SECONDS}"
    tone = f"frequency={220 + 40 * number}:sample_rate={SOUND_RATE}:duration={SECONDS}:samples_per_frame=1024"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        pictures = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "23"})
        assert isinstance(pictures, av.VideoStream)
        pictures.width, pictures.height, pictures.pix_fmt = *SIZE, "yuv420p"
        sound = out.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        assert isinstance(sound, av.AudioStream)
        grain = ("noise", "alls=3:allf=t")
        for frame in _made(("testsrc2", shown), grain, ("format", "yuv420p"), ("buffersink", "")):
            assert isinstance(frame, av.VideoFrame)
            frame.time_base = Fraction(1, RATE)
            out.mux(pictures.encode(frame))
        out.mux(pictures.encode(None))
        stereo = ("aformat", "sample_fmts=fltp:channel_layouts=stereo")
        for frame in _made(("sine", tone), ("tremolo", "f=3:d=0.8"), stereo, ("abuffersink", "")):
            assert isinstance(frame, av.AudioFrame)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def _made(*steps: tuple[str, str]) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """What a row of filters makes of nothing."""
    graph = Graph()
    row = [graph.add(*step) for step in steps]
    for one, following in itertools.pairwise(row):
        one.link_to(following)
    graph.configure()
    while True:
        try:
            yield row[-1].pull()  # type: ignore[misc]
        except (av.EOFError, av.BlockingIOError):
            return
