// The scenarios in a page, over WebSockets. browser.cjs serves it, and passes on what it says and asks.

"use strict";

const { wsconnect } = require("@nats-io/nats-core");
const { run } = require("./scenarios.cjs");

const servers = new URLSearchParams(location.search).get("servers");

async function post(path, body) {
  const response = await fetch(path, { method: "POST", body });
  return response.text();
}

const runner = {
  connect: (options) => wsconnect({ servers, ...options }),
  say: (line) => post("/say", line),
  ask: (request) => post("/ask", request),
};

run(runner).then(() => post("/end"), (error) => post("/end", `${error}`));
