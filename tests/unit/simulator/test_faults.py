"""The fault plan: names, chance from a seed, rules."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.errors import UsageError
from rivya_run.simulator.faults import PLACES, FaultPlan, Rule, known_names, split_name


def test_every_name_says_place_and_action() -> None:
    """A fault's name leads back to its place and action."""
    for name in known_names():
        place, action = split_name(name)
        assert action in PLACES[place]


@pytest.mark.parametrize(
    "words", ["nonsense", "create-nonsense", "task-lost", "create-lost=2", "create=x", "create=-1"]
)
def test_wrong_words_are_usage_errors(words: str) -> None:
    """A name or a rate that can't be is said before anything runs."""
    with pytest.raises(UsageError):
        FaultPlan.named(words)


def test_rules_reject_unknown_names() -> None:
    """A rule with a misspelt fault would never hold: it is refused."""
    with pytest.raises(UsageError, match="did you mean 'create-lost'") as raised:
        Rule("create-losst")
    assert raised.value.hint == "rivya-run simulator --list-faults lists them"


def test_group_shares_its_rate_among_its_usual_faults() -> None:
    """A place stands for its faults, without those that last for ever; its rate is that of all together."""
    plan = FaultPlan.named("download=0.5,create-hang")
    assert "download-redirect-loop" not in plan.rates
    assert plan.rates["create-hang"] > 0
    share = sum(rate for name, rate in plan.rates.items() if name.startswith("download-"))
    assert share == pytest.approx(0.5)


def test_all_spoils_every_place() -> None:
    """`all` has faults at each place."""
    assert {split_name(name)[0] for name in FaultPlan.named("all").rates} == set(PLACES)


def test_chance_is_about_as_often_as_asked() -> None:
    """A rate of 0.3 spoils about three in ten identities, each fault about equally."""
    plan = FaultPlan(seed=7, rates={"create-lost": 0.15, "create-429": 0.15, "status-half": 0.5})
    found = Counter(plan.pick("create", f"key-{number}", 1, number) for number in range(4000))
    assert found["lost"] == pytest.approx(600, rel=0.15)
    assert found["429"] == pytest.approx(600, rel=0.15)
    assert set(found) == {"lost", "429", None}


@given(st.integers(), st.text(), st.integers(1, 20), st.integers(1, 10_000))
def test_chance_depends_on_seed_identity_and_turn_alone(
    seed: int, identity: str, turn: int, ordinal: int
) -> None:
    """The same request of the same identity meets the same fault, wherever it stands among others."""
    names = {f"create-{action}": 0.05 for action in PLACES["create"]}
    one, other = FaultPlan(seed, names), FaultPlan(seed, dict(names))
    assert one.pick("create", identity, turn, ordinal) == other.pick("create", identity, turn, 1)
    assert turn <= one.most or one.pick("create", identity, turn, ordinal) is None


def test_rule_holds_where_all_its_conditions_do() -> None:
    """Subject, turn, position and every are conditions that go together."""
    plan = FaultPlan(
        rules=(
            Rule("create-lost", every=9),
            Rule("create-429", subject="*.sh020.*", turns=(1, 2)),
            Rule("status-half", at=(3,)),
        )
    )
    assert plan.pick("create", "b.sh010.t01", 1, 18) == "lost"
    assert plan.pick("create", "b.sh010.t01", 1, 17) is None
    assert plan.pick("create", "b.sh020.t01", 2, 1) == "429"
    assert plan.pick("create", "b.sh020.t01", 3, 1) is None
    assert plan.pick("status", "any", 1, 3) == "half"
    assert plan.pick("status", "any", 3, 4) is None
