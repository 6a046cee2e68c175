"""The conformance scenarios through nats-py.

Usage: scenarios.py URL. Prints `ok NAME` or `FAIL NAME why` per scenario. Lines without a verdict
are requests to the driver, which answers each with one line on stdin: `restart`, `stall SUBJECT`
and `await-cutoff`.
"""

import asyncio
import sys

import nats
from nats.errors import NoRespondersError

from running import run_all

URL = sys.argv[1]
MIB = 1024 * 1024
ANSWER_SECONDS = 30


async def quiet(_error):
    """A killed server is part of the test, not news."""


async def connect(**options):
    return await nats.connect(URL, error_cb=quiet, **options)


async def connect_many(count):
    return [await connect() for _ in range(count)]


async def close(*clients):
    for client in clients:
        await client.close()


async def ask_driver(request):
    print(request, flush=True)
    answer = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    assert answer.strip() == "done", f"the driver answered {answer!r} to {request}"


async def next_text(subscription):
    return (await subscription.next_msg(timeout=ANSWER_SECONDS)).data.decode()


async def settle(client):
    """Returns once the server has done all this client asked: its own echo came back.

    The PING of nats-py's `flush` may overtake what the client still buffers."""
    inbox = client.new_inbox()
    echo = await client.subscribe(inbox)
    await client.publish(inbox, b"")
    await echo.next_msg(timeout=ANSWER_SECONDS)
    await echo.unsubscribe()


async def expect_no_responders(client, subject):
    try:
        await client.request(subject, b"", timeout=ANSWER_SECONDS)
    except NoRespondersError:
        return
    raise AssertionError(f"somebody answered on {subject}")


async def pub_sub():
    clients = await connect_many(5)
    subscriptions = []
    for client in clients:
        subscriptions.append(await client.subscribe("news"))
        await settle(client)
    for number in range(200):
        await clients[0].publish("news", str(number).encode())
    for subscription in subscriptions:
        for number in range(200):
            assert await next_text(subscription) == str(number)
    await close(*clients)


async def wildcards():
    subjects = ["a", "a.b", "a.c", "a.b.c", "a.b.c.d", "b.b"]
    heard_by = {
        "a.*": ["a.b", "a.c"],
        "a.>": ["a.b", "a.c", "a.b.c", "a.b.c.d"],
        "*.b": ["a.b", "b.b"],
        "a.*.c": ["a.b.c"],
        "*": ["a"],
        ">": subjects,
    }
    publisher = await connect()
    subscribers = []
    for filter_, heard in heard_by.items():
        client = await connect()
        subscribers.append((client, filter_, heard, await client.subscribe(filter_)))
        await settle(client)
    for subject in subjects:
        await publisher.publish(subject, b"")
    await settle(publisher)
    for client, filter_, heard, subscription in subscribers:
        got = []

        async def hear():
            subject = (await subscription.next_msg(timeout=ANSWER_SECONDS)).subject
            # `>` also hears the clients settle.
            if not subject.startswith("_INBOX."):
                got.append(subject)

        while len(got) < len(heard):
            await hear()
        await settle(client)
        while subscription.pending_msgs > 0:
            await hear()
        assert got == heard, f"{got} on {filter_}"
        await client.close()
    await publisher.close()


async def queue_spread():
    members, messages = 6, 600
    publisher, workers = await connect(), await connect_many(members)
    heard = asyncio.Queue()

    def by(member):
        async def on_job(message):
            heard.put_nowait((member, message.data))

        return on_job

    for member, worker in enumerate(workers):
        await worker.subscribe("jobs", "workers", cb=by(member))
        await settle(worker)
    for number in range(messages):
        await publisher.publish("jobs", str(number).encode())
    got = [await asyncio.wait_for(heard.get(), ANSWER_SECONDS) for _ in range(messages)]
    assert len({data for _, data in got}) == messages, "some message came twice"
    assert len({member for member, _ in got}) == members, "some member got nothing"
    await close(publisher, *workers)


async def request_reply():
    requester, responder = await connect_many(2)

    async def double(message):
        await message.respond(message.data * 2)

    await responder.subscribe("double", cb=double)
    await settle(responder)
    for number in range(100):
        data = str(number).encode()
        answer = await requester.request("double", data, timeout=ANSWER_SECONDS)
        assert answer.data == data * 2
    await close(requester, responder)


