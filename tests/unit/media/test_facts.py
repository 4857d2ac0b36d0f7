"""Facts about media files, and whether they are whole."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import av
import pytest

import boards
from rivya_run.media.facts import doubt_about, facts
from rivya_run.media.measuring import look_into

CLIPS: list[tuple[str, dict[str, Any]]] = [
    ("fast.mp4", {"codec": "libx264", "sound": "aac"}),
    ("slow.mp4", {"codec": "libx264", "sound": "aac", "faststart": False}),
    ("part2.mp4", {"codec": "mpeg4"}),
    ("apple.mov", {"codec": "libx264", "sound": "aac"}),
    ("open.webm", {"codec": "libvpx-vp9", "sound": "libopus"}),
    ("vp9.mp4", {"codec": "libvpx-vp9"}),
    ("av1.mp4", {"codec": "libaom-av1"}),
]
SOUNDS = [
    ("s.m4a", "aac"),
    ("s.mp3", "libmp3lame"),
    ("s.wav", "pcm_s16le"),
    ("s.ogg", "libopus"),
    ("s.flac", "flac"),
]
STILLS = ["p.png", "p.jpg", "p.webp"]


def made(folder: Path, name: str) -> Path:
    """The sample file of that name."""
    known = dict(CLIPS)
    if name in known:
        try:
            return boards.clip(folder / name, frames=24, rate=24, **known[name])
        except (ValueError, LookupError):
            return boards.clip(folder / name, frames=24, rate=24, codec="libsvtav1")
    if name in STILLS:
        return boards.still(folder / name)
    return boards.sound(folder / name, dict(SOUNDS)[name])


NAMES = [name for name, _ in (*CLIPS, *SOUNDS)] + STILLS


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_file_of_every_kind_is_complete(tmp_path: Path, name: str) -> None:
    """A whole file raises no alarm."""
    assert doubt_about(made(tmp_path, name)) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_cut_file_of_every_kind_is_incomplete(tmp_path: Path, name: str, share: float) -> None:
    """A file that lost its end is told from a whole one, whatever its header claims."""
    whole = made(tmp_path, name)
    content = whole.read_bytes()
    cut = whole.with_name("cut_" + name)
    cut.write_bytes(content[: int(len(content) * share)])
    assert doubt_about(cut)


def test_a_faststart_clip_cut_in_half_still_opens_but_is_incomplete(tmp_path: Path) -> None:
    """The header of a half clip claims all frames; only the packets tell."""
    whole = boards.clip(tmp_path / "a.mp4", frames=144, rate=24)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "beyond the end of the file" in (doubt_about(whole) or "")


def test_missing_packets_are_counted_where_the_container_does_not_tell(tmp_path: Path) -> None:
    """A media box that reaches 'to the end of the file' hides the cut; the index still lists the packets."""
    whole = boards.clip(tmp_path / "a.mp4", frames=48)
    content = bytearray(whole.read_bytes())
    at = content.index(b"mdat")
    content[at - 4 : at] = bytes(4)
    whole.write_bytes(content)
    assert doubt_about(whole) is None
    whole.write_bytes(content[: at + (len(content) - at) // 2])
    assert doubt_about(whole) == "a packet is cut off"


@pytest.mark.parametrize("tail", [b"\0" * 64, b"\xa9 trailer of some tool"])
def test_bytes_after_the_last_box_are_no_alarm(tmp_path: Path, tail: bytes) -> None:
    """Padding or a trailer behind a whole clip is not damage."""
    whole = boards.clip(tmp_path / "a.mp4")
    whole.write_bytes(whole.read_bytes() + tail)
    assert doubt_about(whole) is None


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\0" * 5000])
def test_what_is_no_media_is_unreadable(tmp_path: Path, content: bytes) -> None:
    """A page, an empty file and zeros are not media, and have no facts."""
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert doubt_about(path)
    assert facts(path) is None


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    """A missing file is a value, not an exception."""
    assert doubt_about(tmp_path / "none.mp4")
    assert facts(tmp_path / "none.mp4") is None


@pytest.mark.parametrize("name", [name for name, _ in CLIPS])
def test_facts_of_a_clip_come_from_its_packets(tmp_path: Path, name: str) -> None:
    """Size, length, rate, codec and sound are those of the pictures in the file."""
    found = facts(made(tmp_path, name))
    assert found is not None
    assert (found.kind, found.width, found.height, found.frames) == ("video", 160, 96, 24)
    assert found.duration == pytest.approx(1.0, abs=1e-6)
    assert found.frame_rate == pytest.approx(24)
    assert found.audio == ("sound" in dict(CLIPS)[name])


def test_facts_of_a_cut_clip_are_of_what_is_left(tmp_path: Path) -> None:
    """The length of half a clip is about half, though its header says otherwise."""
    whole = boards.clip(tmp_path / "a.mp4", frames=144, rate=24)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    found = facts(whole)
    assert found is not None
    assert found.duration is not None
    assert found.duration < 5


@pytest.mark.parametrize(("name", "codec"), SOUNDS)
def test_facts_of_a_sound_hold_its_length(tmp_path: Path, name: str, codec: str) -> None:
    """A sound has a length and no size."""
    found = facts(boards.sound(tmp_path / name, codec))
    assert found is not None
    assert (found.kind, found.width, found.audio) == ("audio", None, True)
    assert found.duration == pytest.approx(0.5, abs=0.06)


PADDED = [
    *SOUNDS,
    ("s.webm", "libopus"),
    ("s.mov", "aac"),
    ("mp3.mp4", "libmp3lame"),
    ("opus.mp4", "libopus"),
    ("mp3.mka", "libmp3lame"),
]


@pytest.mark.parametrize("seconds", [0.5, 4.0, 4.021])
@pytest.mark.parametrize(("name", "codec"), PADDED)
def test_a_sound_is_as_long_as_what_was_recorded(
    tmp_path: Path, name: str, codec: str, seconds: float
) -> None:
    """What the encoder put before and after it doesn't count, as far as the file tells: to a thousandth."""
    path = boards.sound(tmp_path / name, codec, seconds)
    found = facts(path)
    assert found is not None
    assert found.duration == pytest.approx(
        seconds, abs=1.01e-3
    )  # Matroska and edit lists count in milliseconds
    assert doubt_about(path) is None


