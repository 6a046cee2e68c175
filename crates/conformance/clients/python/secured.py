"""Users, permissions and accounts through nats-py.

Usage: secured.py URL, of a server with the users of tests/foreign_clients.rs. Prints `ok NAME` or
`FAIL NAME why` per scenario.
"""

import asyncio
import sys

import nats
from nats.errors import Error, NoRespondersError

from running import run_all

URL = sys.argv[1]
ANSWER_SECONDS = 30


class Complaints:
    """What the server complains about, in order."""

    def __init__(self):
        self.queue = asyncio.Queue()

    async def hear(self, error):
        await self.queue.put(str(error))

    async def next(self):
        return await asyncio.wait_for(self.queue.get(), ANSWER_SECONDS)


async def connect(user, password, complaints=None):
    hear = (complaints or Complaints()).hear
    return await nats.connect(URL, user=user, password=password, error_cb=hear, allow_reconnect=False)


async def settle(client):
    """Returns once the server has done all this client asked: its own echo came back."""
    inbox = client.new_inbox()
    echo = await client.subscribe(inbox)
    await client.publish(inbox, b"")
    await echo.next_msg(timeout=ANSWER_SECONDS)
    await echo.unsubscribe()


async def users_get_in():
    for user, password in [("plain", "p-secret"), ("hashed", "b-secret")]:
        client = await connect(user, password)
        await settle(client)
        await client.close()


async def others_do_not():
    for user, password in [("plain", "b-secret"), ("nobody", "p-secret"), ("", "")]:
        try:
            await connect(user, password)
        except Error as error:
            assert "authorization violation" in str(error).lower(), str(error)
        else:
            raise AssertionError(f"{user} got in")


async def violations_are_told():
    complaints = Complaints()
    bound = await connect("bound", "b", complaints)
    await bound.publish("closed", b"")
    said = await complaints.next()
    assert 'permissions violation for publish to "closed"' in said.lower(), said
    await bound.subscribe("closed")
    said = await complaints.next()
    assert 'permissions violation for subscription to "closed"' in said.lower(), said
    # The connection goes on, and what is allowed works.
    opened = await bound.subscribe("open.*")
    await settle(bound)
    await bound.publish("open.door", b"knock")
    message = await opened.next_msg(timeout=ANSWER_SECONDS)
    assert message.data == b"knock"
    await bound.close()


async def accounts_are_apart():
    here, same, other = await connect("plain", "p-secret"), await connect("hashed", "b-secret"), await connect("far", "f")
    heard, unheard = await here.subscribe("news"), await other.subscribe("news")
    await settle(here)
    await settle(other)
    await same.publish("news", b"here")
    await other.publish("news", b"there")
    assert (await heard.next_msg(timeout=ANSWER_SECONDS)).data == b"here"
    assert (await unheard.next_msg(timeout=ANSWER_SECONDS)).data == b"there"
    await heard.unsubscribe()
    await settle(here)
    try:
        await same.request("news", b"", timeout=ANSWER_SECONDS)
    except NoRespondersError:
        pass
    else:
        raise AssertionError("another account answered")
    for client in (here, same, other):
        await client.close()


SCENARIOS = [users_get_in, others_do_not, violations_are_told, accounts_are_apart]


run_all(SCENARIOS)