async def many_replies():
    responders, replies = 5, 40
    requester, answering = await connect(), await connect_many(responders)

    def by(index, responder):
        async def on_request(message):
            for number in range(replies):
                await responder.publish(message.reply, f"{index}.{number}".encode())

        return on_request

    for index, responder in enumerate(answering):
        await responder.subscribe("survey", cb=by(index, responder))
        await settle(responder)
    inbox = requester.new_inbox()
    answers = await requester.subscribe(inbox)
    await requester.publish("survey", b"", reply=inbox)
    got = {await next_text(answers) for _ in range(responders * replies)}
    assert len(got) == responders * replies, "some reply came twice"
    await close(requester, *answering)


async def no_responders():
    clients = await connect_many(4)
    for client in clients:
        await expect_no_responders(client, "nobody.home")
    await close(*clients)


async def headers():
    publisher, subscriber = await connect_many(2)
    letters = await subscriber.subscribe("letters")
    await settle(subscriber)
    sent = {"Stamp": "one", "Other-Stamp": "two words: and a colon"}
    for payload in [b"", b"with a body"]:
        await publisher.publish("letters", payload, headers=sent)
        message = await letters.next_msg(timeout=ANSWER_SECONDS)
        assert message.headers == sent, message.headers
        assert message.data == payload
    await close(publisher, subscriber)


async def drain():
    messages = 500
    closed = asyncio.Event()

    async def on_closed():
        closed.set()

    publisher, draining = await connect(), await connect(closed_cb=on_closed)
    got = []

    async def on_message(message):
        got.append(message.data)

    await draining.subscribe("tank", cb=on_message)
    await settle(draining)
    for number in range(messages):
        await publisher.publish("tank", str(number).encode())
    await settle(publisher)
    await draining.drain()
    await asyncio.wait_for(closed.wait(), ANSWER_SECONDS)
    assert got == [str(number).encode() for number in range(messages)], f"{len(got)} messages"
    await expect_no_responders(publisher, "tank")
    await publisher.close()


async def auto_unsubscribe():
    limit = 5
    publisher, subscriber = await connect_many(2)
    limited = await subscriber.subscribe("limited")
    await limited.unsubscribe(limit=limit)
    await settle(subscriber)
    for number in range(limit):
        await publisher.publish("limited", str(number).encode())
    for number in range(limit):
        assert await next_text(limited) == str(number)
    await expect_no_responders(publisher, "limited")
    await close(publisher, subscriber)


async def reconnect():
    again = asyncio.Event()

    async def on_reconnected():
        again.set()

    client = await connect(
        reconnected_cb=on_reconnected, reconnect_time_wait=0.005, max_reconnect_attempts=-1
    )
    subscription = await client.subscribe("still.here")
    await settle(client)
    await ask_driver("restart")
    await asyncio.wait_for(again.wait(), ANSWER_SECONDS)
    await settle(client)
    other = await connect()
    await other.publish("still.here", b"again")
    assert await next_text(subscription) == "again"
    await close(client, other)


async def large_payload():
    publisher, subscriber = await connect_many(2)
    assert publisher.max_payload == MIB
    large = await subscriber.subscribe("large")
    await settle(subscriber)
    for round_ in range(8):
        payload = bytes((at * 7 + round_) % 256 for at in range(256)) * (MIB // 256)
        await publisher.publish("large", payload)
        message = await large.next_msg(timeout=ANSWER_SECONDS)
        assert message.data == payload, f"round {round_} differs"
    await close(publisher, subscriber)


async def many_subscriptions():
    subscriptions = 10_000
    publisher, subscriber = await connect_many(2)
    many = [await subscriber.subscribe(f"many.{number}") for number in range(subscriptions)]
    await settle(subscriber)
    for number in range(subscriptions):
        await publisher.publish(f"many.{number}", str(number).encode())
    for number, subscription in enumerate(many):
        assert await next_text(subscription) == str(number)
    await close(publisher, subscriber)


async def slow_consumer():
    publisher, subscriber = await connect_many(2)
    flood = await subscriber.subscribe("flood")
    await settle(subscriber)
    await ask_driver("stall flood")
    payload = b"f" * MIB
    for _ in range(100):
        await publisher.publish("flood", payload)
        message = await flood.next_msg(timeout=ANSWER_SECONDS)
        assert len(message.data) == MIB
    await ask_driver("await-cutoff")
    await settle(publisher)
    await settle(subscriber)
    await close(publisher, subscriber)


SCENARIOS = [
    pub_sub,
    wildcards,
    queue_spread,
    request_reply,
    many_replies,
    no_responders,
    headers,
    drain,
    auto_unsubscribe,
    reconnect,
    large_payload,
    many_subscriptions,
    slow_consumer,
]


run_all(SCENARIOS)
