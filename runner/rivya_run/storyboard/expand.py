"""A storyboard as it is after all its layers: what ``plan --expand`` prints, again a storyboard.

Reading it gives the same shots: nothing is left to defaults, presets, matrix or vars, dollars are doubled, and
every text that YAML could read as something else stands in quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from typing import Any, Final

from rivya_run.json_types import Json
from rivya_run.models.catalog import Catalog
from rivya_run.models.values import in_table_order, number_text
from rivya_run.storyboard.model import Approved, Checks, FileReference, Film, Reference, Shot, Storyboard
from rivya_run.storyboard.written import CARRIED
from rivya_run.yaml12.nodes import meaning

# Text that needs no quotes in any place, block or flow.
_BARE: Final = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./ +-]*(?:[:][A-Za-z0-9_./][A-Za-z0-9_./ +-]*)*")

_PLACE: Final = ("line", "column", "where")
_ORIGIN: Final = ("written", "versions")


def expanded(storyboard: Storyboard, catalog: Catalog) -> str:
    """The storyboard as YAML, every parameter as it is sent."""
    lines = [f"id: {_scalar(storyboard.id)}"]
    for name, label in (("title", storyboard.title), ("notes", storyboard.notes)):
        if label is not None:
            lines.append(f"{name}: {_scalar(label)}")
    if storyboard.max_credits is not None:
        lines.append(f"budget: {{max_credits: {number_text(storyboard.max_credits)}}}")
    if storyboard.quiet:
        lines.append(f"quiet: [{', '.join(map(_scalar, sorted(storyboard.quiet)))}]")
    lines += _film(storyboard.film)
    lines.append("shots:")
    for shot in storyboard.shots:
        lines += _shot(shot, catalog)
    return "\n".join(lines) + "\n"


def _shot(shot: Shot, catalog: Catalog) -> list[str]:
    lines = [f"  - id: {_scalar(shot.id)}"]
    carried = [
        (field, _as_written(field.name, getattr(shot, field.name)))
        for field in fields(Shot)
        if field.name in CARRIED
    ]
    lines += [
        f"    {field.name}: {_filled(field.name)(value)}"
        for field, value in carried
        if isinstance(value, str)
    ]
    if shot.tags:
        lines.append(f"    tags: [{', '.join(map(_scalar, shot.tags))}]")
    if shot.file is None:
        lines.append(f"    model: {_scalar(shot.model)}")
    if shot.prompt is not None:
        lines.append(f"    prompt: {_text(shot.prompt)}")
    if shot.params or shot.fits:
        lines.append("    params:")
        lines += [f"      {_scalar(key)}: {_value(value, _text)}" for key, value in _in_order(shot, catalog)]
    if shot.references:
        lines.append("    references:")
        lines += [f"      - {_reference(reference)}" for reference in shot.references]
    for field, value in carried:
        off = value is None or (isinstance(value, bool) and value is field.default)
        off = off or (shot.file is not None and field.name == "takes")
        if not off and not isinstance(value, str):
            lines.append(f"    {field.name}: {_value(value, _filled(field.name))}")
    return lines


def _as_written(key: str, value: Any) -> Json:
    """A field of a shot as it stands in a file."""
    if key == "approval":
        return "required" if value else None
    if isinstance(value, Approved):
        return str(value)
    if isinstance(value, Checks):
        return {name: list(codes) for name, codes in asdict(value).items() if codes} or None
    found: Json = value
    return found


def _film(film: Film) -> Iterator[str]:
    """What the top says of the film."""
    for name, said in (("mix", film.mix), ("captions", film.captions)):
        if said:
            yield f"{name}: {_value(dict(said), _scalar)}"
    if film.ending:
        yield f"ending: {{fade: {number_text(film.ending)}}}"
    if film.sounds:
        yield "sound:"
    for sound in film.sounds:
        read = ((field.name, getattr(sound, field.name), field.default) for field in fields(sound))
        told = [(name, value) for name, value, default in read if name not in _PLACE and value != default]
        yield f"  - {_mapping([(name, _value(value, _filled(name))) for name, value in told])}"


def _filled(key: str) -> Callable[[str], str]:
    """How the texts of a film's key are written: names are filled in into some of them."""
    return _text if key in ("file", "text", "at", "until") else _scalar


def _in_order(shot: Shot, catalog: Catalog) -> list[tuple[str, Json]]:
    """The parameters in the order of the model's table."""
    fits: dict[str, Json] = {key: {"fit": fit.shot, "pad": fit.pad} for key, fit in shot.fits.items()}
    table = catalog.get(shot.model)
    params = {**shot.params, **fits}
    return list((in_table_order(table, params) if table is not None else params).items())


def _reference(reference: Reference) -> str:
    read = ((field.name, getattr(reference, field.name)) for field in fields(reference))
    named = isinstance(reference, FileReference) and reference.shot is not None
    keys = [(name, value) for name, value in read if name not in _PLACE and not (named and name == "path")]
    return _mapping(
        [
            (name, _value(value, _text if name in ("path", "url", "storyboard") else _scalar))
            for name, value in keys
            if value is not None
        ]
    )


def _mapping(fields: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in fields) + "}"


def _value(value: Json, text: Callable[[str], str]) -> str:
    """A value in one line; ``text`` writes texts: ``_text`` where reading fills names in, else ``_scalar``."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item, text) for item in value) + "]"
    if isinstance(value, dict):
        return _mapping([(_scalar(key), _value(item, text)) for key, item in value.items()])
    return number_text(value) if isinstance(value, float) else json.dumps(value)


def _text(text: str) -> str:
    return _scalar(text.replace("$", "$$"))


def _scalar(text: str) -> str:
    """Text that reads as itself: bare where that is safe, else in double quotes (a JSON string)."""
    bare = _BARE.fullmatch(text) and not text.endswith(" ") and meaning(text) == text
    if bare and not text.startswith(("---", "...")) and "\n" not in text:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub(
        "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda match: f"\\u{ord(match[0]):04x}", quoted
    )
