"""References of another shape than what is asked for: the result may take either, and is paid for as it comes."""

from __future__ import annotations

from collections.abc import Mapping

from rivya_run.json_types import Json
from rivya_run.media.checks import RATIO_KEYS, RATIO_OFF_BY, asked_of
from rivya_run.models.table import ModelTable
from rivya_run.storyboard.model import Reference, Shot
from rivya_run.storyboard.problems import Findings
from rivya_run.text import shortened


def asked_ratio(params: Mapping[str, Json]) -> tuple[str, float] | None:
    """The ratio that the params of a request ask for, as written and as a number; None where they leave it open."""
    written = asked_of(params).aspect_ratio
    if written is None:
        return None
    wide, high = written.split(":")
    return written, float(wide) / float(high)


def ratio_matters(shot: Shot, table: ModelTable) -> bool:
    """Whether a reference of another shape may change what comes of a shot.

    A clip begins with its picture, and a still that is made from one picture is an edit of it. Where a model makes
    stills from several, these are ingredients, and the ratio that is asked for is the still's own.
    """
    edits = table.references is None or table.references.max_files == 1
    return (table.category == "video" or edits) and asked_ratio(shot.params) is not None


def advise_on_ratio(
    reference: Reference, shape: str, ratio: float, shot: Shot, table: ModelTable, findings: Findings
) -> None:
    """Advice where a reference of that ``shape`` stands beside another ratio, that of the model's table included."""
    asked = asked_ratio(shot.params) if ratio_matters(shot, table) else None
    if asked is None or abs(ratio / asked[1] - 1) <= RATIO_OFF_BY:
        return
    key = next(key for key in RATIO_KEYS if shot.params.get(key) == asked[0])
    row = table.row(key)
    default = f", the default of {table.id}" if row is not None and row.default == asked[0] else ""
    message = (
        f"{shape} beside {key} {shortened(asked[0])}{default}: the result may take the shape of the reference"
    )
    findings.advice(reference, reference.where, message, "ratio-mismatch", subject="")
