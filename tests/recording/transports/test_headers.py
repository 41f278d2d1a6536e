"""Header fields that clients read are the same when they are played, in every library; a pause is not made twice."""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import httpx
import openai
import pytest
import requests
import urllib3

from harness.recording.files.cassette_writer import write_cassette
from harness.recording.redact.redaction import Redactor
from harness.recording.tape.tape import network_guard, open_tape
from harness.recording.wire import Interaction, WireRequest, WireResponse
from tests.recording.support.clients import CLIENTS, Client
from tests.recording.support.exchanges import CONTENT, JSON, URL, cassette_of, told
from tests.recording.support.loopback import Exchange, loopback

BODY = b'{"a": [1, 2]}'
READ = {
    "Content-Length": str(len(BODY)),
    "Content-Disposition": 'attachment; filename="boats.json"',
    "ETag": '"5e1a7"',
    "Link": '<https://api.example.com/boats?page=2>; rel="next"',
    "Retry-After": "3",
    "X-Goog-Upload-URL": "https://upload.example.com/boats?upload_id=7",
    "X-Ratelimit-Remaining-Requests": "59",
    "Content-Range": "bytes 0-12/13",
    "X-Elastic-Product": "Elasticsearch",
    "X-Repo-Commit": "5e1a7" * 8,
    "X-Error-Code": "EntryNotFound",
    "X-Amz-Meta-Harbour": "north",
    "X-Ms-Continuation": "page-2",
    "X-Ms-Error-Code": "BlobNotFound",
}
UNREAD = {"Set-Cookie": "session=1", "Server": "loopback"}

_SURROGATE = re.compile("[\udc80-\udcff]")


def answer(exchange: Exchange) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in (READ | UNREAD).items())
    exchange.connection.sendall(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + BODY)


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_what_clients_read_is_played_and_what_nobody_reads_is_not_kept(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    with loopback(answer) as server:
        with open_tape(path, "once", redactor=Redactor()):
            live = client.post(server.url)
        with open_tape(path, "none", redactor=Redactor()):
            played = client.post(server.url)
    assert live.body == played.body == BODY
    assert [{name: read.headers.get(name) for name in READ} for read in (live, played)] == [READ, READ]
    assert {name: played.headers.get(name) for name in UNREAD} == dict.fromkeys(UNREAD)


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("written", ["日本.txt".encode(), "naïve.txt".encode(), "naïve.txt".encode("latin-1")])
def test_a_header_that_is_not_ascii_is_played_as_it_was_read(written: bytes, client: Client, tmp_path: Path) -> None:
    def serve(exchange: Exchange) -> None:
        exchange.connection.sendall(
            b"HTTP/1.1 200 Th\xe9i\xe8re\r\ncontent-disposition: attachment; filename=%b\r\n" % written
        )
        exchange.connection.sendall(b"content-length: 13\r\n\r\n" + BODY)

    with loopback(serve) as server:
        with open_tape(tmp_path / "cassette.yaml", "once", redactor=Redactor()):
            live = client.post(server.url).headers["content-disposition"]
        with open_tape(tmp_path / "cassette.yaml", "none", redactor=Redactor()):
            played = client.post(server.url)
    assert played.body == BODY
    # What is no UTF-8, aiohttp gives as lone surrogates, which no file can hold.
    as_bytes = _SURROGATE.sub(lambda found: chr(ord(found[0]) - 0xDC00), live)
    assert played.headers["content-disposition"] == as_bytes


def test_a_header_that_another_library_read_is_played(tmp_path: Path) -> None:
    for client in CLIENTS.values():
        cassette_of(tmp_path / "cassette.yaml", told(BODY, headers=(("content-disposition", "日本.txt"),)))
        with open_tape(tmp_path / "cassette.yaml", "none"):
            shown = client.post(URL).headers["content-disposition"]
        assert "日本.txt" in (shown, shown.encode("latin-1", "ignore").decode("utf-8", "ignore")), client.name


CHALLENGE = (
    'Digest realm="boats", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c0", opaque="5ccc069c403ebaf9f0171e95"'
)


def by_httpx_digest(url: str) -> bytes:
    return (
        httpx.get(url, trust_env=False, verify=False, auth=httpx.DigestAuth("me", "boats")).raise_for_status().content
    )


def by_requests_digest(url: str) -> bytes:
    answer = requests.get(url, auth=requests.auth.HTTPDigestAuth("me", "boats"), timeout=10)
    answer.raise_for_status()
    return answer.content


def by_urllib_digest(url: str) -> bytes:
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, "me", "boats")
    with urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(passwords)).open(url) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize("get", [by_httpx_digest, by_requests_digest, by_urllib_digest], ids=lambda get: get.__name__)
