"""The program as functions, for other Python code: what the commands of these names do (docs/python.md).

Nothing is printed. Paths may be text. Raises the errors of ``rivya_run.errors``, which are all here; a storyboard's
problems are in ``StoryboardError.problems``, except from ``validate``, which returns them.
"""

from __future__ import annotations

from rivya_run.api.decisions import approve, pick
from rivya_run.api.exporting import Exported, ExportFormat, export
from rivya_run.api.looking import plan, report, status, validate, verify
from rivya_run.api.results import RunOutcome, StoryboardStatus, TakeResult
from rivya_run.api.running import arun, run
from rivya_run.errors import (
    DiskFull,
    FolderGone,
    FolderLocked,
    ForeignFolder,
    Interrupted,
    JournalDamaged,
    KeyRefused,
    OutOfCredits,
    OutputFolderError,
    PlanMoved,
    Problem,
    RivyaError,
    Severity,
    StoryboardError,
    UndecidedOutcomes,
    UsageError,
)
from rivya_run.journal.attempt import TakeStatus
from rivya_run.planning.plan import Action, Plan, Step
from rivya_run.progress import Event
from rivya_run.project.decisions import WrittenDecision
from rivya_run.project.plan import RunOptions
from rivya_run.project.verify import Verified

__all__ = [
    "Action",
    "DiskFull",
    "Event",
    "ExportFormat",
    "Exported",
    "FolderGone",
    "FolderLocked",
    "ForeignFolder",
    "Interrupted",
    "JournalDamaged",
    "KeyRefused",
    "OutOfCredits",
    "OutputFolderError",
    "Plan",
    "PlanMoved",
    "Problem",
    "RivyaError",
    "RunOptions",
    "RunOutcome",
    "Severity",
    "Step",
    "StoryboardError",
    "StoryboardStatus",
    "TakeResult",
    "TakeStatus",
    "UndecidedOutcomes",
    "UsageError",
    "Verified",
    "WrittenDecision",
    "approve",
    "arun",
    "export",
    "pick",
    "plan",
    "report",
    "run",
    "status",
    "validate",
    "verify",
]
