"""What happened to the storyboards of a repository between two of its revisions: their texts, takes and credits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rivya_run.errors import RivyaError, StoryboardError
from rivya_run.journal.attempt import Attempt
from rivya_run.journal.take_entry import take_status, whole
from rivya_run.models.table import ModelTable
from rivya_run.planning.changes import Kind, changes, contents
from rivya_run.planning.lineage import parents_of
from rivya_run.planning.plan import SPENDING, Plan
from rivya_run.planning.shot_changes import shot_changes, storyboard_changes
from rivya_run.project.git import commit_of, git, repository
from rivya_run.project.plan import RunOptions, open_sources, planned
from rivya_run.project.revisions import fill_in, storyboards_of, tree_of
from rivya_run.storyboard.model import Storyboard


@dataclass(frozen=True, slots=True)
class TakeNews:
    """An attempt at a take that is new, or has another status; ``credits`` is what it cost since."""

    take: int
    status: str
    credits: float


@dataclass(slots=True)
class ShotNews:
    """``change`` is new, changed, removed or same; ``was`` the id that the shot had before, if another."""

    shot: str
    change: str
    was: str | None
    changes: list[str]
    takes: list[TakeNews]
    spent: float
    to_spend: float


@dataclass(slots=True)
class BoardNews:
    """One storyboard, by its path from the top of the repository. ``problems`` say of ``base`` and ``head`` why it
    can't be read there; where that is so, texts aren't compared. ``to_spend`` is what its plan at the head costs."""

    storyboard: str
    change: str
    problems: dict[str, str]
    changes: list[str]
    spent: float
    to_spend: float
    shots: list[ShotNews]


@dataclass(frozen=True, slots=True)
class Difference:
    """``head`` None is the working tree. Credits are sums over the storyboards."""

    base: str
    head: str | None
    spent: float
    to_spend: float
    storyboards: list[BoardNews]


@dataclass(slots=True)
class _State:
    """A storyboard in one revision. ``storyboard`` None: it isn't there, or has a ``problem``."""

    problem: str | None = None
    storyboard: Storyboard | None = None
    plan: Plan | None = None
    contents: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, ModelTable] = field(default_factory=dict)
    prices: Mapping[str, float] = field(default_factory=dict)
    attempts: Mapping[str, Attempt] = field(default_factory=dict)


def revisions_of(folder: Path, written: str) -> tuple[str, str | None]:
    """The commits that ``BASE..HEAD`` means; ``BASE`` alone goes to the working tree (None), ``BASE...HEAD`` begins
    where both last were one, as a pull request does. Raises UsageError."""
    base, dots, head = written.partition("..")
    since_fork = head.startswith(".")
    head = head.removeprefix(".")
    first = commit_of(folder, base or "HEAD")
    second = commit_of(folder, head or "HEAD") if dots else None
    if since_fork and second is not None:
        fork = git(folder, "merge-base", first, second)
        if fork is None:
            raise RivyaError(f"{base} and {head or 'HEAD'} have no commit in common")
        first = fork.decode().strip()
    return first, second


def difference(written: str, folder: Path, named: list[Path]) -> Difference:
    """What changed of the storyboards that are ``named``, else of all in the repository that the folder is in.

    Raises UsageError without git, a repository or such a revision; a storyboard's own problems are values.
    """
    top = repository(folder).resolve()
    base, head = revisions_of(folder, written)
    with ExitStack() as trees:
        before = trees.enter_context(tree_of(top, base))
        after = trees.enter_context(tree_of(top, head)) if head is not None else top
        names = [_inside(path, folder, top) for path in named] or sorted(
            {*storyboards_of(top, before), *storyboards_of(top, after)}
        )
        found = []
        for name in names:
            was, now = _state(top, before, name), _state(top, after, name)
            if was is None and now is None:
                raise RivyaError(f"{name} is in neither revision")
            news = _board_news(name, was, now)
            if news.changes or news.shots or news.problems or news.change != "changed":
                found.append(news)
    one, _, other = written.partition("..")
    other = other.removeprefix(".")
    return Difference(
        one or "HEAD",
        (other or "HEAD") if head is not None else None,
        sum(one.spent for one in found),
        sum(one.to_spend for one in found),
        found,
    )


def _inside(path: Path, folder: Path, top: Path) -> str:
    try:
        return (folder / path).resolve().relative_to(top).as_posix()
    except ValueError:
        raise RivyaError(f"{path} is not in the repository {top}") from None


