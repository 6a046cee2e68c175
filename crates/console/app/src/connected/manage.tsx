// What may be done with a stream and its consumers.
import { useSignal } from "@preact/signals";
import { count } from "../format";
import type { ConsumerDetail, StreamDetail } from "../monitoring";
import { Choice, Panel } from "../parts";
import { to } from "../router";
import { Connected } from "./connected";
import { identity, js } from "./connection";
import { Deed } from "./deed";
import { countFrom, get, streamInfo } from "./stream";

export interface Managed {
    account: string;
    stream: StreamDetail;
}

export default function Manage(props: Managed) {
    const mine = identity.value?.account;
    const isOther = mine !== undefined && mine !== props.account;
    return (
        <Connected>
            {isOther ? (
                <div class="notice">
                    You are connected to account {mine}; this stream is of {props.account}.
                </div>
            ) : (
                <div class="grid">
                    <Purge stream={props.stream} />
                    <Consumer stream={props.stream} />
                </div>
            )}
        </Connected>
    );
}

type Extent = "all" | "keep" | "seq";

// What is asked for, and how many messages that takes, which is counted before anything is done.
function Purge(props: { stream: StreamDetail }) {
    const { name, state } = props.stream;
    const extent = useSignal<Extent>("all");
    const number = useSignal("");
    const filter = useSignal("");
    const counted = useSignal<{ of: string; count: number } | undefined>(undefined);
    const body = { ...(filter.value && { filter: filter.value }), ...(extent.value === "keep" && { keep: Number(number.value) }), ...(extent.value === "seq" && { seq: Number(number.value) }) };
    const asked = JSON.stringify(body);
    const why = extent.value !== "all" && !/^\d+$/.test(number.value) ? "Say a number" : undefined;
    const known = counted.value?.of === asked ? counted.value.count : undefined;
    const look = async () => {
        counted.value = { of: asked, count: await toGo(name, filter.value, extent.value, Number(number.value)) };
        return `${count(counted.value.count)} of ${count(state.messages)} messages would go`;
    };
    const purge = async () => {
        const { purged } = await js<{ purged: number }>(`STREAM.PURGE.${name}`, body);
        counted.value = undefined;
        return `${count(purged)} messages are gone`;
    };
    return (
        <Panel title="Purge" aside={<a href={to("messages", [name])}>Look at its messages</a>}>
            <div class="stack">
                <div class="tools">
                    <Choice
                        label="What to purge"
                        value={extent.value}
                        options={[
                            ["all", "All"],
                            ["keep", "But the newest"],
                            ["seq", "Before a sequence"],
                        ]}
                        onPick={(value) => (extent.value = value)}
                    />
                    {extent.value !== "all" && <input aria-label={extent.value === "keep" ? "How many to keep" : "Sequence"} placeholder={extent.value === "keep" ? "How many to keep" : "Sequence"} inputMode="numeric" value={number.value} onInput={(event) => (number.value = event.currentTarget.value.trim())} />}
                    <input class="wide" aria-label="Of this subject alone" placeholder="Of this subject alone (optional)" value={filter.value} onInput={(event) => (filter.value = event.currentTarget.value.trim())} />
                </div>
                <div class="tools">
                    <Deed name="Count what would go" why={why} run={look} />
                    <Deed name="Purge" why={why ?? (known === undefined ? "Count first what would go" : known === 0 && "Nothing would go")} sure={`${count(known)} of ${count(state.messages)} messages of ${name} will be gone. They cannot be brought back.`} run={purge} />
                </div>
            </div>
        </Panel>
    );
}

async function toGo(name: string, filter: string, extent: Extent, number: number): Promise<number> {
    const info = await streamInfo(name, filter ? { subjects_filter: filter } : undefined);
    const there = filter ? await matching(name, filter) : info.state.messages;
    if (extent === "all") return there;
    if (extent === "keep") return Math.max(0, there - number);
    return there - (await countFrom(info, filter, number));
}

// Messages with that subject: the server tells of so many subjects at a time.
async function matching(name: string, filter: string): Promise<number> {
    let [sum, subjects] = [0, 0];
    for (;;) {
        const { state, total = 0 } = await streamInfo(name, { subjects_filter: filter, offset: subjects });
        const more = Object.values(state.subjects ?? {});
        sum += more.reduce((all, one) => all + one, 0);
        subjects += more.length;
        if (!more.length || subjects >= total) return sum;
    }
}

type Begin = "seq" | "time" | "copy" | "first" | "new";

