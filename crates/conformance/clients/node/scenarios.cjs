// The conformance scenarios through nats.js, wherever it runs.
//
// `run` prints `ok NAME` or `FAIL NAME why` per scenario. What only the driver can do to the server is asked of
// it: `restart`, `stall SUBJECT` and `await-cutoff`.

"use strict";

const assert = require("node:assert/strict");
const { createInbox, headers: newHeaders } = require("@nats-io/nats-core");

const MIB = 1024 * 1024;
const ANSWER_MS = 30_000;
const SCENARIO_MS = 100_000;

/** What the runner of the scenarios has: how to connect, to print a line, and to ask the driver. */
let runner;

const connect = (options = {}) => runner.connect(options);
const connectMany = (count) => Promise.all(Array.from({ length: count }, () => connect()));
const close = (...clients) => Promise.all(clients.map((client) => client.close()));

async function askDriver(request) {
  assert.equal(await runner.ask(request), "done", `the driver's answer to ${request}`);
}

async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen in time`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A subscription read one message at a time. */
function reader(client, subject, options) {
  const subscription = client.subscribe(subject, options);
  const messages = subscription[Symbol.asyncIterator]();
  return {
    subscription,
    async next() {
      const { value, done } = await within(ANSWER_MS, `a message on ${subject}`, messages.next());
      assert.ok(!done, `${subject} ended early`);
      return value;
    },
    async ended() {
      return (await within(ANSWER_MS, `the end of ${subject}`, messages.next())).done;
    },
  };
}

async function expectNoResponders(client, subject) {
  const asked = client.request(subject, "", { timeout: ANSWER_MS });
  await assert.rejects(asked, (error) => error.isNoResponders?.() ?? false);
}

async function pub_sub() {
  const clients = await connectMany(5);
  const readers = [];
  for (const client of clients) {
    readers.push(reader(client, "news"));
    await client.flush();
  }
  for (let number = 0; number < 200; number++) clients[0].publish("news", `${number}`);
  for (const news of readers) {
    for (let number = 0; number < 200; number++) {
      assert.equal((await news.next()).string(), `${number}`);
    }
  }
  await close(...clients);
}

async function wildcards() {
  const subjects = ["a", "a.b", "a.c", "a.b.c", "a.b.c.d", "b.b"];
  const heardBy = {
    "a.*": ["a.b", "a.c"],
    "a.>": ["a.b", "a.c", "a.b.c", "a.b.c.d"],
    "*.b": ["a.b", "b.b"],
    "a.*.c": ["a.b.c"],
    "*": ["a"],
    ">": subjects,
  };
  const publisher = await connect();
  const subscribers = [];
  for (const [filter, heard] of Object.entries(heardBy)) {
    const client = await connect();
    subscribers.push({ client, filter, heard, messages: reader(client, filter) });
    await client.flush();
  }
  for (const subject of subjects) publisher.publish(subject);
  await publisher.flush();
  for (const { client, filter, heard, messages } of subscribers) {
    for (const subject of heard) assert.equal((await messages.next()).subject, subject, filter);
    await client.drain();
    assert.ok(await messages.ended(), `${filter} hears too much`);
  }
  await publisher.close();
}

async function queue_spread() {
  const [members, total] = [6, 600];
  const [publisher, ...workers] = await connectMany(members + 1);
  const [numbers, busy] = [new Set(), new Set()];
  let arrived = 0;
  let allArrived;
  const all = new Promise((resolve) => { allArrived = resolve; });
  for (const worker of workers) {
    worker.subscribe("jobs", {
      queue: "workers",
      callback: (_error, message) => {
        numbers.add(message.string());
        busy.add(worker);
        if (++arrived === total) allArrived();
      },
    });
    await worker.flush();
  }
  for (let number = 0; number < total; number++) publisher.publish("jobs", `${number}`);
  await within(ANSWER_MS, "the last job", all);
  assert.equal(numbers.size, total, "some message came twice");
  assert.equal(busy.size, members, "some member got nothing");
  await close(publisher, ...workers);
}

async function request_reply() {
  const [requester, responder] = await connectMany(2);
  responder.subscribe("double", {
    callback: (_error, message) => message.respond(message.string().repeat(2)),
  });
  await responder.flush();
  for (let number = 0; number < 100; number++) {
    const answer = await requester.request("double", `${number}`, { timeout: ANSWER_MS });
    assert.equal(answer.string(), `${number}${number}`);
  }
  await close(requester, responder);
}

async function many_replies() {
  const [responders, replies] = [5, 40];
  const [requester, ...answering] = await connectMany(responders + 1);
  for (const [index, responder] of answering.entries()) {
    responder.subscribe("survey", {
      callback: (_error, message) => {
        for (let number = 0; number < replies; number++) message.respond(`${index}.${number}`);
      },
    });
    await responder.flush();
  }
  const inbox = createInbox();
  const answers = reader(requester, inbox);
  requester.publish("survey", "", { reply: inbox });
  const got = new Set();
  for (let count = 0; count < responders * replies; count++) {
    got.add((await answers.next()).string());
  }
  assert.equal(got.size, responders * replies, "some reply came twice");
  await close(requester, ...answering);
}

async function no_responders() {
  const clients = await connectMany(4);
  for (const client of clients) await expectNoResponders(client, "nobody.home");
  await close(...clients);
}

async function headers() {
  const [publisher, subscriber] = await connectMany(2);
  const letters = reader(subscriber, "letters");
  await subscriber.flush();
  const sent = newHeaders();
  sent.append("Stamp", "one");
  sent.append("Stamp", "two words: and a colon");
  for (const payload of ["", "with a body"]) {
    publisher.publish("letters", payload, { headers: sent });
    const message = await letters.next();
    assert.deepEqual(message.headers.values("Stamp"), ["one", "two words: and a colon"]);
    assert.equal(message.string(), payload);
  }
  await close(publisher, subscriber);
}

async function drain() {
  const total = 500;
  const [publisher, draining] = await connectMany(2);
  const tank = reader(draining, "tank");
  await draining.flush();
  for (let number = 0; number < total; number++) publisher.publish("tank", `${number}`);
  await publisher.flush();
  const drained = draining.drain();
  for (let number = 0; number < total; number++) {
    assert.equal((await tank.next()).string(), `${number}`);
  }
  assert.ok(await tank.ended(), "the subscription ends after the last message");
  await within(ANSWER_MS, "the end of the drain", drained);
  await expectNoResponders(publisher, "tank");
  await publisher.close();
}

async function auto_unsubscribe() {
  const max = 5;
  const [publisher, subscriber] = await connectMany(2);
  const limited = reader(subscriber, "limited", { max });
  await subscriber.flush();
  for (let number = 0; number < max; number++) publisher.publish("limited", `${number}`);
  for (let number = 0; number < max; number++) {
    assert.equal((await limited.next()).string(), `${number}`);
  }
  assert.ok(await limited.ended(), `the subscription ends after ${max} messages`);
  await expectNoResponders(publisher, "limited");
  await close(publisher, subscriber);
}

async function reconnect() {
  const options = { reconnectTimeWait: 5, reconnectJitter: 0, maxReconnectAttempts: -1 };
  const client = await connect(options);
  const again = (async () => {
    for await (const status of client.status()) if (status.type === "reconnect") return;
  })();
  const messages = reader(client, "still.here");
  await client.flush();
  await askDriver("restart");
  await within(ANSWER_MS, "the reconnect", again);
  await client.flush();
  const other = await connect();
  other.publish("still.here", "again");
  assert.equal((await messages.next()).string(), "again");
  await close(client, other);
}

async function large_payload() {
  const [publisher, subscriber] = await connectMany(2);
  assert.ok(publisher.info.max_payload >= MIB);
  const large = reader(subscriber, "large");
  await subscriber.flush();
  for (let round = 0; round < 8; round++) {
    const payload = Uint8Array.from({ length: MIB }, (_, at) => at * 7 + round);
    publisher.publish("large", payload);
    const { data } = await large.next();
    assert.equal(data.length, MIB);
    assert.ok(data.every((byte, at) => byte === payload[at]), `round ${round} differs`);
  }
  await close(publisher, subscriber);
}

async function many_subscriptions() {
  const total = 10_000;
  const [publisher, subscriber] = await connectMany(2);
  const many = Array.from({ length: total }, (_, number) => reader(subscriber, `many.${number}`));
  await subscriber.flush();
  for (let number = 0; number < total; number++) publisher.publish(`many.${number}`, `${number}`);
  for (let number = 0; number < total; number++) {
    assert.equal((await many[number].next()).string(), `${number}`);
  }
  await close(publisher, subscriber);
}

async function slow_consumer() {
  const [publisher, subscriber] = await connectMany(2);
  const flood = reader(subscriber, "flood");
  await subscriber.flush();
  await askDriver("stall flood");
  const payload = new Uint8Array(MIB).fill(102);
  for (let count = 0; count < 100; count++) {
    publisher.publish("flood", payload);
    assert.equal((await flood.next()).data.length, MIB);
  }
  await askDriver("await-cutoff");
  await publisher.flush();
  await subscriber.flush();
  await close(publisher, subscriber);
}

const SCENARIOS = [
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
];

/** Runs all of them, one after the other. */
async function run(how) {
  runner = how;
  for (const scenario of SCENARIOS) {
    try {
      await within(SCENARIO_MS, scenario.name, scenario());
      await runner.say(`ok ${scenario.name}`);
    } catch (error) {
      await runner.say(`FAIL ${scenario.name} ${String(error).replaceAll("\n", " ")}`);
    }
  }
}

module.exports = { run };