@pytest.mark.parametrize(("name", "codec"), [("s.aac", "aac"), ("s.mka", "aac"), *SOUNDS])
def test_a_sound_is_as_long_as_its_decoded_samples(tmp_path: Path, name: str, codec: str) -> None:
    """Also where the file tells nothing of padding; but for an edit list, which ends inside of a packet."""
    path = boards.sound(tmp_path / name, codec, 2.003)
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    found = facts(path)
    assert found is not None and found.duration is not None
    packet = 1024 / 48_000 if name.endswith(".m4a") else 0
    assert samples / 48_000 - packet <= found.duration + 1.01e-3
    assert found.duration <= samples / 48_000 + 1e-3


def test_an_mp3_that_tells_nothing_counts_all_of_its_frames(tmp_path: Path) -> None:
    """Without its first frame, which holds the LAME tag, the padding is sound like any other."""
    path = boards.sound(tmp_path / "a.mp3", "libmp3lame", 4)
    content = path.read_bytes()
    starts = [at for at in range(len(content)) if content[at] == 0xFF and content[at + 1] & 0xFE == 0xFA]
    path.write_bytes(content[starts[1] :])
    found = facts(path)
    assert found is not None
    assert found.duration == pytest.approx(168 * 1152 / 48_000, abs=1e-6)


def test_a_song_with_a_cover_is_a_sound(tmp_path: Path) -> None:
    """The picture of an album in an ID3 tag is no clip."""
    path = boards.sound(tmp_path / "song.mp3", "libmp3lame", 2)
    cover = b"\0image/jpeg\0\x03\0" + boards.still(tmp_path / "cover.jpg").read_bytes()
    frame = b"APIC" + len(cover).to_bytes(4, "big") + b"\0\0" + cover
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\0\0" + size + frame + path.read_bytes())
    found = facts(path)
    assert found is not None
    assert (found.kind, found.width, found.duration) == ("audio", None, 2)


def test_a_sound_that_nobody_can_decode_has_no_facts(tmp_path: Path) -> None:
    """A codec that FFmpeg has no decoder for is no error of the program."""
    path = boards.sound(tmp_path / "a.mka", "libmp3lame")
    path.write_bytes(path.read_bytes().replace(b"A_MPEG/L3", b"A_ATRAC/1"))
    assert facts(path) is None
    assert look_into(path, {}).doubt is None


@pytest.mark.parametrize(("name", "codec"), PADDED)
def test_damage_of_any_kind_is_no_error_of_the_program(tmp_path: Path, name: str, codec: str) -> None:
    """Bytes changed, cut off or put in between: facts or none, a length that is one, and no exception."""
    whole = boards.sound(tmp_path / name, codec, 0.5).read_bytes()
    chance, path = Random(7), tmp_path / f"damaged_{name}"
    for _ in range(25):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 5, 100))):
            content[chance.randrange(chance.choice((200, len(content))))] = chance.randrange(256)
        at = chance.randrange(len(content))
        path.write_bytes(content[: chance.choice((at, len(content)))] + bytes(chance.choice((0, 0, 2000))))
        found = facts(path)
        assert found is None or found.kind != "audio" or (found.duration is not None and found.duration >= 0)
        look_into(path, {})


@pytest.mark.parametrize("name", STILLS)
def test_facts_of_a_still_hold_its_size(tmp_path: Path, name: str) -> None:
    """A still has a size and no length."""
    found = facts(boards.still(tmp_path / name, size=(64, 48)))
    assert found is not None
    assert (found.kind, found.width, found.height, found.duration) == ("image", 64, 48, None)


def test_a_picture_that_lost_its_last_bytes_is_incomplete(tmp_path: Path) -> None:
    """Of a PNG also the end mark must be there, although all that is seen comes before it."""
    whole = boards.still(tmp_path / "a.png")
    whole.write_bytes(whole.read_bytes()[:-6])
    assert (doubt_about(whole) or "").startswith("the picture can't be read to its end")


def test_a_fragmented_clip_that_lost_its_end_is_incomplete(tmp_path: Path) -> None:
    """An index in pieces counts no packets beforehand; the boxes tell that the last piece is cut."""
    whole = boards.clip(tmp_path / "a.mp4", frames=48, fragmented=True)
    content = whole.read_bytes()
    assert doubt_about(whole) is None
    for share in (0.5, 0.8, 0.95):
        whole.write_bytes(content[: int(len(content) * share)])
        assert doubt_about(whole)


def test_what_only_begins_like_a_picture_is_unreadable(tmp_path: Path) -> None:
    """The reason goes into the manifest: it says what is wrong, and no path of this machine."""
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftyphevc" + b"\0" * 60)
    found = doubt_about(tmp_path / "a.heic")
    assert found == "it begins like a picture, and can't be opened as one"
    assert facts(tmp_path / "a.heic") is None
