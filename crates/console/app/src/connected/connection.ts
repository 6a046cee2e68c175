// A connection of the reader's own, with the reader's credentials: what it may do, the server decides. All pages that need one
// share it.
import { createInbox, nkeyAuthenticator, wsconnect, type ConnectionOptions, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/nats-core";
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

const REQUEST_MS = 5000;

// What tells who one is. Not everybody may ask: that is no failure of the reader's.
const WHO = "$SYS.REQ.USER.INFO";

export const state = signal<"off" | "connecting" | "on" | "lost">("off");
export const failure = signal("");
export const identity = signal<Identity | undefined>(undefined);
export const address = signal("");
// What the server complained of last, and how often it did.
export const complaint = signal({ count: 0, words: "" });

let link: NatsConnection | undefined;

// The connection, while there is one.
export function connection(): NatsConnection {
    if (!link) throw new Error("not connected");
    return link;
}

export const inWords = (error: unknown) => (error instanceof Error ? error.message : `${error}`);

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
        link = await wsconnect(options(url, credentials));
    } catch (error) {
        state.value = "off";
        failure.value = inWords(error);
        return;
    }
    const mine = link;
    address.value = url;
    state.value = "on";
    follow(mine);
    await askWhoWeAre(mine);
}

async function follow(mine: NatsConnection) {
    for await (const event of mine.status()) {
        if (mine !== link) return;
        if (event.type === "disconnect") state.value = "lost";
        if (event.type === "reconnect") state.value = "on";
        if (event.type === "error" && !inWords(event.error).includes(WHO)) {
            complaint.value = { count: complaint.value.count + 1, words: inWords(event.error) };
        }
    }
    if (mine === link) {
        const why = await mine.closed();
        forget();
        if (why) failure.value = inWords(why);
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

function forget() {
    link = undefined;
    identity.value = undefined;
    state.value = "off";
}

export async function disconnect() {
    const mine = link;
    forget();
    await mine?.close();
}

export const pairs = (all: MsgHdrs | undefined): [string, string][] => [...(all ?? [])].flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));

// One question, one answer, both JSON.
export async function ask<T>(subject: string, body?: unknown): Promise<T> {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const answer = await connection().request(subject, text, { timeout: REQUEST_MS });
    return answer.json<T>();
}

// One that JetStream answers; what it says of an error is the error.
export async function js<T>(subject: string, body?: unknown): Promise<T> {
    const answer = await ask<T & { error?: { description: string } }>(`$JS.API.${subject}`, body).catch((error) => {
        throw /no responders/i.test(inWords(error)) ? new Error("JetStream is not enabled, or not for this account") : error;
    });
    if (answer.error) throw new Error(answer.error.description);
    return answer;
}

// All answers to one question: until one is the last, or none has come for a while.
export function gather(subject: string, body: unknown, until: { isLast?: (message: Msg) => boolean; silence?: number; most: number; ms?: number }): Promise<Msg[]> {
    const { isLast = () => false, silence, most, ms = REQUEST_MS } = until;
    const mine = connection();
    return new Promise((resolve, reject) => {
        const gathered: Msg[] = [];
        let quiet = 0;
        const end = (error?: unknown) => {
            clearTimeout(timer);
            clearTimeout(quiet);
            subscription.unsubscribe();
            if (error) reject(error);
            else resolve(gathered);
        };
        const timer = setTimeout(() => end(silence === undefined ? new Error("the answer took too long") : undefined), ms);
        const inbox = createInbox();
        const subscription = mine.subscribe(inbox, {
            callback: (error, message) => {
                if (error) return end(error);
                if (message.headers?.code === 503) return end(silence === undefined ? new Error("nobody answers") : undefined);
                gathered.push(message);
                if (isLast(message) || gathered.length >= most) return end();
                clearTimeout(quiet);
                if (silence !== undefined) quiet = setTimeout(end, silence);
            },
        });
        mine.publish(subject, body === undefined ? undefined : JSON.stringify(body), { reply: inbox });
    });
}
