"""Every error of the program, drawn as one tree, and every exit code; those of errors are on their classes.

RivyaError                    1
├── UsageError                2   the command line or the environment is wrong
├── StoryboardError           3   the storyboard (or a parameter table) has problems; nothing was done
│   └── PlanMoved             3   a saved plan no longer fits what is there
├── KeyRefused                4   the API key is missing or was refused by the API origin
├── OutOfCredits              5   the wallet or a budget is empty
├── UndecidedOutcomes         6   creates whose outcome is unknown await a decision
├── OutputFolderError         7   the output folder can't be used
│   ├── FolderLocked          7   another run holds it
│   ├── JournalDamaged        7   a line in the middle of the journal can't be trusted
│   ├── DiskFull              7   no room for the journal or a clip
│   ├── FolderGone            7   removed, moved or replaced while it was in use
│   ├── DatabaseUnavailable   7   the database of the books can't be reached
│   ├── TakenOver             7   another process carries the storyboard by now
│   ├── OtherBooks            7   the records are kept elsewhere, or are behind what is known of them
│   ├── ObjectStoreError      7   the object store that results go to can't be used
│   └── ForeignFolder         7   made with another origin or by a newer version
└── Interrupted             130   Ctrl-C or SIGTERM
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TYPE_CHECKING = False  # typing's own would make every command load typing
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar


SOMETHING_TO_DO = 10
"""Of ``plan --detailed-exitcode``."""

WAITING = 8
"""Of a run: all else is done, and takes wait until a person has approved what they are to be made from."""

READER_GONE = 141
"""When standard output has no reader any more: a shell's word for SIGPIPE, which ends other tools."""


class RivyaError(Exception):
    """What went wrong, where, and (``hint``) what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RivyaError):
    """The command line or the environment asks for something that can't be."""

    exit_code = 2


class StoryboardError(RivyaError):
    """A storyboard or a parameter table has problems; ``problems`` lists all of them in file order."""

    exit_code = 3

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class PlanMoved(StoryboardError):
    """A saved plan was made from a storyboard, references, tables or a journal that have changed since."""


class KeyRefused(RivyaError):
    """The API key is missing, or the API origin answered 401 or 403."""

    exit_code = 4


class OutOfCredits(RivyaError):
    """The wallet, ``budget.max_credits`` or ``--max-credits`` allows no further create."""

    exit_code = 5


class UndecidedOutcomes(RivyaError):
    """Creates whose outcome is unknown await ``adopt`` or ``--resend-unknown``."""

    exit_code = 6


class OutputFolderError(RivyaError):
    """The output folder can't be used."""

    exit_code = 7


class FolderLocked(OutputFolderError):
    """Another process holds the output folder."""


class JournalDamaged(OutputFolderError):
    """A line of the journal that is not its torn last one can't be trusted."""


class DiskFull(OutputFolderError):
    """There is no room left for the journal or a clip."""


class FolderGone(OutputFolderError):
    """The output folder was removed, moved or replaced while it was in use."""


class DatabaseUnavailable(OutputFolderError):
    """The database that holds the books can't be reached, or refuses."""


class TakenOver(OutputFolderError):
    """The lease was lost: another process carries the storyboard by now."""


class OtherBooks(OutputFolderError):
    """The records that count are kept elsewhere than the command was told, or are behind what is known of them."""


class ObjectStoreError(OutputFolderError):
    """The object store that results go to can't be used, or holds something else under a name of ours."""


class ForeignFolder(OutputFolderError):
    """The output folder was made with another origin, or by a newer version of the program."""


class Interrupted(RivyaError):
    """The run was asked to stop."""

    exit_code = 130


BY_ENDING = {
    "no_room": OutputFolderError.exit_code,
    "unknown": UndecidedOutcomes.exit_code,
    "out_of_credits": OutOfCredits.exit_code,
    "failed": RivyaError.exit_code,
    "unfinished": RivyaError.exit_code,
    "waiting": WAITING,
}
"""The exit code that a take's ending (``engine.outcome.Ending``) asks for; 0 for others."""

SEVEREST_FIRST = (130, 7, 4, 6, 5, 3, 2, 1, WAITING, 0)
"""Which exit code wins when several hold (contract, section 4)."""


def severest(codes: Sequence[int]) -> int:
    """The exit code that wins; 0 for none."""
    return min(codes, key=SEVEREST_FIRST.index, default=0)


class Severity(StrEnum):
    """An error keeps the run from starting; advice is shown and, with ``--strict``, becomes an error."""

    ERROR = "error"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file.

    ``line`` and ``column`` count from 1 and point at the key or value at fault. ``where`` is the path in
    words of the person (``shots[2] (sh020) params.duration``), ``code`` the stable name of its kind
    (``range``), ``source`` the line of the file as written (control characters still in it).
    """

    file: str
    line: int
    column: int
    severity: Severity
    where: str
    message: str
    code: str
    source: str | None = None
