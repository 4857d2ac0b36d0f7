"""Uploads that all storyboards of an account know of: one content goes up once for everybody."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from rivya_run.journal.events import Uploaded
from rivya_run.journal.fold import UploadKey
from rivya_run.postgres.database import Cursor, Database

_CLAIM: Final = 300.0
"""Seconds after which the upload of one who has died is taken over: large files take minutes on slow lines."""


class AccountUploads:
    """Those of the account in a database, as one process sees them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._me = os.urandom(8).hex()

    def claim(self, key: UploadKey, stale: Uploaded | None) -> Uploaded | bool:
        """The upload of a content, unless it is ``stale``; else whether it is this process's to make."""
        return self._database.transact(lambda cursor: self._claimed(cursor, key, stale))

    def publish(self, key: UploadKey, made: Uploaded | None) -> None:
        """Tell the others of an upload, or that none was made."""
        line = msgspec.json.encode(made).decode() if made is not None else None

        def write(cursor: Cursor) -> None:
            cursor.execute(
                "update upload set line = %s, uploader = null, uploader_until = null "
                "where (sha256, kind, model) = (%s, %s, %s) and uploader = %s",
                (line, *key, self._me),
            )

        self._database.transact(write)

    def _claimed(self, cursor: Cursor, key: UploadKey, stale: Uploaded | None) -> Uploaded | bool:
        cursor.execute(
            "insert into upload (sha256, kind, model) values (%s, %s, %s) on conflict do nothing", key
        )
        cursor.execute(
            "select line, uploader, uploader_until > clock_timestamp() from upload "
            "where (sha256, kind, model) = (%s, %s, %s) for update",
            key,
        )
        row = cursor.fetchone()
        assert row is not None, "it was made above"
        line, uploader, holds = row
        known = msgspec.json.decode(line, type=Uploaded) if line is not None else None
        if known is not None and known != stale:
            return known
        if uploader is not None and uploader != self._me and holds:
            return False
        cursor.execute(
            "update upload set line = null, uploader = %s, "
            "uploader_until = clock_timestamp() + make_interval(secs => %s) "
            "where (sha256, kind, model) = (%s, %s, %s)",
            (self._me, _CLAIM, *key),
        )
        return True
