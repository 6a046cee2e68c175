"""Streams, consumers, key-value and object stores through nats-py.

Usage: streams.py URL, of a server with JetStream that keeps its files over restarts. Prints `ok NAME` or `FAIL NAME why`
per scenario. A line `restart` asks the driver to kill the server and start it again; it answers with one line on stdin.
"""

import asyncio
import hashlib
import json
import sys

import nats
from nats.js.api import AckPolicy, ConsumerConfig, ObjectInfo, ObjectLink, ObjectMetaOptions, RetentionPolicy
from nats.js.errors import (
    APIError,
    KeyNotFoundError,
    KeyWrongLastSequenceError,
    NotFoundError,
    ObjectNotFoundError,
)

from running import run_all

URL = sys.argv[1]
MIB = 1024 * 1024
ANSWER_SECONDS = 30
# nats-server's default, and short enough to wait for.
SOON_SECONDS = 1


async def quiet(_error):
    """A killed server is part of the test, not news."""


async def connect():
    return await nats.connect(URL, error_cb=quiet, reconnect_time_wait=0.005, max_reconnect_attempts=-1)


async def restart(client):
    """Has the server killed and started again; returns when the client is back."""
    print("restart", flush=True)
    answer = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    assert answer.strip() == "done", f"the driver answered {answer!r}"
    while True:
        try:
            return await client.jetstream(timeout=SOON_SECONDS).account_info()
        except (nats.errors.Error, APIError, TimeoutError):
            await asyncio.sleep(0.01)


async def publish_all(streams, subject, texts):
    """Publishes, and again until it is acknowledged: each has an id, so that none is there twice."""
    for text in texts:
        while True:
            try:
                await streams.publish(subject, text.encode(), timeout=1, headers={"Nats-Msg-Id": text})
                break
            except (nats.errors.Error, APIError, TimeoutError):
                await asyncio.sleep(0.01)


async def fetch_all(subscription, count):
    """So many messages; what is fetched at once may be fewer."""
    messages = []
    while len(messages) < count:
        messages += await subscription.fetch(count - len(messages), timeout=ANSWER_SECONDS)
    return messages


def texts_of(messages):
    return [message.data.decode() for message in messages]


async def pulls():
    client = await connect()
    streams = client.jetstream()
    await streams.add_stream(name="PULLS", subjects=["pulls.*"])
    await publish_all(streams, "pulls.a", [f"a{number}" for number in range(20)])
    await publish_all(streams, "pulls.b", [f"b{number}" for number in range(20)])
    only_b = await streams.pull_subscribe("pulls.b", "b")
    messages = await fetch_all(only_b, 12)
    assert texts_of(messages) == [f"b{number}" for number in range(12)]
    assert [message.metadata.num_pending for message in messages] == list(range(19, 7, -1))
    for message in messages[:10]:
        await message.ack_sync(timeout=ANSWER_SECONDS)
    await messages[10].nak()
    await messages[11].term()
    messages = await fetch_all(only_b, 9)
    assert sorted(texts_of(messages)) == sorted(["b10"] + [f"b{number}" for number in range(12, 20)])
    again = next(message for message in messages if message.data == b"b10")
    assert again.metadata.num_delivered == 2
    for message in messages:
        await message.ack_sync(timeout=ANSWER_SECONDS)
    info = await only_b.consumer_info()
    assert (info.num_pending, info.num_ack_pending, info.ack_floor.stream_seq) == (0, 0, 40), info
    try:
        await only_b.fetch(1, timeout=0.2)
    except nats.errors.TimeoutError:
        pass
    else:
        raise AssertionError("a message that is not there")
    await client.close()


async def pushes_to_a_group():
    client = await connect()
    streams = client.jetstream()
    await streams.add_stream(name="PUSHES", subjects=["pushes"], storage="memory")
    heard = asyncio.Queue()

    def by(member):
        async def on_message(message):
            heard.put_nowait((member, message.data.decode()))
            await message.ack()

        return on_message

    for member in range(3):
        await streams.subscribe("pushes", "workers", cb=by(member), manual_ack=True)
    sent = [str(number) for number in range(300)]
    await publish_all(streams, "pushes", sent)
    got = [await asyncio.wait_for(heard.get(), ANSWER_SECONDS) for _ in sent]
    assert sorted(text for _, text in got) == sorted(sent), "each once"
    assert {member for member, _ in got} == {0, 1, 2}
    await client.close()


