"""Which recorded interaction answers a request, and what a miss says."""

from __future__ import annotations

import time

import orjson
import pytest
from msgspec.structs import replace

from harness.recording.tape.match import InteractionIndex
from harness.recording.tape.request_key import request_key
from harness.recording.wire import Interaction, WireRequest
from tests.recording.support.exchanges import told

URL = "https://api.openai.com/v1/chat/completions"


def asked(content: str = "hello", *, method: str = "POST", url: str = URL, body: bytes | None = None) -> WireRequest:
    sent = {"model": "m", "messages": [{"role": "system"}, {"role": "user", "content": content}]}
    return WireRequest(method, url, (), orjson.dumps(sent) if body is None else body)


def recorded(request: WireRequest, *, status: int = 200, scope: tuple[str, ...] = ()) -> Interaction:
    return Interaction(request, told(status=status, scope=scope))


def parts(boundary: str, *, content: bytes = b"hello", quoted: bool = False, named: bool = True) -> WireRequest:
    mark = boundary.encode()
    body = b'--%b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n' % mark
    body += b'--%b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n%b\r\n' % (mark, content)
    shown = f'"{boundary}"' if quoted else boundary
    kind = f"multipart/form-data; boundary={shown}"
    return WireRequest("POST", URL, (("Content-Type", kind),) if named else (), body + b"--%b--\r\n" % mark)


def nested(outer: str, inner: str, content: bytes = b"hello") -> WireRequest:
    within = parts(inner, content=content)
    mark, kind = outer.encode(), within.headers[0][1].replace("form-data", "related").encode()
    body = b"--%b\r\nContent-Type: %b\r\n\r\n%b\r\n--%b--" % (mark, kind, within.body, mark)
    return WireRequest("POST", URL, (("Content-Type", f"multipart/mixed; boundary={outer}"),), body)


def keyed(value: str | None, *, name: str = "api_key") -> WireRequest:
    return asked(body=orjson.dumps({name: value, "q": 1}))


def form(*fields: str, named: bool = True) -> WireRequest:
    kind = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),) if named else ()
    return WireRequest("POST", URL, kind, "&".join(fields).encode())


def secret_part(content: bytes, name: bytes = b"api_key") -> WireRequest:
    body = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n--b--\r\n' % (name, content)
    return WireRequest("POST", URL, (("Content-Type", "multipart/form-data; boundary=b"),), body)


#: Requests that differ in a credential alone, as they are when they have been redacted.
KEYED = [
    pytest.param(asked(url=f"{URL}?key={'*' * 39}"), asked(url=f"{URL}?key=***"), id="a shorter key in a query"),
    pytest.param(asked(url=f"{URL}?key={'*' * 39}"), asked(url=f"{URL}?key="), id="an empty key in a query"),
    pytest.param(asked(url=f"{URL}?access_token=****"), asked(url=f"{URL}?access_token=dummy"), id="a stand-in in a query"),
    pytest.param(
        asked(url=f"{URL}?X-Amz-Date=20260101T000000Z&X-Amz-Signature=****"),
        asked(url=f"{URL}?X-Amz-Date=20270101T000000Z&X-Amz-Signature=****"),
        id="a URL that was signed at another time",
    ),
    pytest.param(
        asked(url=f"{URL}?AWSAccessKeyId=****&Expires=1796087977&Signature=****"),
        asked(url=f"{URL}?AWSAccessKeyId=****&Expires=1796087988&Signature=***"),
        id="a URL that holds until another time",
    ),
    pytest.param(
        asked(f"see https://h/a.png?se=2026-01-01T00%3A00Z&sp=r&sig={'*' * 40} here"),
        asked(f"see https://h/a.png?se=2027-01-01T00%3A00Z&sp=r&sig={'*' * 44} here"),
        id="such a URL in a text",
    ),
    pytest.param(asked(url=f"https://h/bot1:{'*' * 35}/me"), asked(url=f"https://h/bot1:{'*' * 34}/me"), id="a key in a path"),
    pytest.param(keyed("*" * 80), keyed("****"), id="a shorter key in JSON"),
    pytest.param(keyed("*" * 80), keyed("dummy"), id="a stand-in in JSON"),
    pytest.param(keyed("*" * 80), keyed(None), id="no key in JSON"),
    pytest.param(
        asked(body=b'{"credentials": {"user": "****", "of": ["**"]}}'),
        asked(body=b'{"credentials": {"user": "", "of": ["******"]}}'),
        id="inside of credentials",
    ),
    pytest.param(asked("I am sk-proj-**** here"), asked("I am sk-proj-****** here"), id="a key in a text"),
    pytest.param(asked(body=b"I am ****** here"), asked(body=b"I am **** here"), id="a key in a text alone"),
    pytest.param(form("a=1", "api_key=****"), form("a=1", "api_key=******"), id="a key in a form"),
    pytest.param(form("api_key=****", named=False), form("api_key=", named=False), id="a key in a form that no header names"),
    pytest.param(secret_part(b"****"), secret_part(b"dummy"), id="a key in a part"),
    pytest.param(keyed("*" * 32, name="token"), keyed("dummy", name="token"), id="a stand-in for a token in JSON"),
    pytest.param(keyed("*" * 32, name="token"), keyed("", name="token"), id="an empty token in JSON"),
    pytest.param(secret_part(b"*" * 32, b"token"), secret_part(b"dummy", b"token"), id="a token in a part"),
]  # fmt: skip
SAME = [
    *KEYED,
    pytest.param(asked(), asked(method="post"), id="method in lower case"),
    pytest.param(asked(url="https://h/p"), asked(url="https://H:443/p"), id="host and default port"),
    pytest.param(asked(url="https://h"), asked(url="https://h/"), id="empty path"),
    pytest.param(asked(url="https://h/p?a=1&b=2"), asked(url="https://h/p?b=2&a=1"), id="query in another order"),
    pytest.param(asked(url="https://h/model/x%3A0/c"), asked(url="https://h/model/x:0/c"), id="quoted path"),
    pytest.param(asked(body=b'{"a": 1, "b": 2}'), asked(body=b'{"b":2,"a":1}'), id="keys in another order"),
    pytest.param(asked(body=b"\xff\x00"), asked(body=b"\xff\x00"), id="bytes"),
    pytest.param(asked(), replace(asked(), headers=(("authorization", "x"),)), id="other headers"),
    pytest.param(parts("b1"), parts("another"), id="another boundary"),
    pytest.param(parts("b1"), parts("quoted one", quoted=True), id="a quoted boundary"),
    pytest.param(parts("b1"), parts("b2", named=False), id="a boundary that no header names"),
    pytest.param(nested("b1", "b2"), nested("b3", "b4"), id="other boundaries in one another"),
    pytest.param(
        parts("b1", content=b"\x00\r\n--b\xff"), parts("b", content=b"\x00\r\n--b\xff"), id="a part like a boundary"
    ),
]

