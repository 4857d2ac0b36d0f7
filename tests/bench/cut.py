"""How quickly a film is cut, beside an ffmpeg that does the same by hand."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph

from bench.figures import Figure, in_turn

CLIPS, SECONDS, RATE = 8, 4, 24
SIZE = (1280, 720)
SOUND_RATE = 48_000
BOUND = 0.8
NAME = f"speed of a cut of {CLIPS} clips encoded again / ffmpeg by hand"

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
    """The median ratio of speeds. By hand are two passes as well: the loudness is measured, then all is encoded."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        yield Figure(NAME, float("nan"), note="not measured: there is no ffmpeg on this machine")
        return
    clips = [_clip(folder / f"clip{number}.mp4", number) for number in range(CLIPS)]
    ours = [sys.executable, "-c", OURS, folder / "ours.mp4", *clips]
    ratio, pairs = in_turn(
        ours, ["sh", "-ec", _by_hand(ffmpeg, clips, folder / "theirs.mp4")], folder=folder, times=3
    )
    wall = [f"{sum(getattr(side[at], 'wall') for side in pairs) / len(pairs):.1f} s" for at in (0, 1)]
    cpu = [f"{sum(getattr(side[at], 'cpu') for side in pairs) / len(pairs):.1f} s" for at in (0, 1)]
    yield Figure(NAME, 1 / ratio, BOUND, at_least=True, note=f"{' / '.join(wall)}; CPU {' / '.join(cpu)}")


def _by_hand(ffmpeg: str, clips: list[Path], to: Path) -> str:
    inputs = " ".join(f"-ss 0.5 -i {clip}" for clip in clips)
    pictures = "".join(
        f"[{number}:v]fps={RATE},scale={SIZE[0]}:{SIZE[1]},setsar=1,format=yuv420p[v{number}];"
        for number in range(len(clips))
    )
    both = "".join(f"[v{number}][{number}:a]" for number in range(len(clips)))
    sounds = "".join(f"[{number}:a]" for number in range(len(clips)))
    count = len(clips)
    quiet = f"{ffmpeg} -nostdin -hide_banner -loglevel error -y {inputs}"
    return (
        f"{quiet} -filter_complex '{sounds}concat=n={count}:v=0:a=1,loudnorm=I=-14:TP=-1:print_format=json' -f null -\n"
        f"{quiet} -filter_complex '{pictures}{both}concat=n={count}:v=1:a=1[v][s];[s]volume=2dB,"
        f"alimiter=limit=0.89:level=0[a]' -map '[v]' -map '[a]' -c:v libx264 -crf 18 -preset veryfast"
        f" -c:a aac -b:a 256k -ar {SOUND_RATE} -movflags faststart {to}\n"
    )


def _clip(path: Path, number: int) -> Path:
    """A clip with movement and grain, as generated ones have, and with sound."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        pictures = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "20"})
        assert isinstance(pictures, av.VideoStream)
        pictures.width, pictures.height, pictures.pix_fmt = *SIZE, "yuv420p"
        sound = out.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        assert isinstance(sound, av.AudioStream)
        source = f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate={RATE}:duration={SECONDS}"
        name, options = source.split("=", 1)
        for frame in _made(
            (name, options), [("hue", f"h={number * 40}"), ("noise", "alls=6:allf=t"), ("format", "yuv420p")]
        ):
            assert isinstance(frame, av.VideoFrame)
            frame.time_base = Fraction(1, RATE)
            out.mux(pictures.encode(frame))
        out.mux(pictures.encode(None))
        tone = (
            "sine",
            f"frequency={220 + 40 * number}:sample_rate={SOUND_RATE}:duration={SECONDS}:samples_per_frame=1024",
        )
        for frame in _made(
            tone,
            [("tremolo", "f=3:d=0.8"), ("aformat", "sample_fmts=fltp:channel_layouts=stereo")],
            sink="abuffersink",
        ):
            assert isinstance(frame, av.AudioFrame)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def _made(
    source: tuple[str, str], steps: list[tuple[str, str]], sink: str = "buffersink"
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    graph = Graph()
    last = graph.add(*source)
    for step in [*steps, (sink, "")]:
        following = graph.add(*step)
        last.link_to(following)
        last = following
    graph.configure()
    while True:
        try:
            yield last.pull()  # type: ignore[misc]
        except (av.EOFError, av.BlockingIOError):
            return
