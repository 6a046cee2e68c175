// The console as its reader: what takes credentials, what changes something, and whether everybody can read and reach it.

"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { findings } = require("./accessible.cjs");
const { EVIL, PAGES, assertFits, assertHarmless, enter, fill, go, move, open, populate, press, serve, share, show, until } = require("./console_setup.cjs");

const SCENARIOS = {
  async messages_are_read_as_the_stream_keeps_them(browser) {
    const maker = await populate();
    for (let n = 0; n < 200; n++) maker.publish("orders.many", `number ${n}`);
    const page = await open(browser);
    await show(page, "messages");
    await enter(page);
    await page.getByRole("link", { name: "ORDERS" }).click();
    await page.getByText("number 199").waitFor();
    assert.equal(await page.locator("tbody tr").count(), 50);
    const first = Number(((await page.locator("tbody button").first().textContent()) ?? "").replaceAll(",", ""));
    await page.getByRole("button", { name: "Older" }).click();
    await page.getByRole("button", { name: (first - 1).toLocaleString("en"), exact: true }).waitFor();
    await page.getByLabel("Subject", { exact: true }).fill("orders.3");
    await page.getByRole("button", { name: "Newest" }).click();
    await until("those of one subject are shown", async () => (await page.locator("tbody td code").allTextContents()).filter((text) => text.startsWith("orders.")).every((text) => text === "orders.3"));
    await page.locator("tbody button").last().click();
    await page.locator(".one pre", { hasText: EVIL }).waitFor();
    await assertHarmless(page);
    for (const form of ["Hex", "Base64", "Text"]) await page.locator(".one").getByRole("button", { name: form, exact: true }).click();
    await page.getByLabel("From sequence").fill("1");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await until("it begins anew", async () => (await page.locator("tbody button").first().textContent()) !== "");
    const gone = await page.locator("tbody button").first().textContent();
    await page.locator("tbody button").first().click();
    await press(page, "Delete");
    await page.getByRole("button", { name: gone, exact: true }).waitFor({ state: "detached" });
    maker.link.destroy();
    await page.context().close();
  },

  async buckets_are_looked_into_and_changed(browser) {
    const maker = await populate();
    await fill(maker);
    const page = await open(browser);
    await show(page, "kv");
    await enter(page);
    await page.getByRole("link", { name: "prices" }).click();
    await page.getByText("coffee.<b>").click();
    await page.locator(".one pre", { hasText: EVIL }).waitFor();
    await assertHarmless(page);
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("New value").fill("3.10");
    maker.publish("$KV.prices.coffee.<b>", "3.00");
    await page.locator("td code", { hasText: "3.00" }).waitFor();
    await page.getByRole("button", { name: "Keep this value" }).click();
    await page.getByText("somebody else changed it").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("New value").fill("3.20");
    await page.getByRole("button", { name: "Keep this value" }).click();
    await page.locator(".one pre", { hasText: "3.20" }).waitFor();
    await press(page, "Delete");
    await page.getByText("deleted", { exact: true }).waitFor();
    await press(page, "Purge");
    await until("its history is gone", async () => (await page.locator("tbody tr").count()) === 1);
    await move(page, "objects");
    await page.getByRole("link", { name: "files" }).click();
    await page.getByText(EVIL).first().waitFor();
    await assertHarmless(page);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
    assert.equal(fs.readFileSync(await download.path(), "utf8"), "one two");
    const sent = "x".repeat(300_000);
    await page.getByLabel("A file to upload").setInputFiles({ name: "sent.txt", mimeType: "text/plain", buffer: Buffer.from(sent) });
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    const row = page.locator("tr", { hasText: "sent.txt" });
    const [back] = await Promise.all([page.waitForEvent("download"), row.getByRole("button", { name: "Download" }).click()]);
    assert.equal(fs.readFileSync(await back.path(), "utf8"), sent);
    await press(page, "Delete", row);
    await row.waitFor({ state: "detached" });
    maker.link.destroy();
    await page.context().close();
  },

  async services_and_groups_are_looked_at(browser) {
    const maker = await populate();
    serve(maker);
    await share(maker);
    const page = await open(browser);
    await show(page, "services");
    await enter(page);
    await page.getByRole("link", { name: "prices" }).click();
    await page.getByLabel("Request").fill("coffee");
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await page.locator(".one pre", { hasText: EVIL }).waitFor();
    await page.getByRole("cell", { name: "2 ms" }).first().waitFor();
    await page.getByRole("button", { name: "all", exact: true }).click();
    await page.getByText("Put something in the place of").waitFor();
    await assertHarmless(page);
    await move(page, "groups");
    await page.getByRole("link", { name: "billing" }).click();
    await page.getByRole("cell", { name: "anna" }).waitFor();
    await until("both have lanes", async () => (await page.locator("tbody tr td:nth-child(2)").allTextContents()).join() === "8,8");
    maker.link.destroy();
    await page.context().close();
  },

  async streams_and_consumers_are_changed_by_who_may(browser) {
    const maker = await populate();
    const page = await open(browser);
    await show(page, "streams/%24G/ORDERS");
    await page.getByRole("button", { name: "Purge, pause, move" }).click();
    await enter(page);
    await page.getByLabel("Of this subject alone").fill("orders.2");
    await page.getByRole("button", { name: "Count what would go" }).click();
    await page.getByText(/\d+ of \d+ messages would go/).waitFor();
    await press(page, "Purge");
    await page.getByText(/messages are gone/).waitFor();
    await page.getByRole("button", { name: "Before a sequence" }).click();
    await page.getByLabel("Sequence", { exact: true }).first().fill("4");
    await page.getByRole("button", { name: "Count what would go" }).click();
    await page.getByText(/^[0-3] of \d+ messages would go/).waitFor();
    await page.getByRole("combobox", { name: "Consumer", exact: true }).selectOption("shop");
    await page.getByRole("button", { name: "Pause for" }).click();
    await page.getByText("paused", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByText("paused", { exact: true }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "First", exact: true }).click();
    await press(page, "Move it there");
    await page.getByText(/it delivers from/).waitFor();
    await page.getByRole("button", { name: "Disconnect" }).click();
    await enter(page, "some");
    await page.getByRole("button", { name: "Count what would go" }).click();
    await page.getByText(/permissions violation/i).waitFor();
    maker.link.destroy();
    await page.context().close();
  },

  async every_server_is_asked_by_who_may(browser) {
    const page = await open(browser);
    await show(page, "cluster?all=1");
    await enter(page);
    await page.getByText("you are in $G").waitFor();
    await page.getByRole("button", { name: "Disconnect" }).click();
    await enter(page, "sys");
    await page.getByRole("cell", { name: "there", exact: true }).waitFor();
    await page.context().close();
  },

  async a_console_that_only_reads_offers_nothing_else(browser) {
    const maker = await populate();
    for (const [change, check] of [
      ['"read_only":true,"messages":true', async (page) => {
        await show(page, "streams/%24G/ORDERS");
        await page.getByRole("link", { name: "Messages" }).first().waitFor();
        assert.equal(await page.getByRole("button", { name: "Purge, pause, move" }).count(), 0);
        await show(page, "messages/ORDERS");
        await enter(page);
        await page.locator("tbody button").first().click();
        assert.ok(await page.getByRole("button", { name: "Delete" }).isDisabled());
      }],
      ['"read_only":false,"messages":false', async (page) => {
        for (const name of ["messages/ORDERS", "kv", "objects", "playground"]) {
          await go(page, name);
          await page.getByText("Messages are not shown here").waitFor();
        }
        assert.equal(await page.getByRole("navigation").getByRole("link", { name: "Playground" }).count(), 0);
      }],
    ]) {
      const page = await open(browser);
      await page.addInitScript(`(${(change) => {
        const add = EventSource.prototype.addEventListener;
        EventSource.prototype.addEventListener = function (name, heard) {
          return add.call(this, name, (event) => heard(name === "hello" ? { data: event.data.replace('"read_only":false,"messages":true', change) } : event));
        };
      }})(${JSON.stringify(change)})`);
      await check(page);
      await page.context().close();
    }
    maker.link.destroy();
  },

  async everybody_can_read_and_reach_it(browser) {
    const maker = await populate();
    await fill(maker);
    serve(maker);
    await share(maker);
    const deeper = ["streams/%24G/ORDERS?manage=1", "messages/ORDERS", "kv/prices", "kv/prices/tea.green", "objects/files", "services/prices", "groups/%24G/ORDERS/billing", "cluster?all=1", "accounts/%24G"];
    for (const [colorScheme, width] of [["light", 1280], ["dark", 360]]) {
      const page = await open(browser, { colorScheme, viewport: { width, height: 860 } });
      await show(page, "playground");
      await enter(page);
      for (const name of [...Object.keys(PAGES), ...deeper]) {
        await move(page, name);
        await page.locator("main [aria-busy]").first().waitFor({ state: "detached" });
        assert.deepEqual(await page.evaluate(findings), [], `${name}, ${colorScheme}`);
        await assertFits(page, name);
        await assertHarmless(page);
      }
      await move(page, "messages/ORDERS");
      await page.locator("tbody button").first().click();
      await page.getByRole("button", { name: "Delete" }).click();
      assert.deepEqual(await page.evaluate(findings), [], "what asks first");
      await page.keyboard.press("Escape");
      await page.context().close();
    }
    maker.link.destroy();
  },
};

module.exports = { SCENARIOS };
