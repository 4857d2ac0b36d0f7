"""Parameters that follow the length of a sound: ``{fit: SOUND, pad: SECONDS}`` as the value of a number.

Read here as written and linked to their sounds; which value that comes to is planned when the sound is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from rivya_run.errors import Problem
from rivya_run.models.catalog import Catalog
from rivya_run.models.lengths import longest, smallest_fitting, takes_lengths
from rivya_run.models.table import ID_PATTERN, ModelTable, ParameterRow
from rivya_run.storyboard.layers import Given, misspelt, values, well_shaped
from rivya_run.storyboard.model import FileFacts, FileTrouble, Fit, Shot, Sound, Storyboard
from rivya_run.storyboard.problems import Findings, below
from rivya_run.storyboard.references import Linked, a_kind
from rivya_run.storyboard.shapes import SUBSTITUTION_PATTERN, KeyPlace
from rivya_run.storyboard.sources import Sources
from rivya_run.storyboard.speech import FASTEST, asked_seconds, characters
from rivya_run.storyboard.substitution import Names
from rivya_run.suggest import did_you_mean
from rivya_run.text import figure, shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Scalar

_KEYS: Final = frozenset({"fit", "pad"})


class WrittenFit(NamedTuple):
    """A value that follows a sound, as written; ``node`` None: something is wrong with it, and was said."""

    node: MappingNode | None
    where: str


def take_out(
    table: ModelTable, given: Mapping[str, Given], findings: Findings
) -> tuple[Mapping[str, Given], dict[str, WrittenFit]]:
    """The parameters of a layer or shot without those that follow a sound, and these."""
    written = {
        key: WrittenFit(_checked(table, key, one.value, below(one.where, key), findings), one.where)
        for key, one in given.items()
        if isinstance(one.value, MappingNode) and _is_fit(table, key, one.value)
    }
    return ({key: one for key, one in given.items() if key not in written} if written else given), written


def _is_fit(table: ModelTable, key: str, node: MappingNode) -> bool:
    """Whether a mapping is meant to follow a sound, and may be said to be where it stands."""
    row = table.row(key)
    if row is not None and takes_lengths(row):
        return "fit" in node.entries or misspelt(node, KeyPlace.FIT, "fit")
    return (row is not None or not table.complete) and "fit" in node.entries and node.entries.keys() <= _KEYS


def _checked(
    table: ModelTable, key: str, node: MappingNode, where: str, findings: Findings
) -> MappingNode | None:
    row = table.row(key)
    if row is None or not takes_lengths(row):
        known = "is not in its table" if row is None else f"is {row.type} there"
        message = f"a length fits numbers; '{key}' of {table.id} {known}"
        findings.error(node.key("fit"), where, message, "fit")
        return None
    before = findings.errors
    entries = well_shaped(node, KeyPlace.FIT, where, findings)
    target = entries.get("fit")
    if isinstance(target, Scalar) and not _may_be_id(target.text):
        message = f"'{shortened(target.text)}' is no id of a shot or sound"
        findings.error(target, below(where, "fit"), message, "unknown-shot", subject="")
    return node if findings.errors == before else None


def _may_be_id(text: str) -> bool:
    return bool(re.search(SUBSTITUTION_PATTERN, text) or re.fullmatch(ID_PATTERN, text))


def read_fits(written: Mapping[str, WrittenFit], names: Names) -> dict[str, Fit]:
    """What is right of them, with names filled in."""
    found: dict[str, Fit] = {}
    for key, (node, layer) in written.items():
        if node is None:
            continue
        target, where = node.entries["fit"], below(below(layer, key), "fit")
        assert isinstance(target, Scalar)
        pad = values(node.entries, KeyPlace.FIT).get("pad", 0.0)
        found[key] = Fit(
            names.text(target, where, as_id=True), pad, line=target.line, column=target.column, where=where
        )
    return found


def files_of(sounds: Iterable[Sound]) -> dict[str, str]:
    """The files of entries of ``sound``, by their ids."""
    return {sound.id: sound.file for sound in sounds if sound.id is not None}


def with_sounds(
    shots: Iterable[Shot],
    linked: Mapping[str, Linked],
    sounds: Mapping[str | None, Mapping[str, str]],
    findings: Findings,
) -> tuple[Shot, ...]:
    """The shots with the files of sounds that are files; what follows no sound is said. ``sounds`` are the files of
    the entries of ``sound``, by their ids, for each version."""
    return tuple(
        _with_sounds(shot, linked, sounds.get(next(iter(shot.versions), None), {}), findings)
        if shot.fits
        else shot
        for shot in shots
    )


def _with_sounds(
    shot: Shot, linked: Mapping[str, Linked], files: Mapping[str, str], findings: Findings
) -> Shot:
    fits: dict[str, Fit] = {}
    for key, fit in shot.fits.items():
        file = files.get(fit.shot)
        sound = linked.get(fit.shot)
        if file is None and not _is_sound(shot, fit, linked, files, findings):
            continue
        if sound is not None:
            file = sound.shot.file
        if sound is not None and file is None:
            _advise(fit, linked[shot.id].table, key, _least(sound), findings)
        fits[key] = replace(fit, file=file)
    return replace(shot, fits=fits)


def _is_sound(
    shot: Shot, fit: Fit, linked: Mapping[str, Linked], files: Mapping[str, str], findings: Findings
) -> bool:
    sound = linked.get(fit.shot)
    if fit.shot == shot.id:
        findings.error(fit, fit.where, f"'{shot.id}' refers to itself", "circle")
        return False
    if sound is None and "${" in fit.shot:
        return False  # a name that nothing fills in, which was said
    if sound is None:
        heard = [name for name, one in linked.items() if one.kind == "audio" and name != shot.id]
        hint = did_you_mean(fit.shot, [*heard, *files])
        message = f"unknown sound '{shortened(fit.shot)}'{hint}"
        findings.error(fit, fit.where, message, "unknown-shot", subject="")
        return False
    if sound.kind not in (None, "audio"):
        message = f"'{fit.shot}' is {a_kind(sound.kind or '')}, not a sound"
        findings.error(fit, fit.where, message, "fit", subject="")
        return False
    return True


def _least(sound: Linked) -> float:
    """Seconds that a sound lasts at least, as far as its text says."""
    table, shot = sound.table, sound.shot
    if table is None or table.track != "voice" or asked_seconds(shot.params) is not None:
        return 0.0
    return characters(shot) / FASTEST


def _advise(fit: Fit, table: ModelTable | None, key: str, seconds: float, findings: Findings) -> None:
    """Advice where no value of the model is as long as a sound of so many seconds."""
    row = table.row(key) if table is not None else None
    if table is not None and row is not None and smallest_fitting(row, seconds + fit.pad) is None:
        message = f"{too_long(fit, seconds, table, row, 'will last at least')}; this take will be blocked"
        findings.advice(fit, fit.where, message, "fit-too-long", subject="")


def too_long(fit: Fit, seconds: float, table: ModelTable, row: ParameterRow, verb: str = "lasts") -> str:
    """Why there is no value for a sound of so many seconds."""
    pad = f" and {figure(fit.pad)} s of pad" if fit.pad else ""
    return (
        f"{fit.shot} {verb} {figure(seconds)} s{pad}; {table.id} takes at most {longest(row)} for {row.key}"
    )


def files_of_fits(storyboard: Storyboard) -> Iterator[tuple[Shot, str, Fit, str]]:
    """Every parameter that follows a file: its shot, its key, the fit, and the path as written."""
    for shot in storyboard.shots:
        for key, fit in shot.fits.items():
            if fit.file is not None:
                yield shot, key, fit, fit.file


def judge_fits(
    storyboard: Storyboard, catalog: Catalog, looked: Mapping[str, FileFacts | FileTrouble], sources: Sources
) -> list[Problem]:
    """Problems of the files that parameters follow: trouble with the file, or no sound in it.

    Advice where it is too long.
    """
    findings = Findings(sources)
    for shot, key, fit, path in files_of_fits(storyboard):
        found = looked.get(path)
        if isinstance(found, FileTrouble):
            findings.error(fit, fit.where, found.message, found.code)
        elif found is not None and found.seconds is None:
            message = f"'{shortened(path)}' is no sound whose length can be measured"
            findings.error(fit, fit.where, message, "fit")
        elif found is not None and found.seconds is not None:
            _advise(fit, catalog.get(shot.model), key, found.seconds, findings)
    return list(findings.in_file_order())
