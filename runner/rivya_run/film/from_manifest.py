"""A film as a manifest alone tells it: every chosen take in the order of the shots."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rivya_run.errors import RivyaError
from rivya_run.film.clips import footage_of
from rivya_run.film.script import PictureShot, Script, SoundShot
from rivya_run.film.slates import clean
from rivya_run.journal.take_entry import REFERENCES
from rivya_run.media.types import Kind
from rivya_run.project.files import OwnFiles
from rivya_run.project.manifest_reader import (
    Chosen,
    Entry,
    NoFinishedTake,
    chosen_takes,
    entries,
    mapping,
    take_number,
    text,
)
from rivya_run.storyboard.film_reading import kind_by_name
from rivya_run.storyboard.model import FileTrouble
from rivya_run.text import visible


def script_of(manifest: Entry, folder: Path, *, slates: bool = False, own: OwnFiles | None = None) -> Script:
    """The script of an output folder. What can't be read is left out, with its reason.

    ``own`` says which files of people's own may be used; None: none is.
    """
    shots: list[PictureShot | SoundShot] = []
    hashes = hashes_of(manifest)
    for one in chosen_takes(manifest):
        name = visible(one.shot)
        if isinstance(one, NoFinishedTake) and one.file is not None and own is not None:
            kind, found = own_footage(one.file, own)
            found |= {"id": name, "scene": one.scene}
            shots.append(
                SoundShot(**found) if kind == "audio" else PictureShot(**found, still=kind == "image")
            )
            continue
        if isinstance(one, NoFinishedTake):
            shots.append(PictureShot(id=name, footage=None, scene=one.scene, text=one.prompt))
            continue
        known: dict[str, Any] = {
            "id": name,
            "take": one.take,
            "scene": one.scene,
            "about": about(one, hashes),
        }
        known["text"] = known["about"]["prompt"]
        file = folder / one.path
        if file.is_file():
            known |= measured(file, one.kind)
        else:
            gone = f"({visible(one.path)}) is not in the folder"
            known |= {"footage": None, "lack": gone}
        still = one.kind == "image"
        shots.append(SoundShot(**known) if one.kind == "audio" else PictureShot(**known, still=still))
    board = manifest.get("storyboard")
    board = board if isinstance(board, Mapping) else {}
    title = clean(str(board.get("title") or board.get("id") or "storyboard"))
    return Script(tuple(shots), slates=slates, title=title)


def own_footage(
    written: str, own: OwnFiles, kind: Kind | None = None, place: str = ""
) -> tuple[Kind, dict[str, Any]]:
    """A file of people's own, by its path as written: its kind, and what is known of it.

    ``place`` is where it was written, for what is told of one that can't be used.
    """
    kind = kind or kind_by_name(written) or "image"
    file = own.found(written)
    if isinstance(file, FileTrouble):
        lack = f"can't be used ({place}{file.message})"
        return kind, {"generated": False, "footage": None, "lack": lack}
    return kind, {"generated": False, **measured(file, kind)}


def measured(file: Path, kind: Kind) -> dict[str, Any]:
    """The footage of a file, or why there is none."""
    try:
        return {"footage": footage_of(file, kind)}
    except RivyaError:
        return {"footage": None, "lack": f"({visible(file.name)}) can't be read"}


def hashes_of(manifest: Entry) -> dict[str, str]:
    """The sha256 of every file that was uploaded, by the URL that a request names it by."""
    return {str(one.get("url")): str(one.get("sha256")) for one in entries(manifest.get("uploads"))}


def about(chosen: Chosen, hashes: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """What is told about a take in the formats that keep such things. ``hashes`` are those of uploads, by URL."""
    take = chosen.entry
    sent = mapping(take.get("request"))
    prompt, credits = text(sent.get("prompt")) or "", take.get("final_credits")
    date = text(take.get("created_at")) or text(take.get("sent_at"))
    return {
        "shot": visible(chosen.shot),
        "take": chosen.take,
        "scene": visible(chosen.scene) if chosen.scene else None,
        "prompt": visible(prompt, keep="\n\t"),
        "model": visible(text(take.get("model")) or ""),
        "task_id": visible(text(take.get("task_id")) or ""),
        "credits": credits if isinstance(credits, int | float) else None,
        "client_request_id": visible(text(take.get("client_request_id")) or ""),
        "fingerprint": visible(text(take.get("fingerprint")) or ""),
        "made": {
            "date": visible(date or ""),
            "prompt_sha256": _sha256(prompt) if prompt else "",
            "references": [
                _reference(one, hashes) for one in entries(mapping(sent.get("params")).get(REFERENCES))
            ],
            "made_from": [_parent(one) for one in entries(take.get("parents"))],
        },
    }


def _parent(sent: Entry) -> dict[str, Any]:
    name, digest = (visible(text(sent.get(key)) or "") for key in ("shot", "sha256"))
    return {"shot": name, "take": take_number(sent), "sha256": digest}


def _reference(sent: Entry, hashes: Mapping[str, str]) -> dict[str, str]:
    """A reference by its hash: its content's where that was uploaded, else that of its URL, which may be secret."""
    url = text(sent.get("url")) or ""
    known = {"sha256": visible(hashes[url])} if url in hashes else {"url_sha256": _sha256(url)}
    return {"kind": visible(text(sent.get("kind")) or ""), **known}


def _sha256(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
