"""Boards for tests: real small clips made with PyAV, and manifests in the form of product.md section 2."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
BLUE: Colour = (20, 40, 250)


def clip(
    path: Path,
    *,
    frames: int = 6,
    rate: int | Fraction = 30,
    size: tuple[int, int] = (160, 96),
    codec: str = "libx264",
    sound: str | None = None,
    colour: Colour = (180, 90, 60),
    moving: bool = True,
    blue_at_end: int = 0,
    faststart: bool = True,
    fragmented: bool = False,
) -> Path:
    """A clip of so many frames with a bar that wanders over it; ``sound`` names an audio codec (a tone)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"movflags": "faststart"} if faststart and path.suffix in (".mp4", ".mov") else {}
    if fragmented:
        options = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "200000"}
    with av.open(str(path), "w", options=options) as out:
        picture = out.add_stream(codec, rate=rate)
        assert isinstance(picture, av.VideoStream)
        picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
        if codec == "libx264":
            picture.options = {"preset": "ultrafast", "bf": "2"}
        elif codec == "libvpx-vp9":
            picture.options = {"deadline": "realtime", "cpu-used": "8"}
        track = out.add_stream(sound, rate=48_000, layout="stereo") if sound else None
        for number in range(frames):
            fill = BLUE if number >= frames - blue_at_end else colour
            image = Image.new("RGB", size, fill)
            if moving and fill is colour:
                left = (number * 7) % size[0]
                ImageDraw.Draw(image).rectangle((left, 0, left + size[0] // 6, size[1]), (250, 245, 230))
            shown: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            shown.pts, shown.time_base = number, Fraction(1, rate)
            out.mux(picture.encode(shown))
        out.mux(picture.encode(None))
        if isinstance(track, av.AudioStream):
            _tone(out, track, frames * 48_000 // rate)
    return path


def sound(path: Path, codec: str, seconds: float = 0.5) -> Path:
    """A tone in a file of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        track = out.add_stream(codec, rate=48_000, layout="stereo")
        assert isinstance(track, av.AudioStream)
        _tone(out, track, int(seconds * 48_000))
    return path


def _tone(out: av.container.OutputContainer, track: av.AudioStream, samples: int) -> None:
    layout = "stereo"
    resampler = av.AudioResampler(format=track.format, layout=layout, rate=48_000)
    size = track.codec_context.frame_size or 1024
    wave = bytes(
        byte
        for at in range(size)
        for byte in (8000 if (at // 54) % 2 else -8000).to_bytes(2, "little", signed=True) * 2
    )
    for start in range(0, samples, size):
        count = min(size, samples - start)
        piece = av.AudioFrame(format="s16", layout=layout, samples=count)
        piece.sample_rate = 48_000
        piece.planes[0].update(wave[: count * 4].ljust(piece.planes[0].buffer_size, b"\0"))
        piece.pts, piece.time_base = start, Fraction(1, 48_000)
        for fitting in resampler.resample(piece):
            out.mux(track.encode(fitting))
    out.mux(track.encode(None))


def still(path: Path, size: tuple[int, int] = (160, 96), colour: Colour = (60, 120, 90)) -> Path:
    """A picture, in the format of the file's extension."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).ellipse((size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2), (250, 245, 230))
    image.save(path)
    return path


def take(number: int = 1, status: str = "succeeded", **more: Any) -> dict[str, Any]:
    """A take as the manifest holds it; ``outputs`` are paths, or whole records."""
    shot = more.pop("shot", "sh010")
    prompt = more.pop("prompt", "Slow push-in on the machine")
    params = more.pop(
        "params", {"mode": "normal", "duration": 6, "resolution": "480p", "aspect_ratio": "16:9"}
    )
    fingerprint = hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()
    key = f"board.{shot}.t{number}.{fingerprint[:16]}.a1"
    ended = status in ("succeeded", "failed")
    return {
        "take": number,
        "status": status,
        "model": "grok-imagine-video",
        "fingerprint": f"sha256:{fingerprint}",
        "client_request_id": key,
        "attempt": 1,
        "task_id": f"task_{shot}_{number}",
        "attempts": [],
        "request": {
            "model": "grok-imagine-video",
            "prompt": prompt,
            "params": params,
            "client_request_id": key,
        },
        "sent_at": "2026-05-11T00:00:00.000Z",
        "reserved_credits": 10,
        "final_credits": 10 if status == "succeeded" else (0 if ended else None),
        "created_at": "2026-05-11T00:00:01.000Z",
        "updated_at": "2026-05-11T00:01:00.000Z",
        "outputs": [],
        "error": None,
        **more,
    }


def output(folder: Path, path: str, **facts: Any) -> dict[str, Any]:
    """The record of a file in the output folder."""
    content = (folder / path).read_bytes()
    kinds = {".mp4": "video/mp4", ".webm": "video/webm", ".png": "image/png", ".wav": "audio/wav"}
    return {
        "path": path,
        "url": f"https://media.example/{path}",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "mime_type": kinds[Path(path).suffix],
        **facts,
    }


def manifest(shots: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A manifest around shots; totals are counted."""
    takes = [one for shot in shots for one in shot["takes"]]
    counts = {
        status: sum(1 for one in takes if one["status"] == status)
        for status in ("succeeded", "failed", "pending", "unknown")
    }
    return {
        "version": 1,
        "storyboard": {"id": "board", "path": "specs/board.yaml", "sha256": "0" * 64},
        "updated_at": "2026-05-11T00:02:00.000Z",
        "base_url": "https://rivya.ai",
        "totals": {
            "takes": len(takes),
            **counts,
            "reserved_credits": sum(one["reserved_credits"] or 0 for one in takes),
            "final_credits": sum(one["final_credits"] or 0 for one in takes),
            "spent_credits": sum(one["final_credits"] or 0 for one in takes),
        },
        "shots": list(shots),
        "uploads": [],
        "history": [],
        **more,
    }


def shot(name: str, takes: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A shot of a manifest."""
    return {"id": name, "scene": None, "pick": None, "skipped": False, "takes": list(takes), **more}


def written(folder: Path, document: dict[str, Any]) -> dict[str, Any]:
    """The manifest, written to its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return document


def small_board(folder: Path, *, frames: Sequence[int] = (3, 3, 3), **clips: Any) -> dict[str, Any]:
    """A board of shots sh010, sh020 .. with one finished take each, written to ``folder``."""
    shots = []
    for number, count in enumerate(frames, start=1):
        name = f"sh{number * 10:03}"
        path = f"{name}/{name}_t01_0123abcd.mp4"
        clip(folder / path, frames=count, colour=(60 * number % 255, 90, 120), **clips)
        made = output(folder, path, width=160, height=96, duration=count / 30, frame_rate=30.0)
        made |= {"codec": "h264", "audio": False}
        shots.append(shot(name, [take(shot=name, outputs=[made])], scene="intro"))
    return written(folder, manifest(shots))


def rich_board(folder: Path) -> dict[str, Any]:
    """A board with scenes, tags, several takes, every status, references, errors, history and times."""
    key = still(folder / "key010" / "key010_t01_aaaa0000.png", size=(192, 108))
    key_output = output(folder, "key010/key010_t01_aaaa0000.png", width=192, height=108)
    colours = ((190, 110, 50), (60, 110, 160), (80, 130, 90))
    takes = []
    for number, colour in enumerate(colours, start=1):
        path = f"sh010/sh010_t0{number}_bbbb000{number}.mp4"
        clip(folder / path, frames=12, size=(192, 108), colour=colour, sound="aac" if number == 2 else None)
        facts = {"width": 192, "height": 108, "duration": 0.4, "frame_rate": 30.0, "codec": "h264"}
        made = output(folder, path, **facts, audio=number == 2)
        takes.append(
            take(
                number,
                outputs=[made],
                params={
                    "mode": "normal",
                    "duration": 0.4,
                    "resolution": "480p",
                    "aspect_ratio": "16:9",
                    "referenceMediaItems": [
                        {"url": "https://files.example/key.png?sig=secret", "kind": "image"}
                    ],
                },
                timeline=[
                    {"status": "queued", "at": f"2026-05-11T00:00:0{number}.000Z"},
                    {"status": "processing", "at": f"2026-05-11T00:00:1{number}.000Z"},
                    {"status": "downloading", "at": f"2026-05-11T00:00:4{number}.000Z"},
                    {"status": "stored", "at": f"2026-05-11T00:00:5{number}.000Z"},
                ],
            )
        )
    path = "sh020/sh020_t01_cccc0001.mp4"
    clip(folder / path, frames=12, size=(108, 192), colour=(120, 70, 140))
    tall = output(
        folder, path, width=108, height=192, duration=0.4, frame_rate=30.0, codec="h264", audio=False
    )
    failure = {"code": "generation_failed", "message": "The generation failed.", "request_id": "req_77"}
    earlier = take(1, "failed", shot="sh030", error=failure)
    document = manifest(
        [
            shot("key010", [take(shot="key010", outputs=[key_output], params={"aspect_ratio": "16:9"})]),
            shot("sh010", takes, scene="intro", pick=2, title="Push-in", tags=["hero", "night"]),
            shot("sh020", [take(shot="sh020", outputs=[tall])], scene="intro", tags=["hero"]),
            shot(
                "sh030",
                [take(1, "failed", shot="sh030", error=failure, attempts=[earlier], final_credits=4)],
                scene="end",
            ),
            shot("sh040", [take(1, "unknown", shot="sh040", task_id=None)], scene="end"),
            shot(
                "sh050",
                [take(1, "pending", shot="sh050"), take(2, "planned", shot="sh050", request=None)],
                scene="end",
            ),
        ],
        history=[take(3, shot="old010", outputs=[], final_credits=15) | {"shot": "old010"}],
        uploads=[
            {
                "sha256": hashlib.sha256(key.read_bytes()).hexdigest(),
                "path": "key010/key010_t01_aaaa0000.png",
                "kind": "image",
                "bytes": key.stat().st_size,
                "url": "https://files.example/key.png?sig=secret",
            }
        ],
    )
    return written(folder, document)


def large_board(folder: Path, takes: int) -> dict[str, Any]:
    """A board of so many shots of one take each, every clip a file of its own."""
    content = clip(folder / "sh0000.mp4", frames=3).read_bytes()
    shots = []
    for number in range(takes):
        name = f"sh{number:04}"
        (folder / f"{name}.mp4").write_bytes(content)
        made = {"path": f"{name}.mp4", "mime_type": "video/mp4", "width": 160, "height": 96, "duration": 0.1}
        taken = take(shot=name, prompt="A long prompt " * 20, params={}, outputs=[made])
        shots.append(shot(name, [taken], scene=f"scene {number // 40}"))
    return manifest(shots)
