// A member of the group `billing`: handles orders until it is stopped. Usage: member.cjs URL NAME
const { connect, nanos } = require("@nats-io/transport-node");
const { AckPolicy, jetstream, jetstreamManager } = require("@nats-io/jetstream");

async function main(url, name) {
  const client = await connect({ servers: url });
  const manager = await jetstreamManager(client);
  await manager.consumers.add("ORDERS", {
    name,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(5_000),
    inactive_threshold: nanos(30_000),
    metadata: { "buster.group": "billing", "buster.key": "2" },
  });
  const consumer = await jetstream(client).consumers.get("ORDERS", name);
  const messages = await consumer.consume({ max_messages: 10 });
  for await (const message of messages) {
    console.log(`${name} ${message.subject} ${message.string()}`);
    message.ack();
  }
}

main(process.argv[2], process.argv[3]);
