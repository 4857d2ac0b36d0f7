"""What a plan is made from, so that a saved one can be held against what there is later."""

from __future__ import annotations

from rivya_run.errors import OutputFolderError
from rivya_run.project.outputs import sha256_of
from rivya_run.project.places import JOURNAL
from rivya_run.project.plan import Source
from rivya_run.project.saved_plan import Basis


def basis_of(source: Source) -> Basis:
    """The digests of a storyboard, its references, the tables in force and the journal, as they are now."""
    journal = source.folder / JOURNAL
    try:
        digest = sha256_of(journal) if journal.exists() else None
    except OSError as error:
        raise OutputFolderError(f"{journal}: can't be read: {error.strerror}") from error
    return Basis(
        source.path.as_posix(),
        source.storyboard.sha256,
        {path: facts.sha256 for path, facts in source.facts.items()},
        source.catalog.digest(),
        digest,
    )
