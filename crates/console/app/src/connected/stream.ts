// Messages of a stream as it keeps them, read without a consumer: so streams that are empty, or whose messages are taken out by
// who acknowledges them, can be read as well.
import type { Msg } from "@nats-io/nats-core";
import type { Message } from "../message_view";
import { gather, js, pairs } from "./connection";

export interface StreamInfo {
    config: { name: string; subjects?: string[]; allow_direct?: boolean; deny_delete?: boolean; max_msgs_per_subject?: number; max_age?: number; storage?: string; metadata?: Record<string, string>; description?: string };
    state: { messages: number; bytes: number; first_seq: number; last_seq: number; num_subjects?: number; subjects?: Record<string, number> };
    total?: number;
    limit?: number;
}

export interface Stored extends Message {
    seq: number;
    time: string;
}

// Messages that are shown at once, and bytes of them that are asked for.
export const PAGE = 50;
const PAGE_BYTES_MAX = 4 << 20;

// From where on: a sequence, or a time.
export type Place = { seq: number } | { start_time: string };

// What the server says beside what the message says.
const OWN = new Set(["Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp", "Nats-Last-Sequence", "Nats-Num-Pending", "Nats-UpTo-Sequence"]);

export const streamInfo = (name: string, body?: object) => js<StreamInfo>(`STREAM.INFO.${name}`, body);

// The streams behind buckets of a kind.
export const bucketsOf = async (kind: string): Promise<StreamInfo[]> => {
    const { streams } = await js<{ streams: StreamInfo[] | null }>("STREAM.LIST", { subject: kind === "KV" ? "$KV.*.>" : "$O.*.M.>" });
    return (streams ?? []).filter((one) => one.config.name.startsWith(`${kind}_`));
};

function stored(message: Msg): Stored {
    const of = (name: string) => message.headers?.get(name) ?? "";
    const headers = pairs(message.headers).filter(([name]) => !OWN.has(name));
    return { subject: of("Nats-Subject"), seq: Number(of("Nats-Sequence")), time: of("Nats-Time-Stamp"), headers, payload: message.data, bytes: message.data.length };
}

const isNone = (message: Msg) => message.headers?.code === 404;

async function direct(stream: string, body: { batch: number; [field: string]: unknown }): Promise<Msg[]> {
    const told = await gather(`$JS.API.DIRECT.GET.${stream}`, { max_bytes: PAGE_BYTES_MAX, ...body }, { isLast: (message) => (message.headers?.code ?? 0) > 0, most: body.batch + 1 });
    const last = told.at(-1);
    if (last?.headers && last.headers.code >= 400 && !isNone(last)) throw new Error(last.headers.description);
    return told.filter((message) => !message.headers?.code);
}

const decoded = (text: string | undefined) => Uint8Array.from(atob(text ?? ""), (letter) => letter.charCodeAt(0));

function headersOf(block: Uint8Array): [string, string][] {
    const lines = new TextDecoder().decode(block).split("\r\n").slice(1);
    return lines.filter((line) => line.includes(":")).map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
}

// One message in the way that works for each stream; nothing if there is none.
export async function get(stream: string, body: object): Promise<Stored | undefined> {
    try {
        const { message } = await js<{ message: { subject: string; seq: number; time: string; hdrs?: string; data?: string } }>(`STREAM.MSG.GET.${stream}`, body);
        const payload = decoded(message.data);
        return { subject: message.subject, seq: message.seq, time: message.time, headers: headersOf(decoded(message.hdrs)), payload, bytes: payload.length };
    } catch (error) {
        if (error instanceof Error && error.message === "no message found") return undefined;
        throw error;
    }
}

// As many messages as there is room for, from that place on.
export async function read(info: StreamInfo, filter: string, from: Place, most = PAGE): Promise<Stored[]> {
    const { name } = info.config;
    const next_by_subj = filter || ">";
    if (info.config.allow_direct) return (await direct(name, { ...from, batch: most, next_by_subj })).map(stored);
    const found: Stored[] = [];
    let next: Place = from;
    while (found.length < most) {
        const one = await get(name, { ...next, next_by_subj });
        if (!one) break;
        found.push(one);
        next = { seq: one.seq + 1 };
    }
    return found;
}

// How many messages there are from that sequence on. Where the server does not say it of a message, it says it of a consumer that
// would begin there, which is made for that and goes.
export async function countFrom(info: StreamInfo, filter: string, seq: number): Promise<number> {
    const { name, allow_direct } = info.config;
    if (seq > info.state.last_seq) return 0;
    if (allow_direct) {
        const [first] = await direct(name, { seq, batch: 1, next_by_subj: filter || ">" });
        return first ? Number(first.headers!.get("Nats-Num-Pending")) + 1 : 0;
    }
    const config = { ack_policy: "none", mem_storage: true, inactive_threshold: 1e9, deliver_policy: "by_start_sequence", opt_start_seq: Math.max(1, seq), ...(filter && { filter_subject: filter }) };
    const made = await js<{ name: string; num_pending: number }>(`CONSUMER.CREATE.${name}`, { stream_name: name, config });
    await js(`CONSUMER.DELETE.${name}.${made.name}`);
    return made.num_pending;
}

// Where so many messages begin that the last of them stands before `end`. Where the server does not count for this reader, or
// for no one, as of a stream whose consumers may not overlap, one sequence is taken for one message.
export async function startBefore(info: StreamInfo, filter: string, end: number): Promise<number> {
    const first = Math.max(1, info.state.first_seq);
    const near = Math.max(first, end - PAGE);
    if (near === first) return near;
    try {
        return await counted(info, filter, first, end);
    } catch {
        const last = filter && end > info.state.last_seq ? await get(info.config.name, { last_by_subj: filter }) : undefined;
        return last ? Math.max(first, last.seq + 1 - PAGE) : near;
    }
}

async function counted(info: StreamInfo, filter: string, first: number, end: number): Promise<number> {
    const beyond = await countFrom(info, filter, end);
    const between = async (seq: number) => (await countFrom(info, filter, seq)) - beyond;
    let [from, high] = [Math.max(first, end - PAGE), end];
    let found = await between(from);
    for (let width = PAGE * 4; found < PAGE && from > first; width *= 4) {
        high = from;
        from = Math.max(first, end - width);
        found = await between(from);
    }
    while (found > PAGE && high - from > 1) {
        const middle = Math.floor((from + high) / 2);
        const there = await between(middle);
        if (there >= PAGE) [from, found] = [middle, there];
        else high = middle;
    }
    return from;
}
