// Buckets of keys and values: a bucket is a stream, a key the end of a subject, a revision a sequence.
import { headers } from "@nats-io/nats-core";
import { useSignal } from "@preact/signals";
import { usePoll } from "../fetching";
import { bytes, count, nanos } from "../format";
import { List } from "../list";
import { readOnly } from "../live";
import { MessageView } from "../message_view";
import { Empty, Panel, Search, Stale, Title, Waiting } from "../parts";
import { preview, text } from "../payload";
import { place, to } from "../router";
import { Table } from "../table";
import { Connected } from "./connected";
import { connection, state } from "./connection";
import { Deed } from "./deed";
import { bucketsOf, get, streamInfo, type Stored, type StreamInfo } from "./stream";

export default function Buckets() {
    const [bucket, key] = place.value.parts;
    const title = key ?? bucket ?? "Keys and values";
    const back = key !== undefined ? <a href={to("kv", [bucket!])}>All keys of {bucket}</a> : bucket !== undefined ? <a href={to("kv")}>All buckets</a> : "Buckets that clients keep values in.";
    return (
        <>
            <Title aside={back}>{title}</Title>
            <Connected>{bucket === undefined ? <All /> : key === undefined ? <Keys key={bucket} bucket={bucket} /> : <One key={`${bucket} ${key}`} bucket={bucket} name={key} />}</Connected>
        </>
    );
}

const nameOf = (info: StreamInfo) => info.config.name.slice("KV_".length);

function All() {
    const polled = usePoll("KV", 5000, bucketsOf);
    return (
        <List
            of={polled}
            rows={polled.data ?? []}
            what="buckets"
            by="name"
            figures={{ name: nameOf, keys: (row) => row.state.num_subjects ?? 0, bytes: (row) => row.state.bytes }}
            none={
                <Empty what="This account has no buckets">
                    <code>nats kv add prices</code> makes one.
                </Empty>
            }
        >
            {(rows, sorting) => (
                <Table
                    label="Buckets"
                    rows={rows}
                    rowKey={nameOf}
                    sorting={sorting}
                    columns={[
                        { key: "name", head: "Bucket", sort: "name", clip: true, cell: (row) => <a href={to("kv", [nameOf(row)])}>{nameOf(row)}</a> },
                        { key: "keys", head: "Keys", num: true, sort: "keys", hint: "With those that are deleted and not yet forgotten", cell: (row) => count(row.state.num_subjects ?? 0) },
                        { key: "values", head: "Values", num: true, cell: (row) => count(row.state.messages) },
                        { key: "bytes", head: "Bytes", num: true, sort: "bytes", cell: (row) => bytes(row.state.bytes) },
                        { key: "history", head: "History", num: true, hint: "Values that are kept of a key", cell: (row) => count(row.config.max_msgs_per_subject) },
                        { key: "age", head: "Kept for", num: true, cell: (row) => (row.config.max_age ? nanos(row.config.max_age) : "ever") },
                        { key: "storage", head: "Storage", cell: (row) => row.config.storage ?? "–" },
                        { key: "description", head: "Description", clip: true, cell: (row) => row.config.description || <span class="quiet">–</span> },
                    ]}
                />
            )}
        </List>
    );
}

// Keys that are listed: of more the first.
const KEYS_MAX = 5000;

interface KeyList {
    keys: [string, number][];
    total: number;
}

async function keysOf(bucket: string): Promise<KeyList> {
    const prefix = `$KV.${bucket}.`;
    const keys: [string, number][] = [];
    for (;;) {
        const { state, total = 0 } = await streamInfo(`KV_${bucket}`, { subjects_filter: `${prefix}>`, offset: keys.length });
        const more = Object.entries(state.subjects ?? {});
        for (const [subject, values] of more) keys.push([subject.slice(prefix.length), values]);
        if (!more.length || keys.length >= Math.min(total, KEYS_MAX)) return { keys, total: Math.max(total, keys.length) };
    }
}

function Keys(props: { bucket: string }) {
    const { bucket } = props;
    const polled = usePoll(bucket, 3000, keysOf);
    const word = place.value.query.get("key") ?? "";
    const name = useSignal("");
    const rows = (polled.data?.keys ?? []).filter(([key]) => key.toLowerCase().includes(word.toLowerCase()));
    return (
        <>
            <form class="tools" onSubmit={(event) => (event.preventDefault(), name.value && (location.hash = to("kv", [bucket, name.value])))}>
                <Search name="key" label="Part of a key" value={word} also={{ from: undefined }} />
                <input aria-label="Name of a key" placeholder="Name of a key" value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
                <button>Open</button>
            </form>
            {polled.data && polled.data.total > polled.data.keys.length && <div class="notice">{count(polled.data.total)} keys are too many to list: these are the first. Any can be opened by its name.</div>}
            <List of={polled} rows={rows} what="keys" by="key" figures={{ key: ([key]) => key, values: ([, values]) => values }} none={<Empty what={word ? "No key has that in it" : "The bucket has no keys"}>{!word && "Open one by a name of your own to give it a value."}</Empty>}>
                {(rows, sorting) => (
                    <Table
                        label="Keys"
                        rows={rows}
                        rowKey={([key]) => key}
                        sorting={sorting}
                        columns={[
                            {
                                key: "key",
                                head: "Key",
                                sort: "key",
                                cell: ([key]) => (
                                    <a href={to("kv", [bucket, key])}>
                                        <code>{key}</code>
                                    </a>
                                ),
                            },
                            { key: "values", head: "Values kept", num: true, sort: "values", cell: ([, values]) => count(values) },
                        ]}
                    />
                )}
            </List>
        </>
    );
}

