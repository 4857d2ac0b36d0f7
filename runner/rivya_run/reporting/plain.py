"""Progress as lines: one a change, the same in every terminal and log."""

from __future__ import annotations

from collections.abc import Mapping

from rivya_run.records.events import Event
from rivya_run.records.plan import Action, Plan
from rivya_run.reporting.outlet import Lines, Outlet
from rivya_run.reporting.wording import actions_in_words, credits_in_words, span
from rivya_run.safetext import visible

Seen = tuple[str | None, object]


class PlainReporter:
    """Writes a line for each change. ``verbose`` adds every retry and repeats of a status."""

    def __init__(self, outlet: Outlet, *, verbose: bool = False) -> None:
        self._lines = Lines(outlet)
        self._wording = PlainLines(verbose=verbose)

    def plans(self, plans: list[Plan]) -> None:
        """Know what is up to date already."""
        self._wording.plans(plans)

    def tell(self, event: Event) -> None:
        """Write the line of an event, if it has one."""
        line = self._wording.line(event)
        if line is not None:
            self._lines.put(line)

    def close(self) -> None:
        """Write what is left."""
        self._lines.close()


class PlainLines:
    """From events to lines, without writing them."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._several = False
        self._quiet: set[tuple[str, str, int]] = set()
        self._retried: set[tuple[object, object]] = set()
        self._seen: dict[tuple[str | None, str | None, int | None], Seen] = {}

    def plans(self, plans: list[Plan]) -> None:
        """Takes that are up to date, or aren't wanted, are not told of unless something happens to them."""
        self._several = len(plans) > 1
        self._quiet = {
            (plan.storyboard, step.shot.id, step.take)
            for plan in plans
            for step in plan.steps
            if step.action is Action.REUSE or (step.action is Action.SKIP and not step.wanted)
        }

    def line(self, event: Event) -> str | None:
        """The line of an event; None for what is not worth one."""
        told = event.detail
        if event.name == "take_changed":
            return self._take(event)
        if event.name == "run_started":
            return visible(f"{event.storyboard}: {_started(told)}")
        if event.name == "uploaded":
            return self._of(event, f"uploaded {told.get('path')}")
        if event.name == "limit_changed":
            change = f"{told.get('before')} -> {told.get('limit')}"
            return visible(f"tasks at once {change}: {told.get('reason')}")
        if event.name == "paused":
            return visible(f"all requests wait {span(told.get('seconds'))}: {told.get('reason')}")
        if event.name == "notice":
            return visible(f"note: {told.get('message')}")
        if event.name == "retrying":
            return self._retry(told)
        return None

    def _retry(self, told: Mapping[str, object]) -> str | None:
        """The first retry of each kind and reason says why nothing moves; the others are for -v."""
        news = (told.get("what"), told.get("reason"))
        if news in self._retried and not self._verbose:
            return None
        self._retried.add(news)
        return visible(f"{news[0]} is tried again in {span(told.get('wait'))}: {news[1]}")

    def _take(self, event: Event) -> str | None:
        name = (event.storyboard or "", event.shot or "", event.take or 0)
        told = event.detail
        if name in self._quiet and event.status in {"succeeded", "planned"}:
            return None
        news = (event.status, told.get("reason") or told.get("error"))
        if self._seen.get(name) == news and not self._verbose:
            return None
        self._seen[name] = news
        line = f"{event.shot}/{event.take} {'not made' if event.status == 'planned' else event.status}"
        if event.status in {"planned", "failed", "unknown"}:
            reasons = [str(told[key]) for key in ("error", "reason") if told.get(key)]
            line += f": {': '.join(dict.fromkeys(reasons))}" if reasons else ""
        else:
            line += _facts(told)
        return self._of(event, line)

    def _of(self, event: Event, words: str) -> str:
        return visible(f"{event.storyboard}: {words}" if self._several else words)


def _facts(told: Mapping[str, object]) -> str:
    credits = told.get("credits")
    facts = [str(told["task_id"])] if told.get("task_id") else []
    if isinstance(credits, int | float):
        facts.append(credits_in_words(credits))
    return f" ({', '.join(facts)})" if facts else ""


def _started(told: Mapping[str, object]) -> str:
    actions = told.get("actions")
    credits = told.get("credits")
    words = actions_in_words(actions) if isinstance(actions, Mapping) else ""
    cost = f"; about {credits_in_words(credits)}" if isinstance(credits, int | float) and credits else ""
    takes = told.get("takes")
    return f"{takes} {'take' if takes == 1 else 'takes'}{': ' if words else ''}{words}{cost}"
