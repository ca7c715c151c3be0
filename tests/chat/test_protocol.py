"""What clients say: what is understood, and what is refused with which code."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import BadRequest, ChatError, RateLimited, TooLarge
from chat.protocol import (
    Ack,
    Answers,
    Change,
    Delete,
    Edit,
    Ping,
    React,
    Read,
    Send,
    Subscribe,
    Typing,
    Unsubscribe,
    answers,
    command,
    decode,
    encode,
    error_reply,
)
from tests.rooms import limits, new_key

KEY = "6e2c1b0a-9d47-4c39-8f5e-0a1b2c3d4e5f"
LIMITS = limits()

GOOD: list[tuple[dict[str, Any], type]] = [
    ({"type": "subscribe", "room": "a"}, Subscribe),
    ({"type": "subscribe", "room": "a", "after": 0, "epoch": "e"}, Subscribe),
    ({"type": "subscribe", "room": "a", "after": 2**53 - 1}, Subscribe),
    ({"type": "subscribe", "room": "a", "history": 0, "id": "x"}, Subscribe),
    ({"type": "subscribe", "room": "a", "history": 200}, Subscribe),
    ({"type": "unsubscribe", "room": "a", "id": 5}, Unsubscribe),
    ({"type": "send", "room": "a", "key": KEY, "text": "hi"}, Send),
    ({"type": "send", "room": "a", "key": KEY.upper(), "text": "x" * 4_000}, Send),
    ({"type": "send", "room": "a", "key": KEY, "kind": "text", "text": "\u0000 is a character"}, Send),
    ({"type": "send", "room": "a", "key": KEY, "kind": "poll.v1", "data": {"a": [1, None, {"b": 1.5}]}}, Send),
    ({"type": "send", "room": "a", "key": KEY, "kind": "x", "data": {}}, Send),
    ({"type": "edit", "room": "a", "key": KEY, "target": 1, "text": "hi"}, Edit),
    ({"type": "delete", "room": "a", "key": KEY, "target": 1}, Delete),
    ({"type": "react", "room": "a", "key": KEY, "target": 1, "emoji": "👍"}, React),
    ({"type": "react", "room": "a", "key": KEY, "target": 1, "emoji": "👨🏽‍👩🏽‍👧🏽‍👦🏽", "on": False}, React),
    ({"type": "typing", "room": "a"}, Typing),
    ({"type": "read", "room": "a", "seq": 1}, Read),
    ({"type": "ping"}, Ping),
    ({"type": "ping", "id": "x" * 64}, Ping),
    ({"type": "ping", "id": None}, Ping),
]

SEND: dict[str, Any] = {"type": "send", "room": "a", "key": KEY, "text": "hi"}
REACT: dict[str, Any] = {"type": "react", "room": "a", "key": KEY, "target": 1, "emoji": "👍"}

BAD: list[dict[str, Any]] = [
    {},
    {"type": "nonsense"},
    {"type": None},
    {"type": 1},
    {"room": "a"},
    {"type": "ping", "extra": 1},
    {"type": "ping", "id": 1.5},
    {"type": "ping", "id": True},
    {"type": "ping", "id": []},
    {"type": "ping", "id": "x" * 65},
    {"type": "ping", "id": 2**70},
    {"type": "subscribe"},
    {"type": "subscribe", "room": 1},
    {"type": "subscribe", "room": "a", "after": -1},
    {"type": "subscribe", "room": "a", "after": 1.5},
    {"type": "subscribe", "room": "a", "after": "1"},
    {"type": "subscribe", "room": "a", "after": 2**53},
    {"type": "subscribe", "room": "a", "after": 1, "history": 1},
    {"type": "subscribe", "room": "a", "epoch": "e"},
    {"type": "subscribe", "room": "a", "history": -1},
    {"type": "typing", "room": None},
    {"type": "read", "room": "a"},
    {"type": "read", "room": "a", "seq": -1},
    {"type": "send", "room": "a", "text": "hi"},
    {"type": "send", "key": KEY, "text": "hi"},
    SEND | {"key": "1"},
    SEND | {"key": KEY + "0"},
    SEND | {"key": KEY + "\n"},
    SEND | {"key": KEY.replace("-", "")},
    SEND | {"key": "{" + KEY[1:-1] + "}"},
    SEND | {"key": None},
    SEND | {"text": ""},
    SEND | {"text": " \n\t\u00a0\u3000"},
    SEND | {"text": None},
    SEND | {"text": 5},
    SEND | {"text": ["hi"]},
    SEND | {"target": 1},
    SEND | {"data": {}},
    SEND | {"kind": "Poll"},
    SEND | {"kind": ""},
    SEND | {"kind": "1x"},
    SEND | {"kind": "x" * 65},
    SEND | {"kind": "x"},
    SEND | {"kind": "x", "data": {}},
    SEND | {"kind": "x", "text": None, "data": []},
    SEND | {"kind": "x", "text": None, "data": "x"},
    {"type": "edit", "room": "a", "key": KEY, "target": 1},
    {"type": "edit", "room": "a", "key": KEY, "target": -1, "text": "hi"},
    {"type": "edit", "room": "a", "key": KEY, "target": "1", "text": "hi"},
    {"type": "edit", "room": "a", "key": KEY, "target": 1, "text": " "},
    {"type": "delete", "room": "a", "key": KEY},
    {"type": "delete", "room": "a", "key": "k", "target": 1},
    {"type": "delete", "room": "a", "key": KEY, "target": 1, "text": "x"},
    REACT | {"emoji": ""},
    REACT | {"emoji": "x" * 17},
    REACT | {"emoji": "a b"},
    REACT | {"emoji": "\x01"},
    REACT | {"emoji": 1},
    REACT | {"on": 1},
    REACT | {"on": None},
]


@pytest.mark.parametrize(("fields", "kind"), GOOD)
def test_understands(fields: dict[str, Any], kind: type) -> None:
    """A good message is understood alike in a frame and in a request's body."""
    assert type(decode(json.dumps(fields), LIMITS)) is kind
    assert command(fields, LIMITS) == decode(json.dumps(fields), LIMITS)


