"""Header fields that clients read are the same when they are played, in every library; a pause is not made twice."""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp
import httpx
import httpx2
import openai
import pytest
import requests
import urllib3
from msgspec.structs import replace

from harness.recording.files.cassette_writer import write_cassette
from harness.recording.redact.redaction import Redactor
from harness.recording.tape.tape import network_guard, open_tape
from harness.recording.wire import Chunk, Ending, Headers, Interaction, WireRequest, WireResponse
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

Get = Callable[[str], tuple[Mapping[str, str], bytes]]


def by_httpx(url: str) -> tuple[Mapping[str, str], bytes]:
    response = httpx.get(url, trust_env=False, verify=False)
    return response.headers, response.content


def by_httpx2(url: str) -> tuple[Mapping[str, str], bytes]:
    response = httpx2.get(url, trust_env=False, verify=False)
    return response.headers, response.content


def by_async_httpx(url: str) -> tuple[Mapping[str, str], bytes]:
    async def get() -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            return await client.get(url)

    response = asyncio.run(get())
    return response.headers, response.content


def by_urllib3(url: str) -> tuple[Mapping[str, str], bytes]:
    with urllib3.PoolManager(retries=False) as pools:
        response = pools.request("GET", url)
    return response.headers, response.data


def by_requests(url: str) -> tuple[Mapping[str, str], bytes]:
    response = requests.get(url, timeout=10)
    return response.headers, response.content


def by_aiohttp(url: str) -> tuple[Mapping[str, str], bytes]:
    async def get() -> tuple[Mapping[str, str], bytes]:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.headers, await response.read()

    return asyncio.run(get())


def by_urllib(url: str) -> tuple[Mapping[str, str], bytes]:
    with urllib.request.urlopen(url) as response:
        return response.headers, response.read()


def answer(exchange: Exchange) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in (READ | UNREAD).items())
    exchange.connection.sendall(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + BODY)


EVERY: list[Get] = [by_httpx, by_async_httpx, by_httpx2, by_urllib3, by_requests, by_aiohttp, by_urllib]


@pytest.mark.parametrize("get", EVERY, ids=lambda get: get.__name__)
def test_what_clients_read_is_played_and_what_nobody_reads_is_not_kept(get: Get, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    with loopback(answer) as server:
        with open_tape(path, "once", redactor=Redactor()):
            live, content = get(server.url)
        with open_tape(path, "none", redactor=Redactor()):
            played, again = get(server.url)
    assert content == again == BODY
    assert {name: played.get(name) for name in READ} == {name: live.get(name) for name in READ} == READ
    assert {name: played.get(name) for name in UNREAD} == dict.fromkeys(UNREAD)


@pytest.mark.parametrize("get", EVERY, ids=lambda get: get.__name__)
@pytest.mark.parametrize("written", ["日本.txt".encode(), "naïve.txt".encode(), "naïve.txt".encode("latin-1")])
def test_a_header_that_is_not_ascii_is_played_as_it_was_read(written: bytes, get: Get, tmp_path: Path) -> None:
    def serve(exchange: Exchange) -> None:
        exchange.connection.sendall(
            b"HTTP/1.1 200 Th\xe9i\xe8re\r\ncontent-disposition: attachment; filename=%b\r\n" % written
        )
        exchange.connection.sendall(b"content-length: 13\r\n\r\n" + BODY)

    with loopback(serve) as server:
        with open_tape(tmp_path / "cassette.yaml", "once", redactor=Redactor()):
            live, _ = get(server.url)
        with open_tape(tmp_path / "cassette.yaml", "none", redactor=Redactor()):
            played, content = get(server.url)
    assert content == BODY
    # What is no UTF-8, aiohttp gives as lone surrogates, which no file can hold.
    assert played["content-disposition"] == _SURROGATE.sub(
        lambda found: chr(ord(found[0]) - 0xDC00), live["content-disposition"]
    )


def test_a_header_that_another_library_read_is_played(tmp_path: Path) -> None:
    field = ("content-disposition", "日本.txt")
    request = WireRequest("GET", CHAT, (), b"")
    for get in EVERY:
        write_cassette(tmp_path / "cassette.yaml", [Interaction(request, response(200, BODY, (field,)))])
        with open_tape(tmp_path / "cassette.yaml", "none"):
            shown = get(CHAT)[0]["content-disposition"]
        assert "日本.txt" in (shown, shown.encode("latin-1", "ignore").decode("utf-8", "ignore")), get.__name__


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


def response(status: int, body: bytes, headers: Headers = ()) -> WireResponse:
    fields = (("content-type", "application/json"), *headers)
    return WireResponse(status, "", fields, body, (Chunk(0, len(body), 0.0),), Ending("complete", None, 0.0), ())


REFUSED = response(429, b'{"error": {"message": "slow down"}}', (("retry-after", "30"),))


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
    write_cassette(path, [Interaction(request, REFUSED), Interaction(request, response(200, SAID))])
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
    request = WireRequest("GET", CHAT, (), b"")
    write_cassette(path, [Interaction(request, answer) for answer in answers])
    with open_tape(path, "none", speed=speed) as tape:
        answered = tape.answer(replace(request))
    assert answered is not None
    assert answered.header("retry-after") == shown
