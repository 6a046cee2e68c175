// What the console is looked at with: a page, clients of the server, and what they fill it with, much of it with names that are
// markup.

"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const net = require("node:net");

const [executable, home, socket, url] = process.argv.slice(2);

const MARK = "window.pwned=1";
const EVIL = `<img src=x onerror="${MARK}">`;
const PAGES = {
  overview: "Overview",
  trouble: "Trouble",
  connections: "Connections",
  subjects: "Subjects",
  accounts: "Accounts",
  services: "Services",
  streams: "Streams",
  consumers: "Consumers",
  groups: "Groups",
  messages: "Messages",
  kv: "Keys and values",
  objects: "Objects",
  shards: "Shards",
  cluster: "Cluster",
  config: "Config",
  playground: "Playground",
};
const MANY = 5000;

/** What went wrong in the page, and requests that left the server. */
const complaints = [];

async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => (complaints.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("console", (message) => /Content Security Policy|Refused to/.test(message.text()) && complaints.push(message.text()));
  context.on("request", (request) => request.url().startsWith(home) || request.url().startsWith(new URL("../", home).href) || complaints.push(`left: ${request.url()}`));
  return page;
}

async function go(page, hash) {
  await page.goto(`${home}#/${hash}`);
}

/** Shows a page and waits until it has what it shows. */
async function show(page, name) {
  await go(page, name);
  await page.locator("h1").first().waitFor();
  await page.locator("[aria-busy]").first().waitFor({ state: "detached" });
}

/** A client that says lines, and answers PING. */
function client(options = {}) {
  const { hostname, port } = new URL(url.replace("nats:", "http:"));
  const link = net.connect(Number(port), hostname);
  link.on("error", () => {});
  link.on("data", (data) => data.includes("PING\r\n") && link.write("PONG\r\n"));
  link.write(`CONNECT ${JSON.stringify({ verbose: false, headers: true, user: "all", pass: "x", ...options })}\r\nPING\r\n`);
  const publish = (subject, body, reply = "") => link.write(`PUB ${subject} ${reply} ${Buffer.byteLength(body)}\r\n${body}\r\n`);
  return { link, publish, say: (line) => link.write(`${line}\r\n`) };
}

async function until(what, check) {
  for (let waited = 0; waited < 15_000; waited += 100) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`it never came that ${what}`);
}

/** Connects as that user, on a page that wants it. */
async function enter(page, user = "all") {
  await page.getByLabel("Credentials").selectOption("user");
  await page.getByLabel("User").fill(user);
  await page.getByLabel("Password").fill("x");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByText("Connected to").waitFor();
}

/** Moves to another page without loading anew: who is connected stays so. */
async function move(page, name) {
  await page.evaluate((name) => (location.hash = `#/${name}`), name);
  await page.locator("h1").first().waitFor();
}

/** Presses what asks first, and says yes. */
async function press(page, name, within = page) {
  await within.getByRole("button", { name, exact: true }).first().click();
  await page.locator("dialog[open]").getByRole("button", { name, exact: true }).click();
}

/** A service of two endpoints, as client libraries have them. */
function serve(maker) {
  const about = { name: "prices", id: "ONE", version: "1.0.0", description: EVIL, metadata: { note: EVIL } };
  const endpoints = [
    { name: "get", subject: "prices.get", queue_group: "q", metadata: { schema: EVIL } },
    { name: "all", subject: "prices.all.*", queue_group: "q", metadata: null },
  ];
  const stats = endpoints.map((one) => ({ ...one, num_requests: 4, num_errors: 1, last_error: EVIL, processing_time: 8_000_000, average_processing_time: 2_000_000 }));
  const answers = {
    "$SRV.INFO": { ...about, type: "io.nats.micro.v1.info_response", endpoints },
    "$SRV.STATS": { ...about, type: "io.nats.micro.v1.stats_response", started: "2026-01-02T03:04:05Z", endpoints: stats },
  };
  for (const verb of ["INFO", "STATS"]) for (const tail of ["", ".prices", ".prices.ONE"]) maker.say(`SUB $SRV.${verb}${tail} 7${verb.length}${tail.length}`);
  maker.say("SUB prices.get q 8");
  maker.link.on("data", (data) => {
    for (const [, subject, reply] of data.toString("latin1").matchAll(/MSG (\S+) \d+ (\S+) \d+\r\n/g)) {
      const verb = Object.keys(answers).find((verb) => subject.startsWith(verb));
      if (verb) maker.publish(reply, JSON.stringify(answers[verb]));
      if (subject === "prices.get") maker.publish(reply, EVIL);
    }
  });
}

