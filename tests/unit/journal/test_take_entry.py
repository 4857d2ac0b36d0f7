"""One take as the manifest writes it, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from attempts_strategy import attempts
from examples import attempt, shot
from rivya_run.journal.attempt import ApiError, Attempt, AttemptState
from rivya_run.journal.fingerprint import request_body
from rivya_run.journal.judging import Nonsense, judge_attempt
from rivya_run.journal.take_entry import (
    attempt_of_entry,
    entry_of_attempt,
    out_of_credits,
    take_status,
    whole,
)

FEW = settings(max_examples=50)

A = shot("a")


def read_back(name: str, entry: Any) -> Attempt:
    """The attempt that an entry tells of."""
    return attempt_of_entry(name, judge_attempt(entry, name), entry)


PUBLISHED = {
    *("take", "status", "model", "fingerprint", "client_request_id", "attempt", "task_id", "attempts"),
    *(
        "request",
        "sent_at",
        "reserved_credits",
        "final_credits",
        "created_at",
        "updated_at",
        "outputs",
        "error",
    ),
}


@FEW
@given(attempts())
def test_an_entry_read_back_and_written_again_is_the_same(made: Attempt) -> None:
    """Nothing that a manifest says is lost when another clone takes it in."""
    entry = entry_of_attempt(made)
    again = json.loads(json.dumps(entry))
    assert entry_of_attempt(read_back(made.shot, again)) == entry


@FEW
@given(attempts())
def test_what_was_paid_and_what_is_to_be_done_survive(made: Attempt) -> None:
    """State, money, key and body come back; only a task that succeeded but wasn't fetched is asked for again."""
    back = read_back(made.shot, json.loads(json.dumps(entry_of_attempt(made))))
    expected = AttemptState.RUNNING if made.state is AttemptState.FINISHED else made.state
    assert back.state is expected
    assert (back.client_request_id, back.body, back.fingerprint, back.number) == (
        made.client_request_id,
        made.body,
        made.fingerprint,
        made.number,
    )
    assert (back.reserved_credits, back.final_credits, back.estimate) == (
        made.reserved_credits,
        made.final_credits,
        made.estimate,
    )
    assert (back.task_id, back.parents) == (made.task_id, made.parents)
    assert out_of_credits(back) == out_of_credits(made)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (AttemptState.SENT, "sent"),
        (AttemptState.WITHDRAWN, "planned"),
        (AttemptState.REFUSED, "failed"),
        (AttemptState.RUNNING, "pending"),
        (AttemptState.FINISHED, "pending"),
        (AttemptState.STORED, "succeeded"),
        (AttemptState.FAILED, "failed"),
        (AttemptState.UNKNOWN, "unknown"),
        (AttemptState.GIVEN_UP, "unknown"),
    ],
)
def test_each_state_has_its_status(state: AttemptState, status: str) -> None:
    """The six words of the manifest; succeeded means that the files are on disk."""
    assert take_status(attempt(A, 1, state)) == status


def test_a_take_without_attempts_is_planned() -> None:
    """Nothing was asked for yet."""
    assert take_status(None) == "planned"


@pytest.mark.parametrize(
    ("code", "http_status"), [("insufficient_credits", 402), ("insufficient_credits", 400), ("other", 402)]
)
def test_a_create_that_an_empty_wallet_refused_is_still_planned(code: str, http_status: int) -> None:
    """Nothing was made and nothing failed; the same after a journey through a manifest."""
    refused = attempt(A, 1, AttemptState.REFUSED, error=ApiError(code, "", None, http_status))
    assert take_status(refused) == "planned"
    assert take_status(read_back("a", entry_of_attempt(refused))) == "planned"


def test_a_task_that_failed_for_want_of_credits_is_a_failure_of_the_wallet() -> None:
    """The lifecycle page's other reading: the task was there, so it failed."""
    failed = attempt(A, 1, AttemptState.FAILED, error=ApiError("insufficient_credits", ""))
    assert (take_status(failed), out_of_credits(failed)) == ("failed", True)


def test_a_decision_to_pay_again_is_remembered() -> None:
    """An outcome that was given up isn't asked about by another clone."""
    given_up = attempt(A, 1, AttemptState.GIVEN_UP)
    assert entry_of_attempt(given_up)["given_up"] is True
    assert read_back("a", entry_of_attempt(given_up)).state is AttemptState.GIVEN_UP
    assert "given_up" not in entry_of_attempt(attempt(A, 1, AttemptState.UNKNOWN))


def test_the_request_is_the_body_as_it_was_sent() -> None:
    """Any clone can send the very same bytes again."""
    made = attempt(A, 1, AttemptState.SENT)
    body = request_body(
        A.model, "é 🎬 \u202e", {"seed": "7", "duration": 6.5}, [{"url": "u"}], made.client_request_id
    )
    entry = json.loads(json.dumps(entry_of_attempt(replace(made, body=body))))
    assert read_back("a", entry).body == body


def test_references_do_not_count_for_learned_prices() -> None:
    """The price of a take is known from a manifest by model and params, whatever its uploads were called."""
    made = attempt(A)
    with_media = replace(
        made, body=request_body(A.model, A.prompt, A.params, [{"url": "u"}], made.client_request_id)
    )
    assert read_back("a", entry_of_attempt(with_media)).price_key == made.price_key


def test_earlier_attempts_stand_in_their_take() -> None:
    """With their credits, without attempts of their own."""
    failed = attempt(A, 1, AttemptState.FAILED, final_credits=3)
    entry: dict[str, Any] = entry_of_attempt(attempt(A, number=2), [failed])
    [earlier] = entry["attempts"]
    assert (earlier["attempt"], earlier["status"], earlier["final_credits"]) == (1, "failed", 3)
    assert "attempts" not in earlier


def test_the_entry_has_the_published_fields() -> None:
    """Each name of the contract is there, also where it has no value."""
    entry = entry_of_attempt(attempt(A, 1, AttemptState.SENT))
    assert entry.keys() >= PUBLISHED
    assert str(entry["fingerprint"]).startswith("sha256:")


@pytest.mark.parametrize("gone", ["client_request_id", "take", "status", "fingerprint"])
def test_an_entry_that_lacks_what_matters_is_refused(gone: str) -> None:
    """It isn't guessed at."""
    entry: dict[str, Any] = entry_of_attempt(attempt(A))
    del entry[gone]
    with pytest.raises(Nonsense, match=gone):
        read_back("a", entry)


@pytest.mark.parametrize(("number", "shown"), [(12.0, "12"), (12.5, "12.5"), (12, "12"), (None, "null")])
def test_credits_are_written_as_they_are_counted(number: float | None, shown: str) -> None:
    """Whole numbers without a point."""
    assert json.dumps(whole(number)) == shown


def test_the_checksum_of_the_first_bytes_goes_through_the_manifest() -> None:
    """A clone with only the manifest knows what a child was made from; without other bytes nothing is added."""
    made = attempt(A)
    assert "first_sha256" not in entry_of_attempt(made)["outputs"][0]  # type: ignore[index, operator]
    served_anew = replace(made, outputs=(replace(made.outputs[0], first_sha256="f" * 64),))
    [output] = read_back("a", json.loads(json.dumps(entry_of_attempt(served_anew)))).outputs
    assert (output.sha256, output.identity) == (made.outputs[0].sha256, "f" * 64)
    assert output.media is None