def _state(top: Path, tree: Path, name: str) -> _State | None:
    """A storyboard in a tree; None where it isn't there."""
    if not (tree / name).is_file():
        return None
    if tree != top:
        fill_in(top, tree, name)
    options = RunOptions(allow_outside=tree == top)
    try:
        with planned(open_sources([tree / name], options), options) as [one]:
            source, history = one.source, one.ledger.history
            tables = {table.id: table for table in source.catalog.all()}
            files = {path: facts.sha256 for path, facts in source.facts.items()}
            made = contents(source.storyboard, tables, files)
            attempts = dict(history.attempts)
            return _State(None, source.storyboard, one.plan, made, files, tables, history.prices, attempts)
    except StoryboardError as error:
        problem = (
            f"line {error.problems[0].line}: {error.problems[0].message}" if error.problems else error.message
        )
    except RivyaError as error:
        problem = error.message
    return _State(problem.replace(f"{tree}/", ""))


def _board_news(name: str, was: _State | None, now: _State | None) -> BoardNews:
    change = "new" if was is None else "removed" if now is None else "changed"
    told = {side: state.problem for side, state in (("base", was), ("head", now)) if state and state.problem}
    before, after = was or _State(), now or _State()
    both = before.storyboard is not None and after.storyboard is not None
    spent = sum(one.spent for one in after.attempts.values()) - sum(
        one.spent for one in before.attempts.values()
    )
    return BoardNews(
        name,
        change,
        {side: problem for side, problem in told.items() if problem is not None},
        storyboard_changes(before.storyboard, after.storyboard) if both else [],  # type: ignore[arg-type]
        _plain(spent) if not told else 0,
        after.plan.totals.now if after.plan is not None else 0,
        list(_shots(before, after)) if not told else [],
    )


def _shots(before: _State, after: _State) -> Iterator[ShotNews]:
    """What happened to each shot: those of the head in their order, then what is gone."""
    old = {shot.id: shot for shot in before.storyboard.shots} if before.storyboard else {}
    new = {shot.id: shot for shot in after.storyboard.shots} if after.storyboard else {}
    renamed = _renamed(before, after)
    gone = [name for name in old if name not in new and name not in renamed.values()]
    others = [one.shot for one in (*before.attempts.values(), *after.attempts.values())]
    for name in dict.fromkeys([*new, *gone, *others]):
        shot, was = new.get(name), old.get(renamed.get(name, name))
        words: list[str] = []
        if shot is not None and was is not None:
            words = shot_changes(was, shot, before.files, after.files) or _from_parents(name, before, after)
        takes = _takes(name, before, after)
        change = "new" if was is None else "removed" if shot is None else "changed" if words else "same"
        if name not in new and name not in gone:
            change = "same"
        if change != "same" or takes or name in renamed:
            steps = after.plan.steps if after.plan is not None else ()
            costs = [one.credits or 0 for one in steps if one.shot.id == name and one.action in SPENDING]
            spent = _plain(sum(one.credits for one in takes))
            yield ShotNews(name, change, renamed.get(name), words, takes, spent, _plain(sum(costs)))


def _renamed(before: _State, after: _State) -> dict[str, str]:
    if before.storyboard is None or after.storyboard is None:
        return {}
    found = changes(
        before.storyboard, before.contents, after.storyboard, after.contents, after.tables, after.prices
    )
    kept = {shot.id for shot in after.storyboard.shots}
    names = {one.shot: (one.was or "").partition("/")[0] for one in found if one.kind is Kind.RENAMED}
    return {name: was for name, was in names.items() if was not in kept}


def _from_parents(name: str, before: _State, after: _State) -> list[str]:
    """Nothing of its own has changed: what is it made from, that has?"""
    shot = after.storyboard.shot(name) if after.storyboard is not None else None
    if shot is None or before.contents.get(name) in (None, after.contents.get(name)):
        return []
    changed = [one for one in parents_of(shot) if before.contents.get(one) != after.contents.get(one)]
    return [f"made from {', '.join(dict.fromkeys(changed))}, which changed"] if changed else []


def _takes(shot: str, before: _State, after: _State) -> list[TakeNews]:
    found = []
    for key, one in after.attempts.items():
        was = before.attempts.get(key)
        if one.shot == shot and (was is None or was.state is not one.state or was.spent != one.spent):
            cost = one.spent - (was.spent if was is not None else 0)
            found.append(TakeNews(one.take, take_status(one).value, _plain(cost)))
    return found


def _plain(credits: float) -> float:
    return whole(credits) or 0