/** Asks JetStream, and waits until it has answered. */
async function ask(maker, subject, body) {
  const inbox = `answers.${crypto.randomUUID()}`;
  let heard = "";
  const hear = (data) => (heard += data.toString("latin1"));
  maker.link.on("data", hear);
  maker.say(`SUB ${inbox} ${inbox}`);
  maker.publish(`$JS.API.${subject}`, JSON.stringify(body), inbox);
  await until(`${subject} is answered`, () => heard.includes(`MSG ${inbox} `));
  maker.link.off("data", hear);
}

/** Buckets with values and an object, as client libraries keep them. */
async function fill(maker) {
  const kv = { name: "KV_prices", subjects: ["$KV.prices.>"], max_msgs_per_subject: 5, allow_rollup_hdrs: true, allow_direct: true, deny_delete: true, description: EVIL };
  await ask(maker, "STREAM.CREATE.KV_prices", kv);
  for (const value of ["2.50", EVIL]) maker.publish("$KV.prices.coffee.<b>", value);
  for (const key of ["tea.green", "tea.black", "water"]) maker.publish(`$KV.prices.${key}`, JSON.stringify({ price: 2.5, currency: "EUR" }));
  const obj = { name: "OBJ_files", subjects: ["$O.files.C.>", "$O.files.M.>"], allow_rollup_hdrs: true, allow_direct: true, discard: "new", description: "What the shop shows" };
  await ask(maker, "STREAM.CREATE.OBJ_files", obj);
  const parts = ["one ", "two"];
  for (const part of parts) maker.publish("$O.files.C.N1", part);
  const digest = `SHA-256=${crypto.createHash("sha256").update(parts.join("")).digest("base64").replaceAll("+", "-").replaceAll("/", "_")}`;
  const info = { name: EVIL, bucket: "files", nuid: "N1", size: 7, chunks: 2, digest, description: EVIL };
  maker.publish(`$O.files.M.${Buffer.from(EVIL).toString("base64url")}`, JSON.stringify(info));
}

/** Two members of a group. */
async function share(maker) {
  for (const name of ["anna", "bert"]) {
    const config = { name, ack_policy: "explicit", ack_wait: 30e9, inactive_threshold: 600e9, metadata: { "buster.group": "billing", "buster.key": "2", "buster.lanes": "16" } };
    await ask(maker, `CONSUMER.CREATE.ORDERS.${name}`, { stream_name: "ORDERS", config });
    maker.publish(`$JS.API.CONSUMER.MSG.NEXT.ORDERS.${name}`, JSON.stringify({ batch: 3, expires: 600e9 }), "r");
  }
}

/** Nothing of what clients said has become anything but text. */
async function assertHarmless(page) {
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.locator("main img, main script, main code b").count(), 0);
}

async function assertFits(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(over <= 0, `${name} is ${over} pixels too wide`);
}

/** Clients, subscriptions, streams and consumers, some with names that are markup. */
async function populate() {
  const maker = client({ name: EVIL, lang: "go", version: "1.2.3" });
  await ask(maker, "STREAM.CREATE.ORDERS", { name: "ORDERS", subjects: ["orders.>"], description: EVIL });
  const config = { durable_name: "shop", ack_policy: "explicit", description: EVIL };
  await ask(maker, "CONSUMER.CREATE.ORDERS.shop", { stream_name: "ORDERS", config });
  maker.say(`SUB svc.<b>${EVIL.replaceAll(" ", "")}</b>.* workers 1`);
  maker.say("SUB echo 2");
  maker.link.on("data", (data) => {
    const asked = /MSG echo 2 (\S+) \d+\r\n/.exec(data.toString("latin1"));
    if (asked) maker.publish(asked[1], EVIL);
  });
  for (let n = 0; n < 50; n++) maker.publish(`orders.${n % 5}`, EVIL);
  return maker;
}

module.exports = { EVIL, MANY, PAGES, ask, assertFits, assertHarmless, client, complaints, enter, executable, fill, go, home, move, open, populate, press, serve, share, show, socket, until };
