"""Two records of one attempt, from two manifests: which of them counts, and when they contradict each other. Pure."""

from __future__ import annotations

from dataclasses import replace

from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.manifest import knows_more
from rivya_run.journal.take_entry import take_status
from rivya_run.text import credits_in_words


class Contradiction(ValueError):
    """Two records of one attempt say what can't both be; its text tells what, for a person."""


def settled(base: Attempt | None, ours: Attempt, theirs: Attempt) -> Attempt:
    """Of two records of one attempt the one that counts, ours if in doubt. Raises Contradiction.

    A change of one side counts, as long as it takes back nothing of what an ended task cost; where both have changed,
    that which knows more, as it is for what a journal takes in.
    """
    if theirs == ours:
        return ours
    if ours.fingerprint != theirs.fingerprint:
        raise Contradiction("ours was made from something else than theirs")
    if base is not None and theirs == base and not _takes_back(ours, base):
        return ours
    if (base is not None and ours == base and not _takes_back(theirs, base)) or knows_more(theirs, ours):
        chosen, other = theirs, ours
    elif knows_more(ours, theirs):
        chosen, other = ours, theirs
    else:
        _check_agreement(ours, theirs)
        chosen, other = max((ours, theirs), (theirs, ours), key=lambda pair: _certainty(pair[0]))
    if chosen.task_id is None and other.task_id is not None:  # a decision about it doesn't take its task away
        return replace(chosen, task_id=other.task_id, reserved_credits=other.reserved_credits)
    return chosen


def _takes_back(told: Attempt, known: Attempt) -> bool:
    return (known.ended and told.spent < known.spent) or (known.task_id is not None and told.task_id is None)


def _check_agreement(ours: Attempt, theirs: Attempt) -> None:
    """Raises Contradiction where two records of one task say what can't both be."""
    if ours.task_id != theirs.task_id:
        return
    failed = [one.state is AttemptState.FAILED for one in (ours, theirs)]
    if ours.ended and theirs.ended and failed[0] != failed[1]:
        raise Contradiction(f"ours {take_status(ours)}, theirs {take_status(theirs)}")
    if ours.ended == theirs.ended and ours.spent != theirs.spent:
        raise Contradiction(
            f"ours cost {credits_in_words(ours.spent)}, theirs {credits_in_words(theirs.spent)}"
        )
    for mine, told in zip(ours.outputs, theirs.outputs, strict=False):
        if mine.identity != told.identity:
            raise Contradiction(
                f"{mine.path} has the sha256 {mine.identity[:8]}… in ours, {told.identity[:8]}… in theirs"
            )


def _certainty(attempt: Attempt) -> tuple[bool, bool, bool, int]:
    """Of what goes equally far: an end beats the way there, an answer beats none."""
    refused = attempt.state is AttemptState.REFUSED
    return attempt.ended, refused, attempt.task_id is not None, len(attempt.outputs)
