"""The pictures of a cut, looked at."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageDraw

from rivya_run.film.clips import footage_of
from rivya_run.film.cut import MADE_BY_AI, Cut, write_cut
from rivya_run.film.edit import edited
from rivya_run.film.script import PictureShot, Script, Transition, exact

RED, GREEN, BLUE = (220, 20, 20), (20, 200, 20), (20, 20, 220)


def clip(
    path: Path,
    draw: Callable[[int], Image.Image],
    frames: int,
    *,
    rate: Fraction = Fraction(24),
    codec: str = "libx264",
    times: list[int] | None = None,
    turned: int = 0,
    aspect: Fraction | None = None,
) -> Path:
    """A clip of drawn pictures with one keyframe; ``times`` in thousandths of a second make it a variable one."""
    with av.open(str(path), "w") as out:
        first = draw(0)
        stream = out.add_stream(codec, rate=rate, options={"crf": "12", "g": "1000", "deadline": "realtime"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = first.size
        stream.pix_fmt = "yuv444p" if first.width % 2 or first.height % 2 else "yuv420p"
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        base = Fraction(1, 1000) if times else 1 / rate
        stream.codec_context.time_base = base
        if turned:
            stream.set_display_rotation(turned)
        for number in range(frames):
            frame: av.VideoFrame = av.VideoFrame.from_image(draw(number))  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = (times[number] if times else number), base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (160, 96)) -> Callable[[int], Image.Image]:
    return lambda number: Image.new("RGB", size, colour)


def counting(number: int) -> Image.Image:
    """A bar as long as the number of the picture: 4 pixels for each."""
    image = Image.new("RGB", (160, 96))
    ImageDraw.Draw(image).rectangle((0, 0, max(0, number * 4 - 1), 95), (255, 255, 255))
    return image


def topped(number: int) -> Image.Image:
    """White at the top, black below."""
    image = Image.new("RGB", (160, 96))
    ImageDraw.Draw(image).rectangle((0, 0, 159, 30), (255, 255, 255))
    return image


def shot(path: Path, **more: Any) -> PictureShot:
    still = path.suffix == ".png"
    return PictureShot(
        id=path.stem, footage=footage_of(path, "image" if still else "video"), still=still, **more
    )


def cut_of(folder: Path, *shots: PictureShot, **more: Any) -> Cut:
    return write_cut(edited(Script(shots, **more)), folder / "cut.mp4")


def frames_of(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]


def colour(image: Image.Image, at: tuple[int, int] = (80, 48)) -> tuple[int, ...]:
    found = image.getpixel(at)
    assert isinstance(found, tuple)
    return tuple(int(part) for part in found)


def near(found: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 25 for one, other in zip(found, wanted, strict=True))


def bar(image: Image.Image) -> int:
    """The number that a picture of ``counting`` shows."""
    row = image.convert("L").crop((0, 40, image.width, 41)).tobytes()
    return round(sum(level > 128 for level in row) / 4)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.webm", "libvpx-vp9"), ("a.mkv", "libx264")]
)
@pytest.mark.parametrize("first", [12, 13, 31])
def test_a_trim_begins_with_the_very_picture(tmp_path: Path, name: str, codec: str, first: int) -> None:
    """None is missing, far from a keyframe, and where times are thousandths of a second as in Matroska."""
    path = clip(tmp_path / name, counting, 40, codec=codec)
    cut = cut_of(tmp_path, shot(path, trim=(Fraction(first, 24), Fraction(first + 8, 24))))
    assert not cut.copied
    assert [bar(image) for image in frames_of(cut.path)] == list(range(first, first + 8))


def test_a_dissolve_goes_from_one_picture_to_the_other(tmp_path: Path) -> None:
    """Before it one, after it the other, in its middle both; the film is shorter by it."""
    red = clip(tmp_path / "r.mp4", plain(RED), 48)
    blue = clip(tmp_path / "b.mp4", plain(BLUE), 48)
    cut = cut_of(tmp_path, shot(red), shot(blue, transition=Transition("dissolve", exact(1))))
    images = frames_of(cut.path)
    assert len(images) == 72 and cut.seconds == 3
    assert near(colour(images[23]), RED) and near(colour(images[48]), BLUE)
    assert near(colour(images[36]), (120, 20, 120))
    reds = [colour(image)[0] for image in images[22:50]]
    assert reds == sorted(reds, reverse=True)


def test_a_fade_goes_through_black(tmp_path: Path) -> None:
    """Dark at the cut, and the film as long as without it; the first comes from black, the last goes there."""
    red, green = (clip(tmp_path / f"{n}.mp4", plain(c), 48) for n, c in (("r", RED), ("g", GREEN)))
    how = Transition("fade", exact(1))
    cut = cut_of(tmp_path, shot(red, transition=how), shot(green, transition=how), ending=exact(0.5))
    images = frames_of(cut.path)
    assert len(images) == 96
    for number in (0, 48, 95):
        assert sum(colour(images[number])) < 60
    assert near(colour(images[30]), RED) and near(colour(images[70]), GREEN)


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_turned_clip_stands_upright(tmp_path: Path, turned: int) -> None:
    """Beside one that isn't turned: what is to be at the top is at the top."""
    upright = clip(tmp_path / "a.mp4", topped, 12)
    lying = clip(
        tmp_path / "b.mp4", lambda number: topped(number).rotate(-turned, expand=True), 12, turned=turned
    )
    cut = cut_of(tmp_path, shot(upright), shot(lying))
    images = frames_of(cut.path)
    assert not cut.copied and [image.size for image in images] == [(160, 96)] * 24
    for number in (6, 18):
        assert sum(colour(images[number], (80, 8))) > 700 and sum(colour(images[number], (80, 80))) < 60


