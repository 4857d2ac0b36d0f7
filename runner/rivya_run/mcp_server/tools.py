"""The tools: what each does. They are called in threads, but for ``run``, which ``server`` carries out."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

from rivya_run import api
from rivya_run.errors import PlanMoved, UsageError
from rivya_run.film.cut import CutProgress
from rivya_run.film.from_storyboard import film_document, planned_films
from rivya_run.json_types import Json
from rivya_run.mcp_server.answers import take_documents
from rivya_run.mcp_server.confined import ConfinedRoot
from rivya_run.mcp_server.permissions import VIA, NotPermitted, Permissions
from rivya_run.project import decisions
from rivya_run.project.debits import ProjectBudgets
from rivya_run.project.open import storyboard_id_of
from rivya_run.project.places import project_root
from rivya_run.project.plan import Prepared, RunOptions, open_sources, planned
from rivya_run.project.plan_budgets import with_budgets
from rivya_run.project.proposals import proposals, proposals_for
from rivya_run.project.saved_plan import MOST_SHOWN, moved_steps, plan_digest, plan_document
from rivya_run.project.via_cap import via_cap
from rivya_run.storyboard.problems import as_json, has_errors
from rivya_run.suggest import did_you_mean
from rivya_run.text import visible

_PLANS_KEPT: Final = 32
"""Plans that are remembered, to tell what has changed since; the digest alone decides."""


class Tools:
    """The tools of one server."""

    def __init__(self, root: ConfinedRoot, permissions: Permissions) -> None:
        self.root = root
        self.permissions = permissions
        self._plans: OrderedDict[str, Sequence[Mapping[str, Any]]] = OrderedDict()

    def list_storyboards(self) -> dict[str, Json]:
        found: list[Json] = [
            {"path": self.root.shown(file), "id": storyboard_id_of(file)} for file in self.root.storyboards()
        ]
        may = self.permissions
        return {
            "root": str(self.root.path),
            "storyboards": found,
            "permissions": {
                "simulate": True,
                "spend": may.max_credits is not None,
                "max_credits": may.max_credits,
                "write": may.write,
                "approve": may.approve,
            },
        }

    def validate(self, path: str) -> dict[str, Json]:
        problems = api.validate(self.root.storyboard(path))
        return {"valid": not has_errors(problems), "problems": [*as_json(problems)]}

    def plan(self, path: str, simulate: bool = False) -> dict[str, Json]:
        options = self.options(simulate)
        with planned(open_sources([self.root.storyboard(path)], options), options) as prepared:
            [one] = prepared
            digest = self._digest(prepared, options)
            if not simulate:
                with_budgets(prepared)
            films = planned_films(one)
            document = plan_document(one.plan)
            notices = [
                *filter(None, [one.notice]),
                *(notice for _, edit, _ in films for notice in edit.notices),
            ]
            document |= {
                "films": [film_document(version, edit) for version, edit, _ in films],
                "advice": [*as_json(one.advice)],
                "notices": [visible(notice) for notice in dict.fromkeys(notices)],
                "digest": digest,
                "next": [one.command for one in proposals(one, options, planning=True).commands],
            }
            left = None if simulate else self._left(one, options)
            return document | ({"server_credits_left": left} if left is not None else {})

    def confirm(self, digest: str, options: RunOptions) -> Callable[[Sequence[Prepared]], None]:
        """What a run asks before it does anything, under the lock: is this still the plan that was looked at?

        Raises PlanMoved.
        """

        def check(prepared: Sequence[Prepared]) -> None:
            before = self._plans.get(digest)
            if self._digest(prepared, options) == digest:
                return
            message = "the plan is another one now, or this digest is of no plan that was made here; nothing was done"
            if before is not None:
                now = [plan_document(one.plan) for one in prepared]
                moved = [
                    words for then, new in zip(before, now, strict=False) for words in moved_steps(then, new)
                ]
                message = "\n".join(["the plan is another one now; nothing was done", *moved[:MOST_SHOWN]])
            raise PlanMoved(message, hint="call plan again, look at it, and run its digest")

        return check

    def run_options(self, path: Path, simulate: bool, max_credits: float | None) -> RunOptions:
        """The options of a run that an agent asks for. Raises NotPermitted, UsageError."""
        if max_credits is not None and not isfinite(max_credits):
            raise UsageError("max_credits is not a finite number")
        options = self.options(simulate, max_credits)
        if simulate:
            return options
        if self.permissions.max_credits is None:
            raise NotPermitted(
                "this server may not spend credits; nothing was done",
                hint="simulate: true costs nothing; a person can start the server with --allow-spend "
                f"--max-credits N, or run it: rivya-run {self.root.shown(path)}",
            )
        project = project_root(path)
        if project != self.root.path:
            raise NotPermitted(
                f"{self.root.shown(path)} belongs to another project, {project}: what agents spend is counted by "
                "project; nothing was done",
                hint=f"start a server for it: rivya-run mcp --root {project}",
            )
        return options

    def status(self, path: str, simulate: bool = False) -> dict[str, Json]:
        file = self.root.storyboard(path)
        found = api.status(file, simulate=simulate)
        following = proposals_for(file, self.options(simulate)).commands
        return {
            "next": [one.command for one in following],
            "storyboard": found.storyboard,
            "updated_at": found.manifest.get("updated_at"),
            "totals": found.manifest.get("totals"),
            "takes": take_documents(found.takes, self.root),
        }

    def models(self, model: str | None = None) -> dict[str, Json]:
        from rivya_run.models.catalog import PROJECT_FOLDER, load_catalog
        from rivya_run.models.view import table_document

        self.root.check_project(self.root.path)
        catalog = load_catalog(self.root.path / PROJECT_FOLDER)
        if model is None:
            return {
                "models": [
                    {
                        "id": one.id,
                        "category": one.category,
                        "base_credits": one.base_credits,
                        "name": one.display_name,
                    }
                    for one in catalog.all()
                ]
            }
        table = catalog.get(model)
        if table is None:
            raise UsageError(f"there is no model '{visible(model)}'{did_you_mean(model, catalog.ids())}")
        return table_document(table)

    def schema(self, which: str = "storyboard") -> dict[str, Json]:
        from rivya_run.journal.manifest_schema import manifest_schema
        from rivya_run.models.catalog import PROJECT_FOLDER, load_catalog
        from rivya_run.models.table_schemas import table_schema
        from rivya_run.storyboard.schema import include_schema, storyboard_schema

        self.root.check_project(self.root.path)
        tables = self.root.path / PROJECT_FOLDER
        made: Mapping[str, Callable[[], Mapping[str, Json]]] = {
            "manifest": manifest_schema,
            "table": table_schema,
            "storyboard": lambda: storyboard_schema(load_catalog(tables)),
            "include": lambda: include_schema(load_catalog(tables)),
        }
        return dict(made[which]())

    def pick(self, path: str, shot: str, take: int | str, simulate: bool = False) -> dict[str, Json]:
        file, may = self.root.storyboard(path), self.permissions.write
        done = decisions.pick(file, shot, take, RunOptions(simulate=simulate), write=may)
        return self._decided(done, "--allow-write", written=may)

    def approve(self, path: str, shot: str, take: int | str | None = None) -> dict[str, Json]:
        file, may = self.root.storyboard(path), self.permissions.approve
        done = decisions.approve(file, shot, take, RunOptions(), write=may)
        return self._decided(done, "--allow-approve", written=may)

    def export(
        self,
        path: str,
        form: api.ExportFormat = "cut",
        simulate: bool = False,
        slates: bool = False,
        progress: CutProgress | None = None,
    ) -> dict[str, Json]:
        file = self.root.storyboard(path)
        written = api.export(file, form, simulate=simulate, slates=slates, progress=progress)
        return {
            "files": [
                {
                    "path": self.root.shown(one.path),
                    "about": one.about,
                    "notices": [visible(notice) for notice in one.notices],
                }
                for one in written
            ]
        }

    def report(self, path: str, simulate: bool = False) -> dict[str, Json]:
        notices: list[str] = []
        page = api.report(self.root.storyboard(path), simulate=simulate, notice=notices.append)
        return {"path": self.root.shown(page), "notices": [visible(notice) for notice in notices]}

    def options(self, simulate: bool, max_credits: float | None = None) -> RunOptions:
        """The options that plans and runs of this server have in common, the way in with its cap among them."""
        return RunOptions(
            simulate=simulate,
            max_credits=max_credits,
            via=VIA,
            via_max_credits=self.permissions.max_credits,
            concurrency=self.permissions.concurrency,
            poll_interval=self.permissions.poll_interval,
        )

    def _digest(self, prepared: Sequence[Prepared], options: RunOptions) -> str:
        digest = plan_digest(prepared, options)
        self._plans[digest] = [plan_document(one.plan) for one in prepared]
        while len(self._plans) > _PLANS_KEPT:
            self._plans.popitem(last=False)
        return digest

    def _left(self, one: Prepared, options: RunOptions) -> float | None:
        """What is left of the server's credits; None where nothing may be spent."""
        cap = via_cap(options)
        if cap is None:
            return None
        budgets = ProjectBudgets(one.source.root, (), [one.source.folder.parent], time.time, cap=cap)
        budgets.store.look()
        assert budgets.by_via is not None
        return max(0.0, cap.max_credits - budgets.by_via.counted())

    def _decided(self, done: decisions.WrittenDecision, option: str, *, written: bool) -> dict[str, Json]:
        found: dict[str, Json] = {
            "written": written,
            "path": self.root.shown(done.path),
            "line": done.line,
            "shot": done.shot,
            "text": done.text,
        }
        if written:
            return found | {"message": f"{self.root.shown(done.path)}:{done.line}: {done.shot}: {done.text}"}
        message = (
            f"this server was started without {option}; nothing was written. Ask the person to write it: "
            f"{self.root.shown(done.path)}, line {done.line}, shot {done.shot}: {done.text}"
        )
        return found | {"message": message}