// What became of a key that has no value.
const operationOf = (row: Stored) => row.headers.find(([name]) => name === "KV-Operation")?.[1];

// As many values as a bucket may keep of a key.
const HISTORY_MAX = 64;

async function historyOf(stream: string, subject: string): Promise<Stored[]> {
    const rows: Stored[] = [];
    for (let seq = 1; rows.length < HISTORY_MAX; seq = rows.at(-1)!.seq + 1) {
        const one = await get(stream, { seq, next_by_subj: subject });
        if (!one) break;
        rows.push(one);
    }
    return rows.reverse();
}

// Keeps a value if the latest revision is still the one that is known.
async function keep(subject: string, revision: number, value: string, fields: Record<string, string> = {}) {
    const all = headers();
    all.set("Nats-Expected-Last-Subject-Sequence", `${revision}`);
    for (const [name, field] of Object.entries(fields)) all.set(name, field);
    const answer = await connection().request(subject, value, { timeout: 5000, headers: all });
    const said = answer.json<{ seq: number; error?: { description: string; err_code: number } }>();
    if (said.error) throw new Error(/wrong last sequence/.test(said.error.description) ? "somebody else changed it meanwhile: look at what it is now" : said.error.description);
    return `revision ${count(said.seq)}`;
}

function One(props: { bucket: string; name: string }) {
    const { bucket, name } = props;
    const [stream, subject] = [`KV_${bucket}`, `$KV.${bucket}.${name}`];
    const { data, error, refresh } = usePoll(subject, 2000, () => historyOf(stream, subject));
    const picked = useSignal(0);
    if (!data) return <Waiting error={error} />;
    const latest = data[0];
    const shown = data.find((row) => row.seq === picked.value) ?? latest;
    const done = (words: string) => (refresh(), words);
    return (
        <>
            <Stale error={error} />
            <div class="halves">
                <Panel title={latest ? "Value" : "There is no value yet"} flush>
                    {shown &&
                        (operationOf(shown) ? (
                            <Empty what={operationOf(shown) === "PURGE" ? "Purged" : "Deleted"}>By revision {count(shown.seq)}.</Empty>
                        ) : (
                            <MessageView key={shown.seq} message={shown} title={`Revision ${count(shown.seq)}`} facts={[["Kept", shown.time]]} />
                        ))}
                    <Edit latest={latest} onKeep={(value, revision) => keep(subject, revision, value).then(done)} />
                </Panel>
                <Panel
                    title="History"
                    aside={
                        <span class="copies">
                            <Deed name="Delete" sure={`${name} will have no value. Earlier ones stay as long as its history does.`} why={(!latest || operationOf(latest)) && "It has no value"} run={() => keep(subject, latest!.seq, "", { "KV-Operation": "DEL" }).then(done)} />
                            <Deed name="Purge" sure={`All ${data.length} values of ${name} will be gone. They cannot be brought back.`} why={!latest && "It has no value"} run={() => keep(subject, latest!.seq, "", { "KV-Operation": "PURGE", "Nats-Rollup": "sub" }).then(done)} />
                        </span>
                    }
                    flush
                >
                    {data.length === 0 ? (
                        <Empty what="Nothing yet" />
                    ) : (
                        <Table
                            label="History"
                            rows={data}
                            rowKey={(row) => row.seq}
                            columns={[
                                {
                                    key: "revision",
                                    head: "Revision",
                                    cell: (row) => (
                                        <button class="plain" aria-pressed={row.seq === shown?.seq} onClick={() => (picked.value = row.seq)}>
                                            {count(row.seq)}
                                        </button>
                                    ),
                                },
                                { key: "time", head: "Kept", cell: (row) => new Date(row.time).toLocaleString("sv-SE") },
                                { key: "size", head: "Size", num: true, cell: (row) => bytes(row.bytes) },
                                { key: "value", head: "Value", clip: true, cell: (row) => (operationOf(row) ? <span class="badge">{operationOf(row) === "PURGE" ? "purged" : "deleted"}</span> : <code>{preview(row.payload)}</code>) },
                            ]}
                        />
                    )}
                </Panel>
            </div>
        </>
    );
}

// What is written is kept only if the value is still the one that was there when the writing began.
function Edit(props: { latest: Stored | undefined; onKeep: (value: string, revision: number) => Promise<string> }) {
    const { latest } = props;
    const draft = useSignal<{ value: string; revision: number } | undefined>(undefined);
    const open = () => (draft.value = { value: latest ? text(latest.payload) : "", revision: latest?.seq ?? 0 });
    const written = draft.value;
    return (
        <div class="body stack">
            {written && <textarea class="mono" rows={6} aria-label="New value" placeholder="New value" value={written.value} onInput={(event) => (draft.value = { ...written, value: event.currentTarget.value })} />}
            <div class="tools">
                {written ? (
                    <>
                        <Deed name="Keep this value" run={() => props.onKeep(written.value, written.revision).then(() => void (draft.value = undefined))} />
                        <button type="button" onClick={() => (draft.value = undefined)}>
                            Cancel
                        </button>
                    </>
                ) : (
                    <button type="button" disabled={readOnly.value || state.value !== "on"} title={readOnly.value ? "This console only reads" : undefined} onClick={open}>
                        Edit
                    </button>
                )}
            </div>
        </div>
    );
}
