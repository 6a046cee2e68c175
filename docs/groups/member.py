"""A member of the group `billing`: handles orders until it is stopped. Usage: member.py URL NAME"""

import asyncio
import sys

import nats
from nats.js.api import AckPolicy, ConsumerConfig


async def main(url, name):
    client = await nats.connect(url)
    streams = client.jetstream()
    member = ConsumerConfig(
        name=name,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=5,
        inactive_threshold=30,
        metadata={"buster.group": "billing", "buster.key": "2"},
    )
    await streams.add_consumer("ORDERS", member)
    messages = await streams.pull_subscribe_bind(consumer=name, stream="ORDERS")
    while True:
        try:
            batch = await messages.fetch(10, timeout=5)
        except nats.errors.TimeoutError:
            continue
        for message in batch:
            print(f"{name} {message.subject} {message.data.decode()}\n", end="", flush=True)
            await message.ack()


asyncio.run(main(*sys.argv[1:]))
