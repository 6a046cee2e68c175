// What the driver answers, line by line.

"use strict";

const readline = require("node:readline");

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

module.exports = { answers: { next: async () => (await lines.next()).value } };
