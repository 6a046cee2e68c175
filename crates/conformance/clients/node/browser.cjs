// The scenarios in a browser: makes a page of them, serves it on loopback, and has Chromium open it.
//
// Usage: browser.cjs CHROMIUM URL, where WebSockets come in. Speaks with the driver as node.cjs does.

"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const esbuild = require("esbuild");
const { answers } = require("./driver.cjs");

const [chromium, servers] = process.argv.slice(2);

const { outputFiles: [script] } = esbuild.buildSync({
  entryPoints: [path.join(__dirname, "page.cjs")],
  bundle: true,
  write: false,
  alias: { "node:assert/strict": path.join(__dirname, "assert.cjs") },
  nodePaths: [process.env.NODE_PATH],
});

const profile = fs.mkdtempSync(path.join(os.tmpdir(), "page-"));

/** What a page is answered, by path. */
const ANSWERS = {
  "/": () => ["text/html", "<!doctype html><meta charset=utf-8><script src=/page.js></script>"],
  "/page.js": () => ["text/javascript", script.text],
  "/say": (line) => {
    console.log(line);
    return ["text/plain", ""];
  },
  "/ask": async (request) => {
    console.log(request);
    return ["text/plain", await answers.next()];
  },
  "/end": (error) => {
    if (error) console.error(error);
    end(error ? 1 : 0);
    return ["text/plain", ""];
  },
};

async function answer(request, response) {
  const body = [];
  for await (const chunk of request) body.push(chunk);
  const known = ANSWERS[request.url.split("?")[0]];
  if (!known) return response.writeHead(404).end();
  const [type, text] = await known(Buffer.concat(body).toString());
  response.writeHead(200, { "content-type": type }).end(text);
}

let browser;

function end(code) {
  browser.removeAllListeners("exit");
  browser.once("exit", () => {
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    process.exit(code);
  });
  process.kill(-browser.pid, "SIGKILL");
}

const server = http.createServer(answer).listen(0, "127.0.0.1", () => {
  const page = `http://127.0.0.1:${server.address().port}/?servers=${encodeURIComponent(servers)}`;
  const flags = [
    "--headless",
    // Chromium's sandbox refuses root, and containers refuse the sandbox. It sees nothing but this page.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--log-level=3",
    "--remote-debugging-pipe",
    `--user-data-dir=${profile}`,
  ];
  // A group of its own, since what Debian has is a script that starts the browser. That ends when its pipes do, even
  // if somebody kills this program.
  const stdio = ["ignore", "ignore", "inherit", "pipe", "pipe"];
  browser = spawn(chromium, [...flags, page], { stdio, detached: true });
  browser.once("error", (error) => {
    console.error(`${chromium}: ${error}`);
    process.exit(1);
  });
  browser.once("exit", (code, signal) => {
    console.error(`${chromium} ended early: ${code ?? signal}`);
    process.exit(1);
  });
});