@pytest.mark.parametrize("fields", BAD)
def test_refuses(fields: dict[str, Any]) -> None:
    """A message that breaks the contract is refused alike at both doors, with a sentence."""
    with pytest.raises(BadRequest) as frame:
        decode(json.dumps(fields), LIMITS)
    with pytest.raises(BadRequest) as body:
        command(fields, LIMITS)
    for refused in (frame, body):
        assert refused.value.code == "bad_request"
        assert refused.value.reason.endswith(".")
        assert "`" not in refused.value.reason


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "",
            " ",
            "hello",
            "{",
            "[]",
            "null",
            "1",
            '"text"',
            "{}{}",
            "{'type': 'ping'}",
            '{"type":"ping",}',
            "\ufeff{}",
        ),
        *("\ufeff{}", '{"type":"ping","id":"\\ud800"}', '{"type":"ping","id":NaN}', '{"type":"ping","id":1e400}'),
        *("[" * 50_000, '{"type":"ping","id":' + "9" * 5_000 + "}", '{"type":"ping","a":' * 3_000),
    ],
)
def test_refuses_what_is_no_json_object(raw: str) -> None:
    """Anything but a JSON object, however deep or large, is a bad request."""
    with pytest.raises(BadRequest):
        decode(raw, LIMITS)


@pytest.mark.parametrize("raw", [b'{"type":"ping"}', b"\xff\xfe\x00", b""])
def test_refuses_binary_frames(raw: bytes) -> None:
    """A binary frame is refused whatever is in it, and what may be in it is looked at without harm."""
    with pytest.raises(BadRequest, match="Binary"):
        decode(raw, LIMITS)
    assert answers(raw) == Answers()


def test_refuses_long_texts() -> None:
    """A text of more than 4,000 characters is too large, of whatever script; 4,000 are not."""
    decode(json.dumps(SEND | {"text": "客" * 4_000}, ensure_ascii=False), LIMITS)
    for too_long in (SEND, {"type": "edit", "room": "a", "key": KEY, "target": 1}):
        with pytest.raises(TooLarge, match="4001"):
            decode(json.dumps(too_long | {"text": "x" * 4_001}), LIMITS)


def test_refuses_long_messages() -> None:
    """A message over 64 KiB is too large, counted in bytes of UTF-8."""
    send = {"type": "send", "room": "a", "key": KEY, "kind": "x"}
    rest = len(json.dumps(send | {"data": {"a": ""}}))
    decode(json.dumps(send | {"data": {"a": "x" * (65_536 - rest)}}), LIMITS)
    for text in ("x" * (65_537 - rest), "客" * 22_000):
        with pytest.raises(TooLarge, match="65536"):
            decode(json.dumps(send | {"data": {"a": text}}, ensure_ascii=False), LIMITS)