def test_a_challenge_is_played_and_answered_again(get: Callable[[str], bytes], tmp_path: Path) -> None:
    def serve(exchange: Exchange) -> None:
        if "authorization" in exchange.headers:
            answer(exchange)
            return
        head = f"HTTP/1.1 401 Unauthorized\r\nwww-authenticate: {CHALLENGE}\r\ncontent-length: 0\r\n\r\n"
        exchange.connection.sendall(head.encode())

    path = tmp_path / "cassette.yaml"
    with loopback(serve) as server:
        with open_tape(path, "once", redactor=Redactor()):
            assert get(server.url) == BODY
        with network_guard(), open_tape(path, "none", redactor=Redactor()) as tape:
            assert get(server.url) == BODY
            assert tape.unplayed == ()
    assert CHALLENGE in path.read_text()
    assert "response=" not in path.read_text()


CHAT = "https://api.openai.com/v1/chat/completions"
ASK = b'{"messages":[{"role":"user","content":"Hi"}],"model":"gpt-4o-mini"}'
SAID = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"Hello."}}]}'
)


REFUSED = told(b'{"error": {"message": "slow down"}}', status=429, headers=(*JSON, ("retry-after", "30")))


def by_sdk() -> str | None:
    with openai.OpenAI(api_key="k", max_retries=1) as client:
        asked = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}])
        return asked.choices[0].message.content


def by_async_sdk() -> str | None:
    async def ask() -> str | None:
        async with openai.AsyncOpenAI(api_key="k", max_retries=1) as client:
            asked = await client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}]
            )
            return asked.choices[0].message.content

    return asyncio.run(ask())


def by_retrying_urllib3() -> str | None:
    retries = urllib3.Retry(1, status_forcelist=[429], allowed_methods=None, respect_retry_after_header=True)
    with urllib3.PoolManager(retries=retries) as pools:
        said = pools.request("POST", CHAT, body=ASK, headers={"content-type": "application/json"}).json()
        return str(said["choices"][0]["message"]["content"])


@pytest.mark.parametrize("ask", [by_sdk, by_async_sdk, by_retrying_urllib3], ids=lambda ask: ask.__name__)
def test_a_pause_that_was_made_while_recording_is_not_made_again(ask: Callable[[], str], tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    request = WireRequest("POST", CHAT, (("content-type", "application/json"),), ASK)
    write_cassette(path, [Interaction(request, REFUSED), Interaction(request, told(SAID))])
    began = time.monotonic()
    with open_tape(path, "none") as tape:
        assert ask() == "Hello."
        assert tape.unplayed == ()
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("speed", "answers", "shown"),
    [(None, [REFUSED], "30"), (1.0, [REFUSED, REFUSED], "30"), (None, [REFUSED, REFUSED], "0")],
    ids=["the last attempt", "at the recorded pace", "made again"],
)
def test_a_pause_that_nobody_made_is_told_as_it_was(
    speed: float | None, answers: list[WireResponse], shown: str, tmp_path: Path
) -> None:
    path = tmp_path / "cassette.yaml"
    cassette_of(path, *answers)
    with open_tape(path, "none", speed=speed) as tape:
        answered = tape.answer(WireRequest("POST", URL, (), CONTENT))
    assert answered is not None
    assert answered.header("retry-after") == shown
