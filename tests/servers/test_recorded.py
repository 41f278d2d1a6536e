"""The servers say today what the shipped recordings have of them, byte for byte, under the heads that these keep."""

from __future__ import annotations

import http.client
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from harness.recording.files.cassette_reader import read_cassette
from tests.authoring import SHIPPED, Authored
from tests.servers.plain_client import connect

#: What recordings don't keep, as each provider wants it.
KEYS = {
    "authorization": "AWS4-HMAC-SHA256 nobody",
    "x-api-key": "k",
    "x-goog-api-key": "k",
    "api-key": "k",
}
KEPT = {"content-type", "anthropic-version", "anthropic-beta", "accept"}


@pytest.mark.parametrize("authored", SHIPPED, ids=lambda row: f"{row.folder.parent.name}-{row.folder.name}")
def test_a_server_says_again_what_was_recorded_of_it(authored: Authored) -> None:
    with authored.server() as server:
        for request, response in (
            (one.request, one.response) for one in read_cassette(authored.folder / "cassette.yaml")
        ):
            url = urlsplit(request.url)
            bearer = {} if ".amazonaws.com" in url.netloc else {"authorization": "Bearer k"}
            sent = {name: value for name, value in request.headers if name.lower() in KEPT}
            connection = connect(server)
            connection.request(
                request.method, url._replace(scheme="", netloc="").geturl(), request.body, {**KEYS, **bearer, **sent}
            )
            answered = connection.getresponse()
            body = b""
            with suppress(ConnectionError, http.client.IncompleteRead):
                while piece := answered.read1():
                    body += piece
            connection.close()
            assert answered.status == response.status
            assert {(name.lower(), value) for name, value in answered.getheaders()} >= {
                (name.lower(), value) for name, value in response.headers
            }
            # Clients stop reading at the end of the answer, behind which some providers send a marker.
            assert body.removesuffix(b"data: [DONE]\n\n") == response.body.removesuffix(b"data: [DONE]\n\n")
