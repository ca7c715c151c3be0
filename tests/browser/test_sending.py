"""What becomes of one's own message: it is being sent, sent, or failed with a retry."""

import json

from playwright.sync_api import Request, Route, WebSocketRoute, expect

from .person import Visit
from .server_process import ServerProcess


def is_send(what: Request | Route) -> bool:
    """Whether it is the request that sends a message."""
    request = what.request if isinstance(what, Route) else what
    return request.url.endswith("/commands") and request.post_data_json["type"] == "send"


def test_a_message_is_being_sent_and_then_sent(visit: Visit, room: str) -> None:
    """A message stands in the log at once, and says when the server has it."""
    ann = visit("ann", fresh=True)
    held: list[Route] = []
    ann.page.route("**/commands", lambda route: held.append(route) if is_send(route) else route.continue_())
    ann.enter(room, transport="poll")
    with ann.page.expect_request(is_send):
        ann.say("on its way")
    message = ann.message("on its way")
    expect(message).to_have_attribute("data-state", "sending")
    expect(message.locator(".message-state")).to_have_text("Sending…")
    assert message.get_attribute("data-key")
    assert message.get_attribute("data-seq") is None
    held[0].continue_()
    expect(message).to_have_attribute("data-state", "sent")
    expect(message).to_have_attribute("data-seq", "1")
    expect(message.locator(".message-state")).to_have_text("Sent")
    ann.sees("on its way")


def test_a_refused_message_says_why_and_is_retried(visit: Visit, server: ServerProcess, room: str) -> None:
    """A message that the server refuses stays, with the reason; trying again sends it once."""
    ann = visit("ann", fresh=True)
    refusals = [{"code": "forbidden", "reason": "Not while the kettle boils."}]

    def refuse_once(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            message = json.loads(frame)
            if message["type"] == "send" and refusals:
                socket.send(json.dumps({"type": "error", "key": message["key"], **refusals.pop()}))
            else:
                server.send(frame)

        socket.on_message(pass_on)

    ann.page.route_web_socket("**/ws", refuse_once)
    ann.enter(room)
    ann.say("tea?")
    message = ann.message("tea?")
    expect(message).to_have_attribute("data-state", "failed")
    expect(message.locator(".message-state")).to_contain_text("Not sent: Not while the kettle boils.")
    ann.say("milk?")
    expect(ann.message("milk?")).to_have_attribute("data-state", "sent")
    message.locator(".retry").click()
    expect(message).to_have_attribute("data-state", "sent")
    ann.sees("milk?", "tea?")
    assert server.texts(room) == ["milk?", "tea?"]


def test_a_failed_message_can_be_discarded(visit: Visit, room: str) -> None:
    """What failed and is not wanted any more goes, and does not come back with a reload."""
    refusal = {"error": {"code": "forbidden", "reason": "No."}}
    ann = visit("ann", fresh=True, expects=(r"status of 403 .*/commands$",))
    ann.page.route("**/commands", lambda route: route.fulfill(status=403, json=refusal))
    ann.enter(room, transport="stream")
    ann.say("never mind")
    expect(ann.message("never mind")).to_have_attribute("data-state", "failed")
    ann.message("never mind").get_by_role("button", name="Discard").click()
    expect(ann.messages).to_have_count(0)
    ann.page.reload()
    ann.is_online()
    expect(ann.messages).to_have_count(0)


def test_an_answer_that_gets_lost_makes_no_second_message(visit: Visit, server: ServerProcess, room: str) -> None:
    """The server has stored the message but the page never hears so: sent again, it is still one message."""
    ann = visit("ann", fresh=True, expects=("ERR_FAILED", "ERR_CONNECTION"))
    lost: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        if is_send(route) and not lost:
            route.fetch()
            lost.append("answer")
            route.abort()
        else:
            route.continue_()

    ann.page.route("**/commands", lose_the_first_answer)
    ann.enter(room, transport="poll")
    ann.say("once and only once")
    expect(ann.message("once and only once")).to_have_attribute("data-state", "sent")
    ann.say("and another")
    expect(ann.message("and another")).to_have_attribute("data-state", "sent")
    ann.sees("once and only once", "and another")
    assert server.texts(room) == ["once and only once", "and another"]
    assert lost == ["answer"]
