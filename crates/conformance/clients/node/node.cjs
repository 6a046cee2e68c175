// The scenarios in Node.js, over TCP.
//
// Usage: node.cjs URL. A line without a verdict is a request to the driver, which answers each with one line on
// stdin.

"use strict";

const { connect } = require("@nats-io/transport-node");
const { answers } = require("./driver.cjs");
const { run } = require("./scenarios.cjs");

const servers = process.argv[2];

const runner = {
  connect: (options) => connect({ servers, ...options }),
  say: console.log,
  ask(request) {
    console.log(request);
    return answers.next();
  },
};

run(runner).then(() => process.exit());