function Consumer(props: { stream: StreamDetail }) {
    const { stream } = props;
    const rows = stream.consumer_detail ?? [];
    const picked = useSignal("");
    const one = rows.find((row) => row.name === picked.value) ?? rows[0];
    return (
        <Panel title="Consumer">
            {!one ? (
                <p class="quiet">It has none.</p>
            ) : (
                <div class="stack">
                    <div class="tools">
                        <select aria-label="Consumer" value={one.name} onChange={(event) => (picked.value = event.currentTarget.value)}>
                            {rows.slice(0, 500).map((row) => (
                                <option key={row.name} value={row.name}>
                                    {row.name}
                                </option>
                            ))}
                        </select>
                        <Pause stream={stream.name} consumer={one} />
                        <Deed name="Delete the consumer" sure={`${one.name} will be gone, with where it is: ${count(one.num_pending)} messages it has yet to deliver, ${count(one.num_ack_pending)} not acknowledged.`} run={async () => void (await js(`CONSUMER.DELETE.${stream.name}.${one.name}`))} />
                    </div>
                    <Reset key={one.name} stream={stream} consumer={one} others={rows.filter((row) => row !== one)} />
                </div>
            )}
        </Panel>
    );
}

const PAUSES: [string, number][] = [
    ["1 minute", 60],
    ["10 minutes", 600],
    ["1 hour", 3600],
    ["1 day", 86400],
];

function Pause(props: { stream: string; consumer: ConsumerDetail }) {
    const { stream, consumer } = props;
    const seconds = useSignal(600);
    const subject = `CONSUMER.PAUSE.${stream}.${consumer.name}`;
    if (consumer.paused) return <Deed name="Resume" run={async () => void (await js(subject, {}))} />;
    return (
        <>
            <Deed name="Pause for" run={async () => void (await js(subject, { pause_until: new Date(Date.now() + seconds.value * 1000).toISOString() }))} />
            <select aria-label="How long" value={seconds.value} onChange={(event) => (seconds.value = Number(event.currentTarget.value))}>
                {PAUSES.map(([words, value]) => (
                    <option key={value} value={value}>
                        {words}
                    </option>
                ))}
            </select>
        </>
    );
}

function Reset(props: { stream: StreamDetail; consumer: ConsumerDetail; others: ConsumerDetail[] }) {
    const { stream, consumer, others } = props;
    const begin = useSignal<Begin>("seq");
    const value = useSignal("");
    const why = begin.value !== "first" && begin.value !== "new" && !value.value ? "Say where to begin" : begin.value === "seq" && !/^\d+$/.test(value.value) ? "A sequence is a number" : undefined;
    const pick = (kind: Begin) => {
        begin.value = kind;
        value.value = kind === "copy" ? (others[0]?.name ?? "") : "";
    };
    const reset = async () => {
        const seq = await seqOf(stream, begin.value, value.value);
        await js(`CONSUMER.RESET.${stream.name}.${consumer.name}`, { seq });
        return `it delivers from ${count(seq)} on`;
    };
    return (
        <div class="tools">
            <Choice
                label="Where to begin"
                value={begin.value}
                options={[
                    ["seq", "Sequence"],
                    ["time", "Time"],
                    ["first", "First"],
                    ["new", "What comes"],
                    ...(others.length ? ([["copy", "As another"]] as [Begin, string][]) : []),
                ]}
                onPick={pick}
            />
            {begin.value === "seq" && <input aria-label="Sequence" placeholder="Sequence" inputMode="numeric" value={value.value} onInput={(event) => (value.value = event.currentTarget.value.trim())} />}
            {begin.value === "time" && <input type="datetime-local" step="1" aria-label="Time" value={value.value} onInput={(event) => (value.value = event.currentTarget.value)} />}
            {begin.value === "copy" && (
                <select aria-label="Another consumer" value={value.value} onChange={(event) => (value.value = event.currentTarget.value)}>
                    {others.slice(0, 500).map((row) => (
                        <option key={row.name} value={row.name}>
                            {row.name}
                        </option>
                    ))}
                </select>
            )}
            <Deed name="Move it there" why={why} sure={`${consumer.name} will deliver from there on, also what it delivered before. What is not acknowledged is forgotten.`} run={reset} />
        </div>
    );
}

async function seqOf(stream: StreamDetail, begin: Begin, value: string): Promise<number> {
    const { state } = await streamInfo(stream.name);
    switch (begin) {
        case "seq":
            return Number(value);
        case "first":
            return Math.max(1, state.first_seq);
        case "new":
            return state.last_seq + 1;
        case "time": {
            const found = await get(stream.name, { start_time: new Date(value).toISOString(), next_by_subj: ">" });
            return found?.seq ?? state.last_seq + 1;
        }
        case "copy": {
            const other = await js<ConsumerDetail>(`CONSUMER.INFO.${stream.name}.${value}`);
            return other.ack_floor.stream_seq + 1;
        }
    }
}
