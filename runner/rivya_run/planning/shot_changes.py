"""What was changed of a shot from one text of its storyboard to another, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from rivya_run.planning.reasons import model_change, param_changes, prompt_change, shown
from rivya_run.storyboard.model import (
    Approved,
    BoardReference,
    Checks,
    FileReference,
    Fit,
    Reference,
    Shot,
    Storyboard,
    UrlReference,
)

_IN_WORDS_OF_THEIR_OWN: Final = {"model", "prompt", "params", "references", "fits"}
_NOT_WRITTEN: Final = {"id", "where", "line", "column", "mentions", "written"}


def shot_changes(before: Shot, after: Shot, was: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs, as written; ``was`` and ``now`` are the sha256 of files by their paths."""
    others = [
        f"{field.name} {_value(getattr(before, field.name))} -> {_value(getattr(after, field.name))}"
        for field in fields(Shot)
        if field.name not in _IN_WORDS_OF_THEIR_OWN | _NOT_WRITTEN
        and getattr(before, field.name) != getattr(after, field.name)
    ]
    return [
        *model_change(before.model, after.model),
        *prompt_change(before.prompt, after.prompt),
        *param_changes(_params(before), _params(after), {}),
        *_reference_changes(before, after, was, now),
        *others,
    ]


def storyboard_changes(before: Storyboard, after: Storyboard) -> list[str]:
    """The same of what a storyboard says of itself."""
    told = (
        ("id", before.id, after.id),
        ("title", before.title, after.title),
        ("budget.max_credits", before.max_credits, after.max_credits),
    )
    return [f"{name} {_value(old)} -> {_value(new)}" for name, old, new in told if old != new]


def _params(shot: Shot) -> dict[str, Any]:
    return {**shot.params, **{key: _fit(fit) for key, fit in shot.fits.items()}}


def _fit(fit: Fit) -> str:
    return f"fit {fit.file or fit.shot}" + (f" + {fit.pad:g} s" if fit.pad else "")


def _reference_changes(
    before: Shot, after: Shot, was: Mapping[str, str], now: Mapping[str, str]
) -> Iterator[str]:
    old, new = [_named(one) for one in before.references], [_named(one) for one in after.references]
    yield from (f"reference {name} added" for name in new if name not in old)
    yield from (f"reference {name} removed" for name in old if name not in new)
    if old != new and sorted(old) == sorted(new):
        yield "references in another order"
    for one in after.references:
        if isinstance(one, FileReference) and was.get(one.path, now.get(one.path)) != now.get(one.path):
            yield f"reference {one.path} has new content"


def _named(reference: Reference) -> str:
    """``refs/pack.png``, ``key010/2 (last)``, ``cast/cast.yaml mira/1``, as plans write what a shot is made from."""
    if isinstance(reference, UrlReference):
        return reference.id or reference.url
    if isinstance(reference, FileReference):
        name = reference.path
    else:
        name = reference.shot if reference.take is None else f"{reference.shot}/{reference.take}"
    if isinstance(reference, BoardReference):
        name = f"{reference.storyboard} {name}"
    return f"{name} ({reference.frame})" if reference.frame is not None else name


def _value(value: Any) -> str:
    if isinstance(value, Approved):
        return str(value)
    if isinstance(value, Checks):
        told = (
            f"{name} {', '.join(codes)}"
            for name, codes in (("stop", value.stop), ("quiet", value.quiet))
            if codes
        )
        return "; ".join(told) or shown(None)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return shown(json.loads(json.dumps(value, default=str)))
