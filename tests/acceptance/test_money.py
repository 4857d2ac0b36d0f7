"""Money: never more than was allowed, never on the blind, and every credit accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fault_cases import Watched, board, ended
from projects import Project
from rivya_run.progress import Event
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import KEY, hosted


@pytest.mark.parametrize(
    ("insufficient", "status"), [("http", 402), ("http", 400), ("http", 403), ("http", 429), ("task", 402)]
)
def test_a_wallet_for_three_of_eight_takes(tmp_path: Path, insufficient: Any, status: int) -> None:
    """Exit 5, three clips, at most three further creates; after topping up the other five are made."""
    with hosted(wallet=30, insufficient=insufficient, insufficient_status=status) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(8))
        assert project.run().exit_code == 5
        taken = [take for take in project.takes().values() if take["status"] == "succeeded"]
        assert len(taken) == 3
        assert simulator.traffic.counts["create"] <= 6
        simulator.state.top_up(1000)
        assert project.run().exit_code == 0
        assert simulator.state.charged() == 80
        assert project.manifest()["totals"]["spent_credits"] == 80
        assert sum(task.error is None for task in simulator.state.tasks()) == 8


def test_an_empty_wallet_nobody_can_ask_for_costs_few_creates(tmp_path: Path) -> None:
    """Without a balance to go by, the first refusals end it."""
    rules = (Rule("credits-500"),)
    with hosted(wallet=0, faults=FaultPlan(rules=rules)) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(12))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rivya_run.engine.run.BALANCE_WITHIN", 0.1)
            assert project.run().exit_code == 5
        assert simulator.traffic.counts["create"] <= 3
        assert {take["status"] for take in project.takes().values()} == {"planned"}


@pytest.mark.parametrize("same_params", [True, False])
def test_a_budget_with_a_price_that_the_table_does_not_know(tmp_path: Path, same_params: bool) -> None:
    """Budget 120, table price 10, real price 50: at most 150 are ever spent, in as many runs as you like."""
    text = board(8, top="budget: {max_credits: 120}")
    if not same_params:
        for number in range(1, 9):
            text = text.replace(
                f"prompt: Shot {number},", f"prompt: Shot {number}, params: {{duration: {5 + number}}},"
            )
    with hosted(price=50.0) as simulator:
        project = Project(tmp_path, simulator)
        project.write(text)
        for _ in range(3):
            assert project.run().exit_code == 5
        assert simulator.state.charged() <= 150
        assert project.manifest()["totals"]["spent_credits"] == simulator.state.charged()


def test_max_credits_holds_for_one_run(tmp_path: Path) -> None:
    """Each run spends up to its own cap and says that it stopped."""
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(5))
        assert project.run(max_credits=25).exit_code == 5
        assert simulator.state.charged() == 20
        assert project.run(max_credits=25).exit_code == 5
        assert simulator.state.charged() == 40
        assert project.run(max_credits=25).exit_code == 0
        assert simulator.state.charged() == 50


def test_a_task_that_an_empty_wallet_failed_teaches_no_price(tmp_path: Path) -> None:
    """Its 0 credits are no price: the budget still holds when the wallet is full again."""
    with hosted(wallet=5, insufficient="task") as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(8, top="budget: {max_credits: 40}"))
        assert project.run().exit_code == 5
        simulator.state.top_up(1000)
        assert project.run().exit_code == 5
        assert simulator.state.charged() == 40


@pytest.mark.usefixtures("hasty")
def test_a_throttled_create_and_a_careful_till_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A cap lets one unpriced create through at a time; refused with 429, it still gets its turn."""
    rules = (Rule("create-429", at=(1, 2)),)
    with hosted(faults=FaultPlan(rules=rules)) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(12))
        assert project.run(max_credits=1000, timeout=20).exit_code == 0
        assert simulator.state.charged() == 120


def test_failed_tasks_that_cost_are_counted_and_not_made_again_on_their_own(tmp_path: Path) -> None:
    """A charged failure stays a failure until --retry-failed; what came back is not counted as spent."""
    rules = (Rule("task-charged", "*.s01.*.a1"), Rule("task-failed", "*.s02.*.a1"))
    with hosted(faults=FaultPlan(rules=rules)) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(3))
        assert project.run().exit_code == 1
        assert project.manifest()["totals"]["spent_credits"] == 20
        assert project.run().exit_code == 1
        assert [take["status"] for take in project.takes().values()] == ["failed", "succeeded", "succeeded"]
        assert project.run(retry_failed=True).exit_code == 0
        assert simulator.state.charged() == 40
        assert project.manifest()["totals"]["spent_credits"] == 40
        assert [one["final_credits"] for one in project.takes()["s01/1"]["attempts"]] == [10]


def test_a_wrong_key_ends_the_run_after_a_few_requests(tmp_path: Path) -> None:
    """Exit code 4, nothing created, the message names the API's own words."""
    with hosted(key="rvya_sk_other") as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(20))
        code, words = ended(project)
        assert code == 4
        assert "api_key_invalid" in words
        assert len(simulator.traffic.requests) < 10


def test_a_key_that_is_revoked_in_the_middle_ends_the_run(tmp_path: Path) -> None:
    """Exit code 4 soon; with a good key the next run goes on and pays for nothing twice."""
    with hosted(speed=20.0) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(20))

        def revoke(event: Event) -> None:
            if event.name == "take_changed" and simulator.traffic.counts["create"] >= 5:
                simulator.gate.refused_keys[KEY] = "api_key_revoked"

        project.events = Watched(revoke)
        code, words = ended(project)
        assert code == 4
        assert "revoked" in words
        simulator.gate.refused_keys.clear()
        project.events = []
        assert project.run().exit_code == 0
        assert simulator.state.charged() == 200
        assert len(simulator.state.tasks()) == 20


def test_a_lost_reply_at_an_unknown_price_stops_creating_under_a_cap(tmp_path: Path) -> None:
    """One create that may have cost anything is enough; the next run asks for it first, then goes on."""
    lost = FaultPlan(rules=(Rule("create-lost", subject="*.s01.*", turns=tuple(range(1, 200))),))
    text = board(4, top="budget: {max_credits: 120}")
    with hosted(price=50.0, faults=lost) as simulator:
        project = Project(tmp_path, simulator)
        project.write(text)
        assert project.run(timeout=0.5, concurrency=1).exit_code == 5
        assert simulator.state.charged() + simulator.state.reserved() <= 50
    with hosted(price=50.0) as simulator:
        project = Project(tmp_path, simulator)
        assert project.run(new_origin=True).exit_code == 5
        assert len(simulator.state.tasks()) == 2
