// What was filled in, as a command or as code, to be tried elsewhere. Credentials are not among it.
import type { Deed, Draft } from "./session";

const quoted = (text: string): string => (/^[\w.,:/=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

const named = (draft: Draft) => draft.headers.filter(([name]) => name.trim());

export function natsCommand(deed: Deed, draft: Draft, queue: string): string {
    if (deed === "subscribe") return ["nats sub", quoted(draft.subject), queue && `--queue ${quoted(queue)}`].filter(Boolean).join(" ");
    const words = [deed === "publish" ? "nats pub" : "nats request", quoted(draft.subject), quoted(draft.text) || "''"];
    for (const [name, value] of named(draft)) words.push("-H", quoted(`${name}:${value}`));
    if (deed === "publish" && draft.reply) words.push("--reply", quoted(draft.reply));
    return words.join(" ");
}

// Where the HTTP API is, as its documentation has it: the server does not tell.
const HTTP_API = "http://127.0.0.1:8080";

// Headers that messages have by the same name as requests.
const SAME = /^(nats-.*|content-type|traceparent)$/i;

export function curl(deed: Deed, draft: Draft, queue: string): string {
    const group = queue && `?queue=${encodeURIComponent(queue)}`;
    const address = quoted(`${HTTP_API}/v1/nats/subjects/${encodeURIComponent(draft.subject)}${group}`);
    if (deed === "subscribe") return `curl -N -H 'Accept: text/event-stream' ${address}`;
    const words = ["curl -X", deed === "publish" ? "PUT" : "POST", address, "--data-binary", quoted(draft.text) || "''"];
    for (const [name, value] of named(draft)) words.push("-H", quoted(`${SAME.test(name.trim()) ? "" : "NatsH-"}${name.trim()}: ${value}`));
    return words.join(" ");
}

export function javaScript(deed: Deed, draft: Draft, queue: string, address: string): string {
    const text = (word: string) => JSON.stringify(word);
    const lines = ['import { headers, wsconnect } from "@nats-io/nats-core";', "", `const client = await wsconnect({ servers: ${text(address || "ws://localhost:8080")} });`];
    if (deed === "subscribe") {
        const options = queue ? `{ queue: ${text(queue)} }` : "";
        lines.push(`for await (const message of client.subscribe(${[text(draft.subject), options].filter(Boolean).join(", ")})) {`, "  console.log(message.subject, message.string());", "}");
        return lines.join("\n");
    }
    const all = named(draft);
    if (all.length) lines.push("const all = headers();", ...all.map(([name, value]) => `all.append(${text(name)}, ${text(value)});`));
    const options = [all.length && "headers: all", deed === "publish" && draft.reply && `reply: ${text(draft.reply)}`].filter(Boolean).join(", ");
    const words = [text(draft.subject), text(draft.text), options && `{ ${options} }`].filter(Boolean).join(", ");
    if (deed === "publish") lines.push(`client.publish(${words});`, "await client.drain();");
    else lines.push(`const answer = await client.request(${words});`, "console.log(answer.string());");
    if (!all.length) lines[0] = 'import { wsconnect } from "@nats-io/nats-core";';
    return lines.join("\n");
}
