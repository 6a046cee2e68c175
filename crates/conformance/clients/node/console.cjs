// The console in a browser, with a server behind it.
//
// Usage: console.cjs CHROMIUM PAGE SOCKET URL: where the page is, where WebSockets come in, where clients connect. Speaks with
// the driver as node.cjs does. With CONSOLE_SHOTS in the environment it puts pictures of each page, under load, into that
// folder.

"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");
const { SCENARIOS: own } = require("./console_own.cjs");
const { EVIL, MANY, PAGES, assertFits, assertHarmless, client, complaints, enter, executable, fill, move, open, populate, serve, share, show, socket, until } = require("./console_setup.cjs");
const { answers } = require("./driver.cjs");

const shots = process.env.CONSOLE_SHOTS;

const SCENARIOS = {
  async pages_without_rows(browser) {
    const page = await open(browser);
    for (const [name, title] of Object.entries(PAGES)) {
      await show(page, name);
      assert.equal(await page.locator("h1").first().textContent(), title);
      await assertFits(page, name);
    }
    await show(page, "connections");
    await page.getByText("Nobody is connected").waitFor();
    await show(page, "streams");
    await page.getByText("There are no streams yet").waitFor();
    await page.context().close();
  },

  async history_is_there_when_it_is_opened(browser) {
    const page = await open(browser);
    const told = page.waitForResponse((answer) => answer.url().endsWith("/events"));
    await show(page, "overview");
    assert.equal((await told).headers()["content-type"], "text/event-stream");
    await page.getByText("live", { exact: true }).waitFor();
    await page.locator(".uplot canvas").first().waitFor();
    await page.context().close();
  },

  async rows_are_shown_as_text(browser) {
    const maker = await populate();
    const page = await open(browser);
    for (const name of Object.keys(PAGES)) {
      await show(page, name);
      await assertHarmless(page);
    }
    await show(page, "connections");
    await page.getByRole("cell", { name: EVIL }).waitFor();
    await page.locator("td button.plain").first().click();
    await page.getByRole("cell", { name: "echo" }).waitFor();
    await assertHarmless(page);
    await show(page, "subjects");
    await page.getByText("svc.<b><img").waitFor();
    await show(page, "streams");
    await page.getByRole("link", { name: "ORDERS" }).click();
    await page.getByText(EVIL).first().waitFor();
    await page.getByRole("button", { name: "shop" }).click();
    await page.getByText("no pull request waits").waitFor();
    await assertHarmless(page);
    await show(page, "trouble");
    await page.getByText("nobody asks for messages").waitFor();
    maker.link.destroy();
    await show(page, "connections?state=closed");
    await page.getByText("Client Closed").first().waitFor();
    await page.context().close();
  },

  async many_rows_come_in_pages(browser) {
    const many = client({ name: "many" });
    for (let n = 0; n < MANY; n++) many.say(`SUB many.${n} ${n}`);
    const page = await open(browser);
    const rows = (make) => Array.from({ length: MANY }, (_, n) => make(n));
    const fulfil = (pattern, change) =>
      page.route(pattern, async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, json: change(await answer.json()) });
      });
    await fulfil(/\/accstatz/, (json) => ({ ...json, account_statz: rows((n) => ({ ...json.account_statz[0], acc: `A${n}` })) }));
    await fulfil(/\/jsz\?/, (json) => {
      const [stream] = json.account_details.flatMap((account) => account.stream_detail ?? []);
      const named = (n) => ({ ...stream, name: `S${n}`, consumer_detail: stream.consumer_detail?.map((one) => ({ ...one, stream_name: `S${n}`, name: `C${n}` })) });
      return { ...json, streams: MANY, account_details: [{ ...json.account_details[0], stream_detail: rows(named) }] };
    });
    await fulfil(/\/connz\?/, (json) => ({ ...json, total: MANY, connections: rows((n) => ({ ...json.connections[0], cid: n + 1 })).slice(0, 100) }));
    for (const name of ["connections", "subjects", "accounts", "streams", "consumers"]) {
      await show(page, name);
      await page.getByText(/of [45],\d{3} /).first().waitFor();
      await page.getByRole("button", { name: "Next" }).click();
      await page.getByText(/^(101|201)–/).waitFor();
      assert.ok((await page.locator("tbody tr").count()) <= 200, name);
    }
    many.link.destroy();
    await page.context().close();
  },

  async the_playground_publishes_asks_and_listens(browser) {
    const maker = await populate();
    const page = await open(browser);
    await show(page, "playground?subscribe=orders.%3E");
    await until("the address is found", async () => (await page.getByLabel("WebSocket address").inputValue()) === socket);
    await page.getByLabel("Credentials").selectOption("user");
    await page.getByLabel("User").fill("all");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByRole("alert").filter({ hasText: /authorization/i }).waitFor();
    await page.getByLabel("Password").fill("x");
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByText("Connected to").waitFor();
    await page.getByRole("button", { name: "Subscribe", exact: true }).click();
    await page.getByLabel("Subject", { exact: true }).fill("orders.new");
    await page.getByLabel("Payload").fill(EVIL);
    await page.getByRole("button", { name: "Explain" }).first().click();
    await page.getByText("Reaches orders.new").waitFor();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "curl" }).first().click();
    await page.getByRole("button", { name: "copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, `curl -X PUT http://127.0.0.1:8080/v1/nats/subjects/orders.new --data-binary '${EVIL}'`);
    await page.getByRole("button", { name: "Add a header" }).click();
    await page.getByLabel("Header name").fill("X-Evil");
    await page.getByLabel("Header value").fill(EVIL);
    await page.locator("button.main", { hasText: "Publish" }).click();
    const received = page.locator(".messages button", { has: page.locator(".way.received") });
    await received.first().click();
    await page.locator(".one pre", { hasText: EVIL }).waitFor();
    await page.locator(".one .facts", { hasText: EVIL }).waitFor();
    await assertHarmless(page);
    await page.getByRole("button", { name: "Request", exact: true }).click();
    await page.getByLabel("Subject", { exact: true }).fill("echo");
    await page.getByRole("button", { name: "Send the request" }).click();
    await page.locator(".way.answered").waitFor();
    await page.getByLabel("Subject", { exact: true }).fill("nobody.there");
    await page.getByRole("button", { name: "Send the request" }).click();
    await page.locator(".messages .bad", { hasText: /no responders/i }).waitFor();
    await assertHarmless(page);
    maker.link.destroy();
    await page.context().close();
  },

  ...own,

  async who_may_not_is_told_so(browser) {
    const page = await open(browser);
    await show(page, "playground");
    await page.getByLabel("Credentials").selectOption("user");
    await page.getByLabel("User").fill("some");
    await page.getByLabel("Password").fill("x");
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByText("Connected to").waitFor();
    await page.getByLabel("Subject", { exact: true }).fill("forbidden");
    await page.getByRole("button", { name: "Explain" }).first().click();
    await page.getByText("not allowed").waitFor();
    await page.locator("button.main", { hasText: "Publish" }).click();
    await page.locator(".messages .bad", { hasText: /permissions violation.*forbidden/i }).first().waitFor();
    await page.context().close();
  },

  async keys_are_enough(browser) {
    const page = await open(browser);
    await show(page, "overview");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the page");
    await page.keyboard.press("g");
    await page.keyboard.press("c");
    await page.getByRole("heading", { name: "Connections" }).waitFor();
    await page.keyboard.press("/");
    assert.ok(await page.evaluate(() => document.activeElement.matches("[data-search]")));
    await page.keyboard.type("g");
    assert.ok(await page.evaluate(() => document.activeElement.value === "g"), "typing is no key");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "hidden" });
    await page.context().close();
  },

  async light_and_dark(browser) {
    const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [light, dark] = [await open(browser, { colorScheme: "light" }), await open(browser, { colorScheme: "dark" })];
    for (const page of [light, dark]) await show(page, "overview");
    assert.notEqual(await ground(light), await ground(dark));
    await light.getByRole("button", { name: "Theme: auto" }).click();
    await light.getByRole("button", { name: "Theme: light" }).click();
    assert.equal(await ground(light), await ground(dark));
    await light.reload();
    await light.getByRole("button", { name: "Theme: dark" }).waitFor();
    for (const page of [light, dark]) await page.context().close();
  },

  async a_phone_has_room_for_it(browser) {
    const maker = await populate();
    const page = await open(browser, { viewport: { width: 360, height: 740 } });
    for (const name of Object.keys(PAGES)) {
      await show(page, name);
      await assertFits(page, name);
    }
    await page.getByRole("button", { name: "Pages" }).click();
    await page.getByRole("link", { name: "Shards" }).click();
    await page.getByRole("heading", { name: "Shards" }).waitFor();
    maker.link.destroy();
    await page.context().close();
  },

  async a_server_that_is_killed_and_comes_back(browser) {
    const page = await open(browser);
    await show(page, "overview");
    await page.evaluate(() => (window.same = true));
    console.log("kill");
    assert.equal(await answers.next(), "done");
    await page.getByText("not heard since").waitFor();
    console.log("restart");
    assert.equal(await answers.next(), "done");
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByText("The server was started again").waitFor();
    assert.ok(await page.evaluate(() => window.same), "it was not loaded again");
    await page.context().close();
  },
};