async def ordered():
    """More than fits what may be under way: it has to ask for more, and nothing may be lost or out of order."""
    client = await connect()
    streams = client.jetstream()
    await streams.add_stream(name="ORDERED", subjects=["ordered"])
    payload = b"o" * 16_384
    for number in range(1000):
        await streams.publish_async("ordered", str(number).encode() + b" " + payload)
    await streams.publish_async_completed()
    subscription = await streams.subscribe("ordered", ordered_consumer=True, idle_heartbeat=1)
    for number in range(1000):
        message = await subscription.next_msg(timeout=ANSWER_SECONDS)
        assert message.data.split(b" ")[0] == str(number).encode(), f"{message.data[:10]} for {number}"
    await client.close()


async def acknowledged_is_kept():
    """What was acknowledged, by the server and to it, outlives its end; what was not comes again."""
    client = await connect()
    streams = client.jetstream()
    await streams.add_stream(name="KEPT", subjects=["kept"], retention=RetentionPolicy.WORK_QUEUE)
    config = ConsumerConfig(durable_name="kept", ack_policy=AckPolicy.EXPLICIT, ack_wait=SOON_SECONDS)
    await streams.add_consumer("KEPT", config)
    sent = [f"kept {number}" for number in range(500)]
    publishing = asyncio.ensure_future(publish_all(streams, "kept", sent[:250]))
    await asyncio.sleep(0.05)
    await restart(client)
    await publishing
    work = await streams.pull_subscribe_bind("kept", "KEPT")
    done = []
    for message in await fetch_all(work, 100):
        done.append(message.data.decode())
        await message.ack_sync(timeout=ANSWER_SECONDS)
    unanswered = texts_of(await fetch_all(work, 50))
    await publish_all(streams, "kept", sent[250:])
    await restart(client)
    assert (await streams.stream_info("KEPT")).state.messages == 400
    while len(done) < len(sent):
        for message in await work.fetch(100, timeout=ANSWER_SECONDS):
            done.append(message.data.decode())
            await message.ack_sync(timeout=ANSWER_SECONDS)
    assert sorted(done) == sorted(sent), "each once"
    assert done[100:].count(unanswered[0]) == 1
    assert (await streams.stream_info("KEPT")).state.messages == 0
    await client.close()


async def next_key(watcher):
    entry = await watcher.updates(timeout=ANSWER_SECONDS)
    return entry and (entry.key, entry.value, entry.revision, entry.operation)


async def keys():
    client = await connect()
    streams = client.jetstream()
    bucket = await streams.create_key_value(bucket="keys", history=3)
    watcher = await bucket.watchall()
    assert await next_key(watcher) is None
    for number in range(5):
        assert await bucket.put("a.b", str(number).encode()) == number + 1
    await bucket.put("c", b"see")
    await bucket.delete("c")
    await bucket.create("c", b"again")
    await bucket.purge("a.b")
    seen = [await next_key(watcher) for _ in range(9)]
    assert seen[4:] == [
        ("a.b", b"4", 5, None),
        ("c", b"see", 6, None),
        ("c", b"", 7, "DEL"),
        ("c", b"again", 8, None),
        ("a.b", b"", 9, "PURGE"),
    ], seen
    await bucket.put("a.b", b"new")
    await restart(client)
    bucket = await streams.key_value("keys")
    assert [entry.value for entry in await bucket.history("c")] == [b"see", b"", b"again"]
    assert [entry.value for entry in await bucket.history("a.b")] == [b"", b"new"]
    assert (await bucket.get("c", revision=6)).value == b"see"
    assert sorted(await bucket.keys()) == ["a.b", "c"]
    await bucket.delete("c")
    try:
        await bucket.get("c")
    except KeyNotFoundError:
        pass
    else:
        raise AssertionError("a key that was deleted")
    await bucket.purge_deletes(olderthan=-1)
    assert (await bucket.status()).values == 2
    await streams.delete_key_value("keys")
    await client.close()


