"""Every error of the HTTP library has a meaning."""

from __future__ import annotations

import h11
import httpcore2
import httpx2
import pytest

from rivya_run.provider.faults import BodyError, TransportError, fault_of
from rivya_run.provider.rivya.retry import FailureKind, TransportResult, could_have_arrived


def classes(module: object) -> list[type[BaseException]]:
    found = {
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Exception) and not issubclass(thing, Warning)
    }
    return sorted(found, key=lambda kind: kind.__name__)


def made(kind: type[BaseException]) -> BaseException:
    error = kind.__new__(kind)
    error.args = ("words",)
    return error


@pytest.mark.parametrize("kind", [*classes(httpx2), *classes(httpcore2), *classes(h11)])
def test_every_class_is_mapped(kind: type[BaseException]) -> None:
    """No error class of the library, of its engine and of what reads HTTP for it is without a meaning."""
    assert fault_of(made(kind)) is not None


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (httpx2.ConnectTimeout("x"), FailureKind.CONNECT_TIMEOUT),
        (httpx2.ReadTimeout("x"), FailureKind.READ_TIMEOUT),
        (httpx2.WriteTimeout("x"), FailureKind.WRITE_TIMEOUT),
        (httpx2.PoolTimeout("x"), FailureKind.POOL_TIMEOUT),
        (httpx2.ConnectError("x"), FailureKind.NOT_CONNECTED),
        (httpx2.ProxyError("x"), FailureKind.NOT_CONNECTED),
        (httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), FailureKind.UNTRUSTED),
        (httpx2.ReadError("x"), FailureKind.RESET),
        (httpx2.RemoteProtocolError("x"), FailureKind.RESET),
        (httpx2.LocalProtocolError("x"), FailureKind.LOCAL),
        (httpx2.DecodingError("x"), FailureKind.UNREADABLE),
        (httpcore2.ReadTimeout("x"), FailureKind.READ_TIMEOUT),
        (ConnectionResetError("x"), FailureKind.RESET),
        (BodyError(TransportError(FailureKind.READ_TIMEOUT, "x")), FailureKind.READ_TIMEOUT),
    ],
)
def test_meaning(error: Exception, what: FailureKind) -> None:
    """The most specific class decides."""
    fault = fault_of(error)
    assert fault is not None and fault.kind is what


def test_doubt_is_the_rule() -> None:
    """Only what plainly never left counts as not arrived."""
    safe = {
        kind.__name__
        for kind in classes(httpx2)
        if (fault := fault_of(made(kind))) is not None and not could_have_arrived(TransportResult(fault.kind))
    }
    assert safe == {
        "ConnectError",
        "ConnectTimeout",
        "InvalidURL",
        "LocalProtocolError",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
    }


def test_bugs_are_not_faults() -> None:
    """FailureKind is not the network's doing is not taken for it."""
    assert fault_of(ValueError("x")) is None and fault_of(KeyError("x")) is None
