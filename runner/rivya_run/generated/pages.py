"""The generated pages: ``docs/models.md``, and the tables of keys and problem codes in ``docs/storyboard.md``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rivya_run.models.view import (
    credits_in_words,
    default_in_words,
    limits_in_words,
    prompt_in_words,
    references_in_words,
    values_in_words,
)
from rivya_run.records.tables import ModelTable
from rivya_run.storyboard.language import FRAMES, KEYS, KINDS, Key, Place, Shape
from rivya_run.storyboard.problem_text import GROUPS
from rivya_run.text import markdown_table

_BLOCK: Final = re.compile(
    r"(?P<start><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end -->\n)", re.DOTALL
)
_LAYERED: Final = (Place.TOP, Place.DEFAULTS, Place.PRESET, Place.SHOT)
_REFERENCES: Final = (Place.FILE_REFERENCE, Place.URL_REFERENCE, Place.SHOT_REFERENCE)
_PLACES: Final[Mapping[Place, str]] = {
    Place.TOP: "top",
    Place.DEFAULTS: "`defaults`",
    Place.PRESET: "preset",
    Place.SHOT: "shot",
    Place.FILE_REFERENCE: "`{path}`",
    Place.URL_REFERENCE: "`{url}`",
    Place.SHOT_REFERENCE: "`{shot}`",
    Place.BUDGET: "`budget`",
}
_SHAPES: Final[Mapping[Shape, str]] = {
    Shape.ID: "id",
    Shape.VERSION: "1",
    Shape.LABEL: "text",
    Shape.LABELS: "text, or a list",
    Shape.PROMPT: "text, `${}`",
    Shape.MODEL: "model id",
    Shape.PARAMS: "mapping, `${}`",
    Shape.REFERENCES: "reference, or a list",
    Shape.COUNT: "whole number",
    Shape.AMOUNT: "number",
    Shape.FLAG: "`true` or `false`",
    Shape.NAMES: "preset, or a list",
    Shape.VARIABLES: "mapping",
    Shape.MATRIX: "mapping of lists",
    Shape.LAYER: "mapping",
    Shape.LAYERS: "mapping of mappings",
    Shape.SHOTS: "list",
    Shape.BUDGET: "mapping",
    Shape.PATH: "path, `${}`",
    Shape.URL: "URL, `${}`",
    Shape.KIND: " ".join(f"`{kind}`" for kind in KINDS),
    Shape.TEXT: "text",
    Shape.FRAME: " ".join(f"`{frame}`" for frame in FRAMES) + ", or seconds",
    Shape.SHOT_ID: "shot id, `${}`",
}


class NoSuchPart(Exception):
    """A page asks for a part that isn't made, or leaves one out."""


def renewed_page(page: str, parts: Mapping[str, str]) -> str:
    """The page with what stands between ``<!-- generated: NAME -->`` and ``<!-- end -->`` made anew.

    Raises NoSuchPart when the page's names are not exactly those of ``parts``.
    """
    named = [match["name"] for match in _BLOCK.finditer(page)]
    if sorted(named) != sorted(parts):
        raise NoSuchPart(f"the page has {sorted(named)}, made are {sorted(parts)}")
    return _BLOCK.sub(lambda match: f"{match['start']}{parts[match['name']]}{match['end']}", page)


def language_parts(tables: Sequence[ModelTable]) -> dict[str, str]:
    """The generated parts by name, in Markdown."""
    return {
        "keys": _keys(_LAYERED),
        "reference-keys": _keys(_REFERENCES),
        "codes": _codes(),
        "advice": _advice(tables),
    }


def _keys(places: Sequence[Place]) -> str:
    rows = [
        (f"`{_name(key)}`", _where(key), _value(key), key.help)
        for key in KEYS
        if any(place in (*places, Place.BUDGET) for place in key.places)
        and (key.places != (Place.BUDGET,) or Place.TOP in places)
    ]
    return _grid(("key", "stands in", "value", "meaning"), rows)


def _name(key: Key) -> str:
    return f"budget.{key.name}" if key.places == (Place.BUDGET,) else key.name


def _where(key: Key) -> str:
    where = ", ".join(_PLACES[place] for place in key.places)
    return f"{where}; needed" if key.required else where


def _value(key: Key) -> str:
    value = _SHAPES[key.shape]
    if key.minimum is not None and key.maximum is not None:
        value += f", {key.minimum} to {key.maximum}"
    elif key.minimum is not None:
        value += f", {key.minimum} or more"
    if key.default is not None and key.shape is not Shape.VERSION:
        value += f" (`{str(key.default).lower()}`)"
    return value


def _codes() -> str:
    parts = []
    for title, codes in GROUPS.items():
        rows = [(f"`{code}`", meaning) for code, meaning in codes.items()]
        parts.append(f"**{title}**\n\n{_grid(('code', 'says'), rows)}")
    return "\n".join(parts)


def _advice(tables: Sequence[ModelTable]) -> str:
    told: dict[tuple[str, str], list[str]] = {}
    for table in tables:
        for row in table.advice:
            told.setdefault((row.code, row.message), []).append(f"`{table.id}`")
    rows = [(f"`{code}`", ", ".join(models), message) for (code, message), models in sorted(told.items())]
    return _grid(("code", "models", "says"), rows)


def _grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join(markdown_table(heads, cells)) + "\n"


_INTRO = """# Models

Generated from the parameter tables by `rivya-run models list --markdown`; don't edit it by hand.

The tables say what each model's page said on the day it was read. Base credits are those of the default
parameters: longer, larger or better results may cost more, and the credits that the API reserves are the
truth. `rivya-run models show ID` prints one table with an example shot; `rivya-run models sync` compares them
all with what Rivya lists today.
"""


def models_page(tables: Sequence[ModelTable]) -> str:
    """The page, in Markdown: all models in one table, then each with its parameters."""
    rows = [
        (
            f"[`{table.id}`](#{_anchor(table.id)})",
            table.category,
            credits_in_words(table),
            table.billing_type,
            prompt_in_words(table),
            references_in_words(table),
            "yes" if table.complete else "no",
        )
        for table in tables
    ]
    heads = ("model", "category", "base credits", "billing", "prompt, characters", "references", "complete")
    parts = [_INTRO, f"{len(tables)} models.\n", _grid(heads, rows)]
    parts += [_section(table) for table in tables]
    return "\n".join(parts)


def _section(table: ModelTable) -> str:
    page = f"[Page]({table.source_url}), read {table.read_on}." if table.source_url else "No page was read."
    billing = f" ({table.billing_type})" if table.billing_type else ""
    price = f"{credits_in_words(table)} base credits{billing}"
    lines = [f"## {table.id}", "", f"{table.display_name}: {table.category}, {price}. {page}", ""]
    if not table.complete:
        lines += ["The table is incomplete: an unknown parameter is sent as written, with advice.", ""]
    if table.params:
        rows = [
            (f"`{row.key}`", row.type.value, values_in_words(row), default_in_words(row), row.description)
            for row in table.params
        ]
        lines.append(_grid(("parameter", "type", "values", "default", "about"), rows))
    if table.references is not None:
        about = [table.references.rule, *(f"{limit}." for limit in limits_in_words(table.references))]
        lines += [f"References: {references_in_words(table)}. {' '.join(part for part in about if part)}", ""]
    lines += [f"- Advice `{row.code}`: {row.message}." for row in table.advice]
    if table.advice:
        lines.append("")
    if table.note:
        lines += [f"Note: {table.note}", ""]
    return "\n".join(lines)


def _anchor(model: str) -> str:
    return model.lower().replace(".", "")
