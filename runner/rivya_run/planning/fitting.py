"""Values that follow sounds: how long these are, what is made where nothing serves, and what does serve."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt, AttemptState
from rivya_run.journal.fold import History
from rivya_run.journal.take_entry import sent_params, stopped_by
from rivya_run.json_types import Json
from rivya_run.models.lengths import fits, length_of, longest, smallest_fitting
from rivya_run.models.table import ModelTable
from rivya_run.models.values import in_table_order
from rivya_run.planning.families import Families
from rivya_run.planning.matching import Matching
from rivya_run.planning.plan import WORKING, Parent, Step
from rivya_run.planning.settled import Settled
from rivya_run.storyboard.fits import too_long
from rivya_run.storyboard.model import FileFacts, Fit, Shot
from rivya_run.storyboard.speech import estimated_sound
from rivya_run.text import figure

Steps: TypeAlias = Mapping[tuple[str, int], Step]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A shot with a value for each parameter that follows a sound: the smallest that fits, an estimate as long as the
    sound isn't there.

    ``needs`` are seconds by parameter, of sounds that are there, pads included, and ``now`` says so in words;
    ``sounds`` are takes of sounds that are made, ``waiting`` the first that isn't there, ``estimates`` what is
    estimated meanwhile. ``blocked``: why there is no value.
    """

    shot: Shot
    needs: Mapping[str, float] = field(default_factory=dict)
    now: Mapping[str, str] = field(default_factory=dict)
    sounds: tuple[Parent, ...] = ()
    waiting: Parent | None = None
    estimates: tuple[str, ...] = ()
    blocked: str | None = None