/** Pictures of each page at two widths, with something going on. */
async function picture(browser) {
  const maker = await populate();
  await fill(maker);
  serve(maker);
  await share(maker);
  const clients = Array.from({ length: 24 }, (_, n) => {
    const one = client({ name: `${["web", "worker", "billing"][n % 3]}-${n}`, lang: ["nats.js", "rust", "python3"][n % 3], version: "3.4.0" });
    one.say(`SUB orders.${n % 5} ${n % 2 ? "workers" : ""} 1`);
    one.say(`SUB metrics.host-${n}.cpu 2`);
    one.say(`SUB _INBOX.${n}.* 3`);
    return one;
  });
  let beat = 0;
  const load = setInterval(() => {
    for (let n = 0; n < 120 + 80 * Math.sin(++beat / 60); n++) {
      maker.publish(`orders.${n % 5}`, JSON.stringify({ order: n, items: [{ sku: "A-17", count: 2 }] }));
      maker.publish(`metrics.host-${n % 24}.cpu`, "0.42");
    }
  }, 40);
  await new Promise((resolve) => setTimeout(resolve, Number(process.env.CONSOLE_SHOTS_AFTER ?? 20) * 1000));
  const hashes = {
    ...Object.fromEntries(Object.keys(PAGES).map((name) => [name, name])),
    account: "accounts/%24G",
    stream: "streams/%24G/ORDERS?manage=1",
    connections: "connections?sort=msgs_to",
    playground: "playground?subscribe=orders.%3E",
    "messages-stream": "messages/ORDERS",
    "kv-bucket": "kv/prices",
    "kv-key": "kv/prices/coffee.%3Cb%3E",
    "objects-bucket": "objects/files",
    service: "services/prices",
    group: "groups/%24G/ORDERS/billing",
    servers: "cluster?all=1",
  };
  for (const [width, height, colorScheme] of [[1280, 860, "light"], [1280, 860, "dark"], [360, 740, "light"], [360, 740, "dark"]]) {
    const page = await open(browser, { viewport: { width, height }, colorScheme });
    await show(page, "services");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await page.screenshot({ path: path.join(shots, `connect-${width}-${colorScheme}.png`) });
    await enter(page);
    for (const [name, hash] of Object.entries(hashes)) {
      await move(page, hash);
      await page.locator("main [aria-busy]").first().waitFor({ state: "detached" });
      if (name === "playground") {
        await page.getByRole("button", { name: "Subscribe", exact: true }).click();
        await page.locator(".messages button").nth(1).click();
      }
      if (name === "messages-stream") await page.locator("tbody button").nth(1).click();
      if (name === "service") {
        await page.getByRole("button", { name: "Call", exact: true }).click();
        await page.locator(".one").waitFor();
      }
      if (name === "servers") {
        await page.getByRole("button", { name: "Disconnect" }).click();
        await enter(page, "sys");
      }
      await new Promise((resolve) => setTimeout(resolve, 2500));
      await page.screenshot({ path: path.join(shots, `${name}-${width}-${colorScheme}.png`) });
    }
    await page.context().close();
  }
  clearInterval(load);
  for (const one of [maker, ...clients]) one.link.destroy();
}

async function main() {
  const browser = await chromium.launch({ executablePath: executable.includes("/") ? executable : which(executable), args: ["--no-sandbox"] });
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    complaints.length = 0;
    try {
      await scenario(browser);
      assert.deepEqual(complaints, []);
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`FAIL ${name} ${`${error.stack} ${complaints}`.replaceAll("\n", " | ")}`);
    }
  }
  if (shots) {
    fs.mkdirSync(shots, { recursive: true });
    await picture(browser);
  }
  await browser.close();
}

function which(name) {
  const found = process.env.PATH.split(":").map((dir) => path.join(dir, name)).find((file) => fs.existsSync(file));
  if (!found) throw new Error(`${name} is not in the path`);
  return found;
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