DIFFERENT = [
    pytest.param(asked(method="GET"), 'method differs: recorded "POST", sent "GET"', id="method"),
    pytest.param(asked(url=URL.replace("https", "http")), "scheme differs", id="scheme"),
    pytest.param(asked(url=URL.replace("openai", "other")), "host differs", id="host"),
    pytest.param(asked(url=URL.replace(".com", ".com:8443")), "port differs: recorded 443, sent 8443", id="port"),
    pytest.param(asked(url=f"{URL}/x"), "path differs", id="path"),
    pytest.param(asked(url=f"{URL}?a="), 'query differs: recorded "", sent "a="', id="query, an empty value too"),
    pytest.param(
        asked("bye"), 'body differs at messages[1].content: recorded "hello", sent "bye"', id="value in the body"
    ),
    pytest.param(
        asked(body=b'{"model": "m"}'),
        'body differs at messages: recorded [{"role":"system"},{"role":"user","content":"hello"}], sent nothing',
        id="missing key",
    ),
    pytest.param(asked(body=b""), "sent an empty body", id="no body"),
    pytest.param(asked("**hello**"), "body differs at messages[1].content", id="emphasis"),
    pytest.param(asked(body=b"\xff"), "sent 1 bytes that are not JSON", id="bytes"),
]


