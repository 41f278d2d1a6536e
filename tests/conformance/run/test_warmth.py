"""What a copy had to make is made in the process that is copied, and certificates are read when they are needed."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable

import certifi
import pytest
from pydantic import BaseModel, ConfigDict

from conformance.run.workers.certificates import late_certificates
from conformance.run.workers.warmth import NOTHING, Made, make, ready


class Late(BaseModel):
    """A model whose validator is built when it is first used."""

    model_config = ConfigDict(defer_build=True)

    number: int = 1


def test_a_model_that_was_built_meanwhile_is_built_by_its_name() -> None:
    before = ready()
    assert Late in before.unbuilt
    assert before.made_since() == NOTHING
    make(Made((), ((__name__, "Late"), (__name__, "Nobody"), ("no_such_module", "Late"))))
    assert (__name__, "Late") in before.made_since().models


def test_a_module_that_was_imported_meanwhile_is_told_and_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    before = ready()
    make(Made(("this", "no_such_module"), ()))
    assert "this" in before.made_since().modules


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certifi.where())
    return context


def trusting_the_system() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    return context


def known(context: ssl.SSLContext) -> int:
    return context.cert_store_stats()["x509"]


@pytest.mark.parametrize("make", [trusting, trusting_the_system])
def test_certificates_are_read_when_a_connection_is_first_wrapped(
    make: Callable[[], ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where a system keeps its own is another matter.
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    with late_certificates():
        context = make()
        assert known(context) == 0
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    assert known(context) == known(make()) > 0


def test_a_block_within_a_block_does_not_end_it() -> None:
    with late_certificates():
        with late_certificates():
            pass
        assert known(trusting()) == 0
    assert known(trusting()) > 0