def test_history_beyond_a_page_is_refused_or_cut() -> None:
    """`history` is 0 to 200: what is beyond is either refused or understood as the most there is."""
    for fields in ({"history": 201}, {"history": 10**9}):
        try:
            found = decode(json.dumps({"type": "subscribe", "room": "a", **fields}), LIMITS)
        except BadRequest:
            continue
        assert isinstance(found, Subscribe)


def test_data_comes_back_as_it_was() -> None:
    """Whatever data is taken is encoded again to the same JSON."""
    data = {"big": 2**64 - 1, "small": -(2**63), "float": 1e-7, "text": "\u0000𝄞", "$set": {"a.b": None}, "": []}
    found = decode(json.dumps({"type": "send", "room": "a", "key": KEY, "kind": "x", "data": data}), LIMITS)
    assert isinstance(found, Send)
    assert json.loads(encode(found.data)) == data


@pytest.mark.parametrize("value", ["1" + "0" * 30, "-1" + "0" * 30, "[" * 400 + "]" * 400])
def test_refuses_data_that_could_not_be_given_back(value: str) -> None:
    """Numbers too large to be written again, and data too deep, are a bad request at both doors, or come back whole."""
    raw = f'{{"type":"send","room":"a","key":"{KEY}","kind":"x","data":{{"a":{value}}}}}'
    for door in (lambda: decode(raw, LIMITS), lambda: command(json.loads(raw), LIMITS)):
        try:
            found = door()
        except BadRequest:
            continue
        assert isinstance(found, Send)
        assert json.loads(encode(found.data)) == {"a": json.loads(value)}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["room", "key", "text", "kind", "data", "target", "emoji", "on", "id", "seq", "after", "epoch", "history"]
)
TYPES = st.sampled_from([fields["type"] for fields, _ in GOOD])


@given(JSON | st.dictionaries(FIELDS, JSON, max_size=6), TYPES)
def test_random_json_is_understood_or_refused(value: Any, kind: str) -> None:
    """Nothing but a ChatError comes of any JSON, at both doors."""
    values = (
        [value, value | {"type": kind}, {"type": kind, "room": "a", "key": KEY} | value]
        if isinstance(value, dict)
        else [value]
    )
    for each in values:
        doors = [lambda each=each: decode(json.dumps(each), LIMITS)]
        if isinstance(each, dict):
            doors.append(lambda each=each: command(each, LIMITS))
        for door in doors:
            try:
                found = door()
            except ChatError as error:
                assert error.code in ("bad_request", "too_large")
            else:
                assert found.id is None or isinstance(found.id, str | int)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_answers_finds_what_can_be_repeated(raw: str | bytes) -> None:
    """Any frame gives an id and a key, or none, never an error."""
    found = answers(raw)
    encode(error_reply(BadRequest("No."), found))


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ('{"id":1,"key":"k","type":"nonsense"}', Answers(1, "k")),
        ('{"id":"a","key":5}', Answers("a", None)),
        ('{"id":{},"key":"k"}', Answers(None, "k")),
        ('{"id":"' + "x" * 65 + '","key":"' + "x" * 65 + '"}', Answers(None, None)),
        ("[]", Answers()),
        ("no json", Answers()),
        ("[" * 50_000, Answers()),
    ],
)
def test_answers_repeats_id_and_key(raw: str, wanted: Answers) -> None:
    """A refused message's id and key come back where they can be read and are not too long."""
    assert answers(raw) == wanted


def test_replies_have_no_empty_fields() -> None:
    """What a reply does not have is left out."""
    ack = Ack(key="k", room="a", seq=1, at=2)
    assert json.loads(encode(ack)) == {"type": "ack", "key": "k", "room": "a", "seq": 1, "at": 2}
    assert json.loads(encode(error_reply(BadRequest("No.")))) == {
        "type": "error",
        "code": "bad_request",
        "reason": "No.",
    }


def test_an_error_says_what_it_answers_and_when_to_come_back() -> None:
    """The id and key of the message, and where waiting helps how long."""
    key = new_key()
    send = Send(id="7", room="a", key=key, text="hi")
    reply = json.loads(encode(error_reply(RateLimited("Too much.", retry_after=1), send)))
    assert (reply["id"], reply["key"], reply["retry_after"], reply["code"]) == ("7", key, 1, "rate_limited")
    assert isinstance(send, Change)
