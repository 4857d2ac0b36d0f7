"""An object store (S3, Google Cloud Storage, Azure Blob Storage, a folder) as few calls, and its errors in words.

Credentials, region and endpoint come from the environment, as obstore reads them; they are never written or shown.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from rivya_run.errors import ObjectStoreError, UsageError
from rivya_run.text import visible

if TYPE_CHECKING:
    from obstore import Attributes

SCHEMES: Final = ("s3", "gs", "az", "file")

_LIMIT: Final = timedelta(minutes=15)  # a request with its body: 1 GB at 10 Mbit/s
_CONNECT: Final = timedelta(seconds=10)
_RETRIES: Final = 4  # in about two seconds; after that the store counts as down, and the next run goes on
_BLOCK: Final = 8 * 1024 * 1024  # bytes that are read at once
_SHA256: Final = "sha256"  # the name of the attribute

_CREDENTIALS: Final = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_REGION, and AWS_ENDPOINT_URL where it isn't Amazon's",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, the path of a key file",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""The variables by which obstore knows who asks."""

_PREFIXES: Final = ("AWS", "GOOGLE", "AZURE")  # of variables that obstore reads

_CODE = re.compile(r"<Code>([^<]*)</Code>.*?<Message>([^<]*)</Message>", re.DOTALL)
_QUERY = re.compile(r"(https?://[^\s?]*)\?\S*")
_NO_BUCKET = (
    "NoSuchBucket",
    "ContainerNotFound",
    "specified bucket does not exist",
    "Unable to canonicalize",
)
_REFUSED = ("403 Forbidden", "401 Unauthorized")
_REFUSALS = ("PermissionDeniedError", "UnauthenticatedError")
_ANONYMOUS = (
    "Missing SecretAccessKey",
    "Missing AccessKeyId",
    "Account must be specified",
    "169.254.169.254",
    "metadata.google.internal",
)


def checked_url(text: str) -> str:
    """The URL of an object store as it is shown and compared. Raises ValueError, which says why it is none."""
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(f"is not a URL: {error}") from error
    if parts.scheme.lower() not in SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(f"is no object store that is known: {known}")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "holds more than bucket and prefix; credentials and options come from the environment"
        )
    if parts.scheme.lower() == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise ValueError("has to name a whole path: file:///srv/clips")
    if parts.scheme.lower() != "file" and not parts.netloc:
        raise ValueError(f"names no bucket: {parts.scheme}://BUCKET/PREFIX")
    return f"{parts.scheme.lower()}://{parts.netloc}{parts.path.rstrip('/')}"


