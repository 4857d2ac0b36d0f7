"""Uploads that all storyboards of an account know of: one content goes up once for everybody."""

from __future__ import annotations

import msgspec

from rivya_run.journal.events import Uploaded
from rivya_run.journal.fold import UploadKey
from rivya_run.postgres.database import Cursor
from rivya_run.postgres.lease import Lease


class AccountUploads:
    """Those of the account in a database, for one storyboard. Who uploads a content does so while its lease holds."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._database = lease.database

    def claim(self, key: UploadKey, stale: Uploaded | None) -> Uploaded | bool:
        """The upload of a content, unless it is ``stale``; else whether it is this process's to make."""
        return self._database.transact(lambda cursor: self._claimed(cursor, key, stale))

    def publish(self, key: UploadKey, made: Uploaded | None) -> None:
        """Tell the others of an upload, or that none was made."""
        line = msgspec.json.encode(made).decode() if made is not None else None

        def write(cursor: Cursor) -> None:
            cursor.execute(
                "update upload set line = %s, uploader = null, uploader_epoch = null "
                "where (sha256, kind, model) = (%s, %s, %s) and (uploader, uploader_epoch) = (%s, %s)",
                (line, *key, self._lease.book, self._lease.epoch),
            )

        self._database.transact(write)

    def _claimed(self, cursor: Cursor, key: UploadKey, stale: Uploaded | None) -> Uploaded | bool:
        cursor.execute(
            "insert into upload (sha256, kind, model) values (%s, %s, %s) on conflict do nothing", key
        )
        cursor.execute(
            "select line, exists (select from book where (id, epoch) = (uploader, uploader_epoch) "
            "and id <> %s and lease_until > clock_timestamp()) from upload "
            "where (sha256, kind, model) = (%s, %s, %s) for update",
            (self._lease.book, *key),
        )
        row = cursor.fetchone()
        assert row is not None, "it was made above"
        line, is_uploaded_now = row
        known = msgspec.json.decode(line, type=Uploaded) if line is not None else None
        if known is not None and known != stale:
            return known
        if is_uploaded_now:
            return False
        cursor.execute(
            "update upload set line = null, uploader = %s, uploader_epoch = %s "
            "where (sha256, kind, model) = (%s, %s, %s)",
            (self._lease.book, self._lease.epoch, *key),
        )
        return True
