"""What an object store is called, and what is told when it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from object_stores import ENVIRONMENT, answering
from rivya_run.errors import ObjectStoreError
from rivya_run.project.object_store import ObjectStore, checked_url
from rivya_run.project.places import is_url, outputs_folder


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://bucket", "s3://bucket"),
        ("S3://bucket/some clips/", "s3://bucket/some clips"),
        ("gs://bucket/a/b", "gs://bucket/a/b"),
        ("az://container/a", "az://container/a"),
        ("file:///srv/clips/", "file:///srv/clips"),
    ],
)
def test_a_url_is_bucket_and_prefix(text: str, url: str) -> None:
    """The scheme in small letters, no slash at the end: one place has one name."""
    assert checked_url(text) == url


@pytest.mark.parametrize(
    "text", ["outputs", "C:\\clips", "c://clips", "./s3", "/srv/clips", "s3:bucket", "a b://c"]
)
def test_what_isn_t_a_url_is_a_folder(text: str) -> None:
    """As on every system before."""
    assert not is_url(text)


def test_beside_a_store_the_output_folder_is_the_projects_own(tmp_path: Path) -> None:
    """It is its cache, and holds the records."""
    assert outputs_folder(tmp_path, "s3://bucket/prefix") == tmp_path / "outputs"


@pytest.mark.parametrize(
    ("status", "body", "told", "hint"),
    [
        (
            403,
            b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
            "refused: Access Denied (AccessDenied)",
            "listing, reading, writing and deleting below the prefix must be allowed; see AWS_ACCESS_KEY_ID",
        ),
        (
            403,
            b"<Error><Code>InvalidAccessKeyId</Code><Message>No such key</Message></Error>",
            "refused: No such key (InvalidAccessKeyId)",
            "AWS_SECRET_ACCESS_KEY",
        ),
        (401, b"", "refused: ", "AWS_ACCESS_KEY_ID"),
        (400, b"nonsense", "can't be used: ", "check the connection"),
        (200, b"nonsense", "can't be used: ", "check the connection"),
        (
            404,
            b"<Error><Code>NoSuchBucket</Code><Message>x</Message></Error>",
            "no such bucket",
            "make the bucket",
        ),
    ],
)
def test_a_refusal_is_told_in_the_stores_own_words(
    status: int, body: bytes, told: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do; without traces of the library, and without the secret."""
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"clip")
    with answering(status, body) as port:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}.items():
            monkeypatch.setenv(name, value)
        store = ObjectStore("s3://bucket/clips")
        with pytest.raises(ObjectStoreError) as raised:
            store.sizes("film")
        if status != 200:
            with pytest.raises(ObjectStoreError, match=r"^s3://bucket/clips/film/a\.mp4: "):
                store.create("film/a.mp4", file, "0" * 64, "video/mp4")
    error = raised.value
    assert error.message.startswith("s3://bucket/clips/film: ")
    assert told in error.message
    assert hint in (error.hint or "")
    assert "Debug source" not in error.message
    assert ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in f"{error.message}{error.hint}"


def test_a_signature_in_an_address_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's shared access signatures are part of the URLs that errors name."""
    signature = "sv=2024-01-01&sig=c2VjcmV0"
    with answering(400, b"nonsense") as port:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "somebody")
        monkeypatch.setenv("AZURE_STORAGE_SAS_KEY", signature)
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AZURE_ALLOW_HTTP", "true")
        with pytest.raises(ObjectStoreError) as raised:
            ObjectStore("az://container/clips").sizes("film")
    assert raised.value.message.startswith("az://container/clips/film: can't be used: ")
    assert "c2VjcmV0" not in f"{raised.value.message}{raised.value.hint}"
