// A connection of the reader's own, with the reader's credentials: what it may do, the server decides.
import { headers, nkeyAuthenticator, wsconnect, type ConnectionOptions, type Msg, type MsgHdrs, type NatsConnection, type Subscription } from "@nats-io/nats-core";
import { signal } from "@preact/signals";

export interface Credentials {
    kind: "none" | "user" | "token" | "nkey";
    user: string;
    secret: string;
}

export interface Identity {
    user: string;
    account: string;
    publish: string;
    subscribe: string;
}

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

// What tells who one is. Not everybody may ask: that is no failure of the reader's.
const WHO = "$SYS.REQ.USER.INFO";

export const state = signal<"off" | "connecting" | "on" | "lost">("off");
export const failure = signal("");
export const identity = signal<Identity | undefined>(undefined);
export const address = signal("");
export const seen = signal<Seen[]>([]);
export const listening = signal<Listening[]>([]);
export const isPaused = signal(false);

let connection: NatsConnection | undefined;
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
    headers: message.headers ? pairs(message.headers) : [],
    payload: message.data,
});

const pairs = (all: MsgHdrs): [string, string][] => [...all].flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));

const inWords = (error: unknown) => (error instanceof Error ? error.message : `${error}`);

function options(url: string, credentials: Credentials): ConnectionOptions {
    const common = { servers: url, name: "console", timeout: 5000, maxReconnectAttempts: -1, reconnectTimeWait: 1000, ignoreClusterUpdates: true };
    switch (credentials.kind) {
        case "user":
            return { ...common, user: credentials.user, pass: credentials.secret };
        case "token":
            return { ...common, token: credentials.secret };
        case "nkey":
            return { ...common, authenticator: nkeyAuthenticator(new TextEncoder().encode(credentials.secret.trim())) };
        default:
            return common;
    }
}

export async function connect(url: string, credentials: Credentials) {
    await disconnect();
    state.value = "connecting";
    failure.value = "";
    try {
        connection = await wsconnect(options(url, credentials));
    } catch (error) {
        state.value = "off";
        failure.value = inWords(error);
        return;
    }
    address.value = url;
    state.value = "on";
    follow(connection);
    await askWhoWeAre(connection);
}

async function follow(mine: NatsConnection) {
    for await (const event of mine.status()) {
        if (mine !== connection) return;
        if (event.type === "disconnect") state.value = "lost";
        if (event.type === "reconnect") state.value = "on";
        if (event.type === "error" && !inWords(event.error).includes(WHO)) {
            failure.value = inWords(event.error);
            note("failed", { subject: "", failure: failure.value });
        }
    }
    if (mine === connection) {
        const why = await mine.closed();
        state.value = "off";
        if (why) failure.value = inWords(why);
        forget();
    }
}

// What a list of a permission says, in few words.
function permitted(lists: { allow?: string[]; deny?: string[] } | undefined): string {
    const allow = lists?.allow?.join(", ") || "everything";
    return lists?.deny?.length ? `${allow}, but not ${lists.deny.join(", ")}` : allow;
}

async function askWhoWeAre(mine: NatsConnection) {
    try {
        const answer = await mine.request(WHO, undefined, { timeout: 2000 });
        const { data } = answer.json<{ data: { user: string; account: string; permissions?: Record<string, { allow?: string[]; deny?: string[] }> } }>();
        identity.value = { user: data.user, account: data.account, publish: permitted(data.permissions?.publish), subscribe: permitted(data.permissions?.subscribe) };
    } catch {
        // Then it is not shown.
        identity.value = undefined;
    }
}

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
        const answer = await connection!.request(`$BUSTER.EXPLAIN.${deed === "subscribe" ? "SUBSCRIBE" : "PUBLISH"}`, what, { timeout: REQUEST_MS });
        return answer.json<Explanation>();
    } catch (error) {
        return inWords(error);
    }
}

function forget() {
    connection = undefined;
    identity.value = undefined;
    listening.value = [];
}

export async function disconnect() {
    const mine = connection;
    forget();
    state.value = "off";
    await mine?.close();
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
        connection!.publish(draft.subject, payload, { reply: draft.reply || undefined, headers: headersOf(draft.headers) });
        await connection!.flush();
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
        const answer = await connection!.request(draft.subject, payload, { timeout: REQUEST_MS, headers: headersOf(draft.headers) });
        note("answered", { ...told(answer), took: performance.now() - began });
    } catch (error) {
        note("failed", { subject: draft.subject, failure: inWords(error), took: performance.now() - began });
    }
}

export function subscribe(subject: string, queue: string) {
    if (listening.value.length >= SUBSCRIPTIONS_MAX) return;
    const mine: Listening = { id: ++numbers, subject, queue, count: 0, subscription: undefined! };
    try {
        mine.subscription = connection!.subscribe(subject, {
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