async def keys_are_counted_up():
    """Several count up one key, each by what it saw last; no step is lost, also over a restart."""
    clients = [await connect() for _ in range(4)]
    await clients[0].jetstream().create_key_value(bucket="counted")

    async def count_up(client):
        bucket = await client.jetstream(timeout=ANSWER_SECONDS).key_value("counted")
        steps = 0
        while steps < 25:
            entry = await bucket.get("total")
            try:
                await bucket.update("total", str(int(entry.value) + 1).encode(), last=entry.revision)
                steps += 1
            except KeyWrongLastSequenceError:
                pass

    bucket = await clients[0].jetstream().key_value("counted")
    await bucket.create("total", b"0")
    await asyncio.gather(*[count_up(client) for client in clients])
    assert (await bucket.get("total")).value == b"100"
    await restart(clients[0])
    entry = await bucket.get("total")
    assert (entry.value, entry.revision) == (b"100", 101)
    try:
        await bucket.update("total", b"0", last=100)
    except KeyWrongLastSequenceError:
        pass
    else:
        raise AssertionError("an update of what was there before")
    for client in clients:
        await client.close()


async def keys_expire():
    """A key whose time is over goes with a marker that a watcher sees, also if the server ended in between."""
    client = await connect()
    streams = client.jetstream()
    bucket = await streams.create_key_value(bucket="expire", limit_marker_ttl=60)
    await bucket.create("short", b"lived", msg_ttl=2)
    await bucket.put("long", b"lived")
    await restart(client)
    watcher = await bucket.watch("short")
    assert await next_key(watcher) == ("short", b"lived", 1, None)
    assert await next_key(watcher) is None
    assert await next_key(watcher) == ("short", b"", 3, "PURGE")
    assert await bucket.keys() == ["long"]
    await client.close()


async def objects():
    client = await connect()
    streams = client.jetstream(timeout=ANSWER_SECONDS)
    store = await streams.create_object_store(bucket="objects")
    watcher = await store.watch()
    assert await watcher.updates(timeout=ANSWER_SECONDS) is None
    data = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(10 * MIB // 32))
    await store.put("large", data)
    await store.put("small", b"first")
    await store.put("small", b"second")
    link = ObjectInfo(
        name="link",
        bucket="objects",
        nuid="none",
        options=ObjectMetaOptions(link=ObjectLink(bucket="objects", name="large")),
    )
    await streams.publish("$O.objects.M.bGluaw==", json.dumps(link.as_dict()).encode())
    seen = [(await watcher.updates(timeout=ANSWER_SECONDS)).name for _ in range(4)]
    assert seen == ["large", "small", "small", "link"], seen
    # Of what was replaced nothing is left: 80 pieces, one, and what is known of the three.
    assert (await streams.stream_info("OBJ_objects")).state.messages == 84
    await restart(client)
    store = await streams.object_store("objects")
    assert (await store.get("small")).data == b"second"
    assert (await store.get("link")).data == data
    await store.delete("large")
    try:
        await store.get("large")
    except ObjectNotFoundError:
        pass
    else:
        raise AssertionError("an object that was deleted")
    assert (await store.get_info("large", show_deleted=True)).deleted
    assert sorted(info.name for info in await store.list(ignore_deletes=True)) == ["link", "small"]
    await store.seal()
    try:
        await store.put("small", b"third")
    except APIError:
        pass
    else:
        raise AssertionError("the store was sealed")
    await streams.delete_object_store("objects")
    try:
        await streams.object_store("objects")
    except NotFoundError:
        pass
    else:
        raise AssertionError("a store that was deleted")
    await client.close()


SCENARIOS = [
    pulls,
    pushes_to_a_group,
    ordered,
    acknowledged_is_kept,
    keys,
    keys_are_counted_up,
    keys_expire,
    objects,
]


run_all(SCENARIOS)