class Fitting:
    """Finds values by the lengths on record, and what else was made with longer ones."""

    def __init__(
        self,
        shots: Mapping[str, Shot],
        tables: Mapping[str, ModelTable],
        history: History,
        facts: Mapping[str, FileFacts],
        matching: Matching,
        families: Families,
        settled: Settled,
    ) -> None:
        self._shots = shots
        self._tables = tables
        self._history = history
        self._facts = facts
        self._matching = matching
        self._families = families
        self._settled = settled
        self._of_the_gone: dict[tuple[str, ...], list[dict[str, Json]]] = {}
        self._sent: dict[tuple[str | None, tuple[str, ...]], tuple[str, dict[str, Json]] | None] = {}

    def of(self, shot: Shot, steps: Steps) -> Fitted:
        """What a shot's values come to now; it has none without ``fits``."""
        fitted = Fitted(shot)
        for key, fit in shot.fits.items():
            heard = self._heard(fit, steps)
            if isinstance(heard, str):
                return replace(fitted, blocked=heard)
            fitted = self._with_value(fitted, key, fit, *heard, steps)
        return fitted

    def _with_value(
        self, fitted: Fitted, key: str, fit: Fit, sound: Parent | None, seconds: float | None, steps: Steps
    ) -> Fitted:
        table = self._tables[fitted.shot.model]
        row = table.row(key)
        assert row is not None, "the reader takes only parameters of the table"
        sounds = (*fitted.sounds, sound) if sound is not None else fitted.sounds
        if seconds is None:
            assert sound is not None
            expected = float(estimated_sound(steps[sound.shot, sound.take or 1].shot)) + fit.pad
            value = smallest_fitting(row, expected) or longest(row)
            estimates = (*fitted.estimates, f"{key} {value} is an estimate until {fit.shot} is there")
            shot = self._filled(fitted.shot, {key: value})
            return replace(
                fitted, shot=shot, sounds=sounds, waiting=fitted.waiting or sound, estimates=estimates
            )
        value = smallest_fitting(row, seconds + fit.pad)
        blocked = fitted.blocked if value is not None else too_long(fit, seconds, table, row)
        return replace(
            fitted,
            shot=self._filled(fitted.shot, {key: value}) if value is not None else fitted.shot,
            needs={**fitted.needs, key: seconds + fit.pad},
            now={**fitted.now, key: f"{fit.shot} lasts {figure(seconds)} s now"},
            sounds=sounds,
            blocked=blocked,
        )

    def serving(self, fitted: Fitted, fingerprint: Callable[[Shot], str]) -> dict[str, Shot]:
        """The fingerprints of all that serves a shot whose sounds are there, the smallest values first.

        Whatever it has with longer values does: a sound that gets shorter makes nothing anew. What is to be made
        where there is no such thing is among them, unless it is too long.
        """
        shot, needs = fitted.shot, fitted.needs
        found = {} if fitted.blocked is not None else {fingerprint(shot): shot}
        for values in self._values_made(shot) if needs else ():
            lengths = {key: length_of(value) for key, value in values.items()}
            if all((length := lengths[key]) is not None and fits(length, needs[key]) for key in needs):
                variant = self._filled(shot, values)
                found.setdefault(fingerprint(variant), variant)
        return dict(sorted(found.items(), key=lambda one: [length_of(one[1].params[key]) for key in needs]))

    def alike(self, shot: Shot, fingerprint: Callable[[Shot], str]) -> frozenset[str]:
        """The fingerprints of all that was tried for a shot, whatever the values: they fail together."""
        tried = self._families.attempts(shot) if shot.fits else []
        known = {attempt.fingerprint for attempt in tried}
        values = self._each_once(tried, tuple(shot.fits))
        return frozenset(one for each in values if (one := fingerprint(self._filled(shot, each))) in known)

    def _values_made(self, shot: Shot) -> list[dict[str, Json]]:
        """The values of these parameters in what the shot has, and in what shots had that are gone: it may be one of
        them under a new name."""
        keys = tuple(shot.fits)
        known = self._of_the_gone.get(keys)
        if known is None:
            gone = [one for one in self._history.attempts.values() if one.shot not in self._shots]
            known = self._of_the_gone[keys] = self._each_once(filter(_useful, gone), keys)
        return [*self._each_once(filter(_useful, self._families.attempts(shot)), keys), *known]

    def _each_once(self, attempts: Iterable[Attempt], keys: tuple[str, ...]) -> list[dict[str, Json]]:
        """The different values of attempts, but for those that left one out."""
        found: dict[str, dict[str, Json]] = {}
        for attempt in attempts:
            named = (attempt.body, keys)
            # Read once: a family may have many attempts, and each of its shots asks for all of them.
            if named not in self._sent:
                values = _values(attempt, keys)
                self._sent[named] = None if values is None else (json.dumps(values), values)
            known = self._sent[named]
            if known is not None:
                found.setdefault(*known)
        return list(found.values())

    def _filled(self, shot: Shot, values: Mapping[str, Json]) -> Shot:
        """The shot as if the values had been written: its request is the same to the byte."""
        return replace(shot, params=in_table_order(self._tables[shot.model], {**shot.params, **values}))

    def _heard(self, fit: Fit, steps: Steps) -> tuple[Parent | None, float | None] | str:
        """The sound's take and its length in seconds, None as long as it isn't there; or why it never will be.

        It is the take that the film has: the picked one, else the first that is there or comes. One that comes before
        another that is there is waited for: its length is the one that counts in the end.
        """
        if fit.file is not None:
            return None, self._facts[fit.file].seconds
        sound = self._shots[fit.shot]
        takes = [*self._settled.takes(sound)]
        if sound.pick is not None and self._settled.of(sound.id) is None:
            takes = [sound.pick]
        stopped: tuple[Parent, float] | None = None
        for take in takes:
            key = self._matching.key_for(sound.id, take)
            attempt = self._history.attempts[key] if key is not None else None
            if attempt is not None and attempt.state is AttemptState.STORED and attempt.outputs:
                output = attempt.outputs[0]
                if output.seconds is None:
                    return f"how long {sound.id}/{take} lasts is not on record"
                found = Parent(sound.id, take, output.identity), output.seconds
                if not stopped_by(sound, attempt):
                    return found
                stopped = stopped or found
            elif steps[sound.id, take].action in WORKING:
                return Parent(sound.id, take), None
        if stopped is not None:
            return stopped
        return f"parent {sound.id}/{takes[0]}: {steps[sound.id, takes[0]].reason}"


def _values(attempt: Attempt, keys: Sequence[str]) -> dict[str, Json] | None:
    """What was sent as these parameters, None where one was left out."""
    sent = sent_params(attempt)
    return {key: sent[key] for key in keys} if all(length_of(sent.get(key)) for key in keys) else None


def _useful(attempt: Attempt) -> bool:
    """Whether it can still serve a take."""
    return attempt.state in CLAIMABLE_STATES
