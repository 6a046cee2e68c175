// As much of node:assert/strict as the scenarios use, for pages.

"use strict";

function ok(value, message = `${value} is not true`) {
  if (!value) throw new Error(message);
}

function equal(actual, expected, message = "they differ") {
  ok(actual === expected, `${message}: ${actual} is not ${expected}`);
}

/** Of values that are their own JSON. */
function deepEqual(actual, expected, message) {
  equal(JSON.stringify(actual), JSON.stringify(expected), message);
}

async function rejects(promise, isExpected) {
  const error = await promise.then(() => undefined, (error) => error);
  ok(error !== undefined && isExpected(error), `it was not rejected as expected: ${error}`);
}

module.exports = { deepEqual, equal, ok, rejects };
