"""A film as a manifest alone tells it: every chosen take in the order of the shots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rivya_run.errors import RivyaError
from rivya_run.film.clips import footage_of
from rivya_run.film.script import PictureShot, Script, SoundShot
from rivya_run.film.slates import clean
from rivya_run.media.types import Kind
from rivya_run.project.manifest_reader import Chosen, Entry, NoFinishedTake, chosen_takes, text
from rivya_run.project.open import own_file
from rivya_run.storyboard.film_reading import kind_by_name
from rivya_run.text import visible


def script_of(manifest: Entry, folder: Path, *, slates: bool = False, beside: Path | None = None) -> Script:
    """The script of an output folder. Raises RivyaError when a file that is there can't be read.

    ``beside`` is the folder of the storyboard, where people's own files are.
    """
    shots: list[PictureShot | SoundShot] = []
    for one in chosen_takes(manifest):
        name = visible(one.shot)
        if isinstance(one, NoFinishedTake) and one.file is not None and beside is not None:
            kind, own = own_footage(one.file, beside)
            own |= {"id": name, "scene": one.scene}
            shots.append(SoundShot(**own) if kind == "audio" else PictureShot(**own, still=kind == "image"))
            continue
        if isinstance(one, NoFinishedTake):
            shots.append(PictureShot(id=name, footage=None, scene=one.scene, text=one.prompt))
            continue
        known: dict[str, Any] = {"id": name, "take": one.take, "scene": one.scene, "about": about(one)}
        known["text"] = known["about"]["prompt"]
        file = folder / one.path
        if file.is_file():
            known["footage"] = footage_of(file, one.kind)
        else:
            gone = f"({visible(one.path)}) is not in the folder"
            known |= {"footage": None, "lack": gone}
        still = one.kind == "image"
        shots.append(SoundShot(**known) if one.kind == "audio" else PictureShot(**known, still=still))
    board = manifest.get("storyboard")
    board = board if isinstance(board, Mapping) else {}
    title = clean(str(board.get("title") or board.get("id") or "storyboard"))
    return Script(tuple(shots), slates=slates, title=title)


def own_footage(written: str, folder: Path, kind: Kind | None = None) -> tuple[Kind, dict[str, Any]]:
    """A file of people's own, by its path as written: its kind, and what is known of it."""
    kind = kind or kind_by_name(written) or "image"
    file = own_file(written, folder)
    if file is None:
        return kind, {"generated": False, "footage": None, "lack": "is not there"}
    return kind, {"generated": False, **measured(file, kind)}


def measured(file: Path, kind: Kind) -> dict[str, Any]:
    """The footage of a file, or why there is none."""
    try:
        return {"footage": footage_of(file, kind)}
    except RivyaError:
        return {"footage": None, "lack": f"({visible(file.name)}) can't be read"}


def about(chosen: Chosen) -> dict[str, Any]:
    """What is told about a take in the formats that keep such things."""
    take, request = chosen.entry, chosen.entry.get("request")
    sent: Mapping[str, Any] = request if isinstance(request, Mapping) else {}
    credits = take.get("final_credits")
    return {
        "shot": visible(chosen.shot),
        "take": chosen.take,
        "scene": visible(chosen.scene) if chosen.scene else None,
        "prompt": visible(text(sent.get("prompt")) or "", keep="\n\t"),
        "model": visible(text(take.get("model")) or ""),
        "task_id": visible(text(take.get("task_id")) or ""),
        "credits": credits if isinstance(credits, int | float) else None,
        "client_request_id": visible(text(take.get("client_request_id")) or ""),
        "fingerprint": visible(text(take.get("fingerprint")) or ""),
    }
