"""What a create is thought to cost."""

from __future__ import annotations

from examples import DEFAULTS, MODEL, table
from rivya_run.journal.fingerprint import price_key
from rivya_run.planning.plan import estimate


def test_what_was_observed_goes_before_the_table() -> None:
    """The API's own answer for the same model and params, without a date."""
    cost = estimate(table(), DEFAULTS, {price_key(MODEL, DEFAULTS): 25})
    assert (cost.credits, cost.basis, cost.read_on) == (25, "observed", None)


def test_a_price_of_other_params_says_nothing() -> None:
    """Ten seconds aren't priced by six: the table's base credits, with the day they were read."""
    cost = estimate(table(), {**DEFAULTS, "duration": 10}, {price_key(MODEL, DEFAULTS): 25})
    assert (cost.credits, cost.basis, cost.read_on) == (10, "base", "2026-05-11")


def test_a_price_of_another_model_says_nothing() -> None:
    """The same params with another model cost what that model costs."""
    assert estimate(table(), DEFAULTS, {price_key("other", DEFAULTS): 25}).basis == "base"


def test_an_observed_price_of_nothing_is_one() -> None:
    """A free model stays free."""
    assert estimate(table(), DEFAULTS, {price_key(MODEL, DEFAULTS): 0}).credits == 0


def test_without_any_knowledge_there_is_no_estimate() -> None:
    """No base credits, nothing observed: None, not zero."""
    cost = estimate(table(base_credits=None), DEFAULTS, {})
    assert (cost.credits, cost.basis) == (None, None)
