// What was published, asked and heard over the reader's connection.
import { headers, type Msg, type MsgHdrs, type Subscription } from "@nats-io/nats-core";
import { effect, signal } from "@preact/signals";
import { complaint, connection, inWords, pairs, state } from "../connected/connection";

export type Way = "sent" | "received" | "asked" | "answered" | "failed";

export interface Seen {
    number: number;
    at: number;
    way: Way;
    subject: string;
    reply: string;
    headers: [string, string][];
    // What of the payload is kept, and how long it was.
    payload: Uint8Array;
    bytes: number;
    // What the server or the client said instead of a message.
    failure?: string;
    took?: number;
}

export interface Listening {
    id: number;
    subject: string;
    queue: string;
    count: number;
    failure?: string;
    subscription: Subscription;
}

// Messages kept for the list, bytes of each, and subscriptions at a time. The oldest messages go.
const MESSAGES_MAX = 500;
const PAYLOAD_BYTES_MAX = 64 * 1024;
export const SUBSCRIPTIONS_MAX = 32;

// How often the list is told of new messages: a flooded subject must not keep the browser busy.
const SHOW_EVERY_MS = 200;
const REQUEST_MS = 5000;

export const seen = signal<Seen[]>([]);
export const listening = signal<Listening[]>([]);
export const isPaused = signal(false);

let kept: Seen[] = [];
let numbers = 0;
let timer = 0;

function show() {
    timer ||= setTimeout(() => {
        timer = 0;
        if (!isPaused.value) seen.value = kept.slice();
        listening.value = listening.value.slice();
    }, SHOW_EVERY_MS);
}

function note(way: Way, what: Partial<Seen> & { subject: string }) {
    const payload = what.payload ?? new Uint8Array();
    const bytes = payload.length;
    kept.push({ reply: "", headers: [], at: Date.now(), ...what, number: ++numbers, way, bytes, payload: payload.slice(0, PAYLOAD_BYTES_MAX) });
    if (kept.length > MESSAGES_MAX) kept = kept.slice(-MESSAGES_MAX);
    show();
}

export function clear() {
    kept = [];
    seen.value = [];
}

export function setPaused(paused: boolean) {
    isPaused.value = paused;
    if (!paused) show();
}

const told = (message: Msg): Partial<Seen> & { subject: string } => ({
    subject: message.subject,
    reply: message.reply ?? "",
    headers: pairs(message.headers),
    payload: message.data,
});

// What the server complains of is shown among the messages; subscriptions go with the connection.
effect(() => {
    const { count, words } = complaint.value;
    if (count > 0) note("failed", { subject: "", failure: words });
});
effect(() => {
    if (state.value === "off") listening.value = [];
});

export type Deed = "publish" | "request" | "subscribe";

// A subject of an account that a message comes to, and who is there.
export interface Place {
    account: string;
    subject: string;
    is_claimed?: boolean;
    subscriptions: number;
    services: number;
    queue_groups: { queue: string; members: number }[];
}

export interface Explanation {
    is_allowed: boolean;
    steps: { check: string; verdict: string; because: string }[];
    reaches?: Place[];
}

// What the server would do for this connection; in words if it does not say.
export async function explain(deed: Deed, what: string): Promise<Explanation | string> {
    try {
        const answer = await connection().request(`$BUSTER.EXPLAIN.${deed === "subscribe" ? "SUBSCRIBE" : "PUBLISH"}`, what, { timeout: REQUEST_MS });
        return answer.json<Explanation>();
    } catch (error) {
        return inWords(error);
    }
}

function headersOf(rows: [string, string][]): MsgHdrs | undefined {
    const named = rows.filter(([name]) => name.trim());
    if (named.length === 0) return undefined;
    const all = headers();
    for (const [name, value] of named) all.append(name.trim(), value);
    return all;
}

export interface Draft {
    subject: string;
    reply: string;
    headers: [string, string][];
    text: string;
}

export async function publish(draft: Draft) {
    const payload = new TextEncoder().encode(draft.text);
    try {
        connection().publish(draft.subject, payload, { reply: draft.reply || undefined, headers: headersOf(draft.headers) });
        await connection().flush();
        note("sent", { subject: draft.subject, reply: draft.reply, headers: draft.headers.filter(([name]) => name.trim()), payload });
    } catch (error) {
        note("failed", { subject: draft.subject, failure: inWords(error) });
    }
}

export async function request(draft: Draft) {
    const payload = new TextEncoder().encode(draft.text);
    const began = performance.now();
    note("asked", { subject: draft.subject, headers: draft.headers.filter(([name]) => name.trim()), payload });
    try {
        const answer = await connection().request(draft.subject, payload, { timeout: REQUEST_MS, headers: headersOf(draft.headers) });
        note("answered", { ...told(answer), took: performance.now() - began });
    } catch (error) {
        note("failed", { subject: draft.subject, failure: inWords(error), took: performance.now() - began });
    }
}

export function subscribe(subject: string, queue: string) {
    if (listening.value.length >= SUBSCRIPTIONS_MAX) return;
    const mine: Listening = { id: ++numbers, subject, queue, count: 0, subscription: undefined! };
    try {
        mine.subscription = connection().subscribe(subject, {
            queue: queue || undefined,
            callback: (error, message) => {
                if (error) {
                    mine.failure = inWords(error);
                    note("failed", { subject, failure: mine.failure });
                    return;
                }
                mine.count++;
                note("received", told(message));
            },
        });
        listening.value = [...listening.value, mine];
    } catch (error) {
        note("failed", { subject, failure: inWords(error) });
    }
}

export function unsubscribe(one: Listening) {
    one.subscription.unsubscribe();
    listening.value = listening.value.filter((other) => other !== one);
}