class ObjectStore:
    """One prefix of a store. Keys are relative to it. Threads may use it at once.

    Every method raises ObjectStoreError where the store can't be reached, or refuses.
    """

    def __init__(self, url: str) -> None:
        """Nothing is asked of the store yet. Raises UsageError without obstore, or where the environment lacks what
        the store needs to be found, ObjectStoreError for a folder (``file://``) that isn't there."""
        try:
            import obstore
            from obstore.store import from_url
        except ModuleNotFoundError as error:
            raise UsageError(
                f"--outputs {visible(url)} needs obstore, which is not installed",
                hint="pip install 'rivya-run[cluster]'",
            ) from error
        self.url = url
        self._obstore = obstore
        self._has_attributes = not url.startswith("file:")  # which obstore has no place for in a folder
        with self._explained(url):
            if self._has_attributes:
                self._store = from_url(
                    url,
                    client_options={
                        "timeout": _LIMIT,
                        "connect_timeout": _CONNECT,
                        # Options that are given replace those of the environment, of which this one is needed.
                        "allow_http": any(os.environ.get(f"{one}_ALLOW_HTTP") == "true" for one in _PREFIXES),
                    },
                    retry_config={"max_retries": _RETRIES, "retry_timeout": _LIMIT},
                )
            else:
                self._store = from_url(url)

    def sizes(self, below: str) -> dict[str, int]:
        """The bytes of every object whose key begins with that folder's name, by key."""
        with self._explained(f"{self.url}/{below}"):
            found = self._obstore.list(self._store, prefix=below)
            return {one["path"]: one["size"] for several in found for one in several}

    def create(self, key: str, file: Path, sha256: str, mime_type: str | None) -> bool:
        """Put a file there as a whole; False where there is an object of that name, which stays as it is."""
        from obstore.exceptions import AlreadyExistsError

        attributes: Attributes = {_SHA256: sha256, **({"Content-Type": mime_type} if mime_type else {})}
        with self._explained(f"{self.url}/{key}"):
            try:
                self._obstore.put(
                    self._store,
                    key,
                    file,
                    mode="create",
                    attributes=attributes if self._has_attributes else None,
                )
            except AlreadyExistsError:
                return False
        return True

    def replace(self, key: str, file: Path) -> None:
        """Put a file there in place of what there is."""
        with self._explained(f"{self.url}/{key}"):
            self._obstore.put(self._store, key, file, mode="overwrite")

    def sha256(self, key: str, *, read: bool = False) -> str | None:
        """The checksum of an object as it was when it was put; by its content where that isn't known, or to be
        ``read``. None where there is none."""
        with self._explained(f"{self.url}/{key}"):
            try:
                if not read and self._has_attributes:
                    found = self._obstore.get(self._store, key, options={"head": True}).attributes.get(
                        _SHA256
                    )
                    if found is not None:
                        return found
                digest = hashlib.sha256()
                for block in self._obstore.get(self._store, key).stream(min_chunk_size=_BLOCK):
                    digest.update(block)
            except FileNotFoundError:
                return None
        return digest.hexdigest()

    def read(self, key: str, target: Path) -> str | None:
        """Write an object's content into a file; its sha256. None where there is no object.

        Raises OSError where the file can't be written.
        """
        digest = hashlib.sha256()
        with target.open("wb") as file, self._explained(f"{self.url}/{key}"):
            try:
                for block in self._obstore.get(self._store, key).stream(min_chunk_size=_BLOCK):
                    digest.update(block)
                    file.write(block)
            except FileNotFoundError:
                return None
        return digest.hexdigest()

    def delete(self, key: str) -> None:
        """Remove an object; that there is none is all right."""
        with self._explained(f"{self.url}/{key}"):
            try:
                self._obstore.delete(self._store, key)
            except FileNotFoundError:
                return

    @contextmanager
    def _explained(self, where: str) -> Iterator[None]:
        """What obstore raises in the block, as an error that says what and what to do."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError, NotImplementedError, ValueError) as error:
            raise _in_words(visible(where), error) from error


def _in_words(where: str, error: Exception) -> ObjectStoreError:
    text = str(error).partition("\n\nDebug source:")[0]
    scheme = where.partition(":")[0]
    if any(sign in text for sign in _NO_BUCKET):
        what = "folder" if scheme == "file" else "bucket"
        return ObjectStoreError(
            f"{where}: there is no such {what}", hint=f"make the {what}, or correct --outputs"
        )
    if any(sign in text for sign in _ANONYMOUS):
        return ObjectStoreError(f"{where}: there are no credentials", hint=f"set {_CREDENTIALS[scheme]}")
    code = _CODE.search(text)
    reason = (code[2] if code else text.rpartition(" - ")[2]).strip().partition("\n")[0]
    reason = f"{reason} ({code[1]})" if code else reason
    reason = reason.removeprefix("Server returned non-2xx status code: ").rstrip(": ")
    reason = _QUERY.sub(r"\1", reason)[:300]  # the query of an address may be a signature
    if type(error).__name__ in _REFUSALS or any(sign in text for sign in _REFUSED):
        who = _CREDENTIALS.get(scheme, "the permissions of the folder")
        return ObjectStoreError(
            f"{where}: refused: {visible(reason)}",
            hint=f"listing, reading, writing and deleting below the prefix must be allowed; see {who}",
        )
    return ObjectStoreError(
        f"{where}: can't be used: {visible(reason)}",
        hint="check the connection and --outputs; nothing is lost, and the next run goes on",
    )