#: What a name alone makes no credential.
APART = [
    pytest.param(asked(url=f"{URL}?key=north"), asked(url=f"{URL}?key=south"), id="a key that is a word"),
    pytest.param(asked(url=f"{URL}?key=name"), asked(url=f"{URL}?key=id"), id="a key that is a column"),
    pytest.param(asked(body=b'{"pwd": "/srv/a"}'), asked(body=b'{"pwd": "/srv/b"}'), id="a working directory"),
    pytest.param(asked(url=f"{URL}?expires=1"), asked(url=f"{URL}?expires=2"), id="a time that no signature has"),
    pytest.param(asked(url=f"{URL}?token=1"), asked(url=f"{URL}?token=2"), id="a number"),
    pytest.param(keyed("a", name="api"), keyed("b", name="api"), id="another name"),
    pytest.param(keyed("name", name="SORT_KEY"), keyed("id", name="SORT_KEY"), id="a key to sort by"),
    pytest.param(keyed("yes", name="pass"), keyed("no", name="pass"), id="an exam"),
    pytest.param(
        asked(body=b'{"password": {"type": "string"}}'), asked(body=b'{"password": {"type": "null"}}'), id="a schema"
    ),
    pytest.param(form("a=*", "api_key=****"), form("a=**", "api_key=****"), id="beside a key in a form"),
    pytest.param(secret_part(b"****"), parts("b"), id="another part"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_is_no_credential_is_compared(one: WireRequest, other: WireRequest) -> None:
    assert request_key(one) != request_key(other)


@pytest.mark.parametrize(("asked_for", "due"), [((5, 7, 9), (5, 7, 9)), ((4, 4, 4), (9, 5, 7)), ((4, 9, 6), (9, 5, 7))])
def test_of_requests_that_differ_in_their_credential_the_same_comes_first_else_recorded_order(
    asked_for: tuple[int, ...], due: tuple[int, ...]
) -> None:
    index = InteractionIndex([recorded(keyed("*" * length), status=200 + length) for length in (9, 5, 7)])
    played = [index.take(keyed("*" * length)) for length in asked_for]
    assert [one.response.status - 200 if one else None for one in played] == list(due)


def test_texts_that_differ_in_what_looks_like_a_credential_are_told_apart() -> None:
    index = InteractionIndex([recorded(asked(body=b"rated " + b"*" * stars), status=200 + stars) for stars in (4, 5)])
    played = [index.take(asked(body=b"rated " + b"*" * stars)) for stars in (5, 4)]
    assert [one.response.status if one else None for one in played] == [205, 204]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_requests_that_mean_the_same_match(one: WireRequest, other: WireRequest) -> None:
    assert InteractionIndex([recorded(one)]).take(other) is not None
    assert request_key(one) == request_key(other)


def test_a_part_that_differs_is_told_where() -> None:
    index = InteractionIndex([recorded(parts("b1"))])
    assert index.take(parts("b2", content=b"bye")) is None
    nearest = index.nearest(parts("b2", content=b"bye"))
    assert nearest is not None
    assert nearest.difference == 'body differs at [1].content: recorded "hello", sent "bye"'


@pytest.mark.parametrize(("sent", "difference"), DIFFERENT)
def test_a_request_that_differs_does_not_match_and_is_told_where(sent: WireRequest, difference: str) -> None:
    index = InteractionIndex([recorded(asked())])
    assert index.take(sent) is None
    nearest = index.nearest(sent)
    assert nearest is not None
    assert difference in nearest.difference


def test_equal_requests_are_played_in_recorded_order_and_once() -> None:
    index = InteractionIndex([recorded(asked(), status=status) for status in (500, 429, 200)])
    played = [index.take(asked()) for _ in range(4)]
    assert [one.response.status if one else None for one in played] == [500, 429, 200, None]


def test_of_equal_requests_the_one_recorded_from_the_same_scope_is_preferred() -> None:
    index = InteractionIndex([recorded(asked(), status=200 + n, scope=("flow", f"branch {n}")) for n in range(3)])
    order = [("flow", "branch 2"), ("elsewhere",), ("flow", "branch 0"), ("flow", "branch 1")]
    played = [index.take(asked(), scope) for scope in order]
    assert [one.response.status if one else None for one in played] == [202, 200, 201, None]


def test_the_nearest_request_is_the_one_that_differs_least() -> None:
    index = InteractionIndex([recorded(asked(url="https://h/")), recorded(asked("x", body=b"[1]")), recorded(asked())])
    nearest = index.nearest(asked("bye"))
    assert nearest is not None
    assert nearest.number == 3


def test_a_request_that_was_played_already_is_said_to_be_so() -> None:
    index = InteractionIndex([recorded(asked())])
    index.take(asked())
    again, other = index.nearest(asked()), index.nearest(asked("bye"))
    assert again is not None
    assert again.difference == "the same request, already played"
    assert other is not None
    assert other.difference.endswith(", already played")


def test_a_long_text_is_shown_around_its_difference() -> None:
    index = InteractionIndex([recorded(asked("a" * 500 + "left" + "b" * 500))])
    nearest = index.nearest(asked("a" * 500 + "right" + "b" * 500))
    assert nearest is not None
    assert "…aaaaaaaaaaaaaaaleftbbb" in nearest.difference
    assert len(nearest.difference) < 250


def test_nothing_is_near_where_nothing_is_recorded() -> None:
    assert InteractionIndex([]).nearest(asked()) is None


@pytest.mark.parametrize("content", ["the same", "{}"], ids=["equal requests", "different requests"])
def test_matching_thousands_is_quick(content: str) -> None:
    many = [recorded(asked(content.format(n) if "{" in content else content)) for n in range(5000)]
    began = time.process_time()
    index = InteractionIndex(many)
    for one in reversed(many):
        assert index.take(one.request, ("no such scope",)) is not None
    # Comparing each with each would be 12 million comparisons. By the clock of the process, which others do not slow down.
    assert time.process_time() - began < 2.0
    assert index.unplayed() == ()