def test_clips_that_are_turned_alike_are_copied_turned(tmp_path: Path) -> None:
    """Players turn them as they turned the clips."""
    lying = [
        clip(tmp_path / f"{n}.mp4", lambda number: topped(number).rotate(90), 12, turned=90) for n in "ab"
    ]
    cut = cut_of(tmp_path, *map(shot, lying))
    with av.open(str(cut.path)) as container:
        turned = {frame.rotation for frame in container.decode(video=0)}
    assert cut.copied and turned == {90}


def test_odd_sizes_and_pixels_that_are_not_square_keep_their_shape(tmp_path: Path) -> None:
    """161 x 97 becomes even; a clip of narrow pixels is as narrow as it is shown, with bars beside it."""
    odd = clip(tmp_path / "a.mp4", plain(RED, (161, 97)), 6)
    assert frames_of(cut_of(tmp_path, shot(odd), shot(clip(tmp_path / "c.mp4", plain(RED), 3))).path)[
        0
    ].size in (
        (160, 96),
        (162, 98),
    )
    wide = clip(tmp_path / "w.mp4", plain(GREEN), 6)
    narrow = clip(tmp_path / "n.mp4", plain(BLUE), 6, aspect=Fraction(1, 2))
    images = frames_of(cut_of(tmp_path, shot(wide), shot(narrow)).path)
    assert near(colour(images[9], (20, 48)), (0, 0, 0)) and near(colour(images[9]), BLUE)


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    """A picture that stays for half a second is there for half a second."""
    times = [0, 40, 80, 580, 620, 660, 700, 740, 780, 820]
    odd = clip(tmp_path / "v.mp4", counting, 10, times=times)
    steady = clip(tmp_path / "s.mp4", counting, 25, rate=Fraction(25))
    cut = cut_of(tmp_path, shot(steady), shot(odd), rate=Fraction(25))
    shown = [bar(image) for image in frames_of(cut.path)][25:]
    assert shown[:3] == [0, 1, 2] and shown[3:14] == [2] * 11 and shown[15:18] == [3, 4, 5]


@pytest.mark.parametrize("rate", ["8", "12", "16", "24000/1001", "60000/1001"])
def test_a_clip_of_any_rate_lasts_as_long_in_a_film_of_another(tmp_path: Path, rate: str) -> None:
    """To half a frame, at its own speed."""
    path = clip(tmp_path / "a.mp4", counting, 36, rate=Fraction(rate))
    edit = edited(Script((shot(path),), rate=Fraction(30)))
    write_cut(edit, tmp_path / "cut.mp4")
    shown = [bar(image) for image in frames_of(tmp_path / "cut.mp4")]
    assert len(shown) == edit.frames and abs(edit.seconds - 36 / Fraction(rate)) <= Fraction(1, 60)
    for number, seen in enumerate(shown):
        assert abs(seen - number / 30 * float(Fraction(rate))) <= 1


def test_a_transparent_logo_stands_on_black(tmp_path: Path) -> None:
    """As everything around it does; its colours are right in HD too."""
    logo = Image.new("RGBA", (1280, 720), (0, 0, 0, 0))
    ImageDraw.Draw(logo).rectangle((540, 260, 740, 460), (*RED, 255))
    logo.save(tmp_path / "logo.png")
    image = frames_of(cut_of(tmp_path, shot(tmp_path / "logo.png", hold=exact(0.5))).path)[3]
    assert near(colour(image, (640, 360)), RED) and near(colour(image, (100, 100)), (0, 0, 0))


def test_a_cut_says_that_it_was_generated(tmp_path: Path) -> None:
    """Unless all of it is people's own."""
    path = clip(tmp_path / "a.mp4", counting, 6)
    for own in (False, True):
        cut = cut_of(tmp_path, shot(path, generated=not own), title="Espresso")
        with av.open(str(cut.path)) as container:
            assert container.metadata.get("comment") == (None if own else MADE_BY_AI)
            assert container.metadata["title"] == "Espresso"


def test_progress_is_told_and_an_interrupted_cut_leaves_nothing(tmp_path: Path) -> None:
    """Parts, shares and what is left; whatever ends it, no half file and no leftover stays."""
    path = clip(tmp_path / "a.mp4", counting, 24)
    edit = edited(Script((shot(path, trim=(exact(0.5), None)),)))
    told: list[tuple[str, float, float | None]] = []
    ticks = iter(range(1000))
    write_cut(
        edit, tmp_path / "cut.mp4", progress=lambda *what: told.append(what), clock=lambda: float(next(ticks))
    )
    assert told[-1] == ("pictures", 1.0, 0.0)
    assert told[6][2] == pytest.approx(6 * (1 - told[6][1]) / told[6][1])
    (tmp_path / "cut.mp4").unlink()

    def interrupted(*what: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cut(edit, tmp_path / "cut.mp4", progress=interrupted)
    assert [one.name for one in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("seconds", ["0.5", "1", "2"])
def test_stills_that_dissolve_have_every_frame(tmp_path: Path, seconds: str) -> None:
    """Neither picture has anything after the dissolve: its last frame is there all the same."""
    shots = []
    for name, ink in (("a", RED), ("b", BLUE)):
        Image.new("RGB", (160, 96), ink).save(tmp_path / f"{name}.png")
        footage = footage_of(tmp_path / f"{name}.png", "image")
        into = Transition("dissolve", exact(seconds))
        shots.append(PictureShot(id=name, footage=footage, still=True, transition=into))
    cut = cut_of(tmp_path, *shots)
    assert len(frames_of(cut.path)) == round(24 * (4 - float(seconds)))
