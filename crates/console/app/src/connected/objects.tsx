// Buckets of objects: each object is a message that tells of it, and messages with its parts.
import { headers } from "@nats-io/nats-core";
import { useSignal } from "@preact/signals";
import { usePoll } from "../fetching";
import { bytes, count, nanos } from "../format";
import { List } from "../list";
import { Empty, Search, Title } from "../parts";
import { text } from "../payload";
import { place, to } from "../router";
import { Table } from "../table";
import { Connected } from "./connected";
import { connection, js } from "./connection";
import { Deed } from "./deed";
import { bucketsOf, get, read, streamInfo, type StreamInfo } from "./stream";

// What an object tells of itself.
interface ObjectInfo {
    name: string;
    description?: string;
    bucket: string;
    nuid: string;
    size: number;
    chunks: number;
    digest?: string;
    deleted?: boolean;
    options?: { link?: { bucket: string; name?: string }; max_chunk_size?: number };
}

interface Listed extends ObjectInfo {
    subject: string;
    revision: number;
    time: string;
}

// Objects that are listed, and bytes of one that the page takes or sends: browsers keep all of it in memory.
const OBJECTS_MAX = 200;
const OBJECT_BYTES_MAX = 256 << 20;
const CHUNK_BYTES = 128 << 10;

export default function Objects() {
    const [bucket] = place.value.parts;
    return (
        <>
            <Title aside={bucket !== undefined ? <a href={to("objects")}>All buckets</a> : "Buckets that clients keep files in."}>{bucket ?? "Objects"}</Title>
            <Connected>{bucket === undefined ? <All /> : <One key={bucket} bucket={bucket} />}</Connected>
        </>
    );
}

const nameOf = (info: StreamInfo) => info.config.name.slice("OBJ_".length);

function All() {
    const polled = usePoll("OBJ", 5000, bucketsOf);
    return (
        <List
            of={polled}
            rows={polled.data ?? []}
            what="buckets"
            by="name"
            figures={{ name: nameOf, bytes: (row) => row.state.bytes }}
            none={
                <Empty what="This account has no buckets of objects">
                    <code>nats object add files</code> makes one.
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
                        { key: "name", head: "Bucket", sort: "name", clip: true, cell: (row) => <a href={to("objects", [nameOf(row)])}>{nameOf(row)}</a> },
                        { key: "bytes", head: "Bytes", num: true, sort: "bytes", cell: (row) => bytes(row.state.bytes) },
                        { key: "age", head: "Kept for", num: true, cell: (row) => (row.config.max_age ? nanos(row.config.max_age) : "ever") },
                        { key: "storage", head: "Storage", cell: (row) => row.config.storage ?? "–" },
                        { key: "description", head: "Description", clip: true, cell: (row) => row.config.description || <span class="quiet">–</span> },
                    ]}
                />
            )}
        </List>
    );
}

const streamOf = (bucket: string) => `OBJ_${bucket}`;

async function objectsOf(bucket: string): Promise<{ rows: Listed[]; isAll: boolean }> {
    const info = await streamInfo(streamOf(bucket));
    const metas = await read(info, `$O.${bucket}.M.>`, { seq: 1 }, OBJECTS_MAX);
    const rows = metas.map((row) => ({ ...(JSON.parse(text(row.payload)) as ObjectInfo), subject: row.subject, revision: row.seq, time: row.time }));
    // What was told last of each.
    const latest = [...new Map(rows.map((row) => [row.subject, row])).values()];
    return { rows: latest.filter((row) => !row.deleted), isAll: metas.length < OBJECTS_MAX };
}

function One(props: { bucket: string }) {
    const { bucket } = props;
    const polled = usePoll(bucket, 5000, objectsOf);
    const word = place.value.query.get("name") ?? "";
    const rows = (polled.data?.rows ?? []).filter((row) => row.name.toLowerCase().includes(word.toLowerCase()));
    const done = () => polled.refresh();
    return (
        <>
            <div class="tools">
                <Search name="name" label="Part of a name" value={word} also={{ from: undefined }} />
                <Upload bucket={bucket} onDone={done} />
            </div>
            {polled.data?.isAll === false && <div class="notice">The first {count(OBJECTS_MAX)} objects are listed.</div>}
            <List of={polled} rows={rows} what="objects" by="name" figures={{ name: (row) => row.name, size: (row) => row.size, time: (row) => Date.parse(row.time) }} none={<Empty what={word ? "No object has that in its name" : "The bucket has no objects"} />}>
                {(rows, sorting) => (
                    <Table
                        label="Objects"
                        rows={rows}
                        rowKey={(row) => row.subject}
                        sorting={sorting}
                        columns={[
                            { key: "name", head: "Object", sort: "name", clip: true, cell: (row) => <span title={row.name}>{row.name}</span> },
                            {
                                key: "deeds",
                                head: "",
                                cell: (row) => (
                                    <span class="deeds">
                                        <Download bucket={bucket} row={row} />
                                        <Deed name="Delete" sure={`${row.name}, ${bytes(row.size)}, will be gone. It cannot be brought back.`} run={() => remove(bucket, row).then(done)} />
                                    </span>
                                ),
                            },
                            { key: "size", head: "Size", num: true, sort: "size", cell: (row) => (row.options?.link ? <span class="quiet">link to {[row.options.link.bucket, row.options.link.name].filter(Boolean).join("/")}</span> : bytes(row.size)) },
                            { key: "chunks", head: "Parts", num: true, cell: (row) => count(row.chunks) },
                            { key: "time", head: "Kept", num: true, sort: "time", cell: (row) => new Date(row.time).toLocaleString("sv-SE") },
                            { key: "digest", head: "Digest", clip: true, cell: (row) => <code>{row.digest ?? "–"}</code> },
                            { key: "description", head: "Description", clip: true, cell: (row) => row.description || <span class="quiet">–</span> },
                        ]}
                    />
                )}
            </List>
        </>
    );
}

async function digestOf(data: Uint8Array<ArrayBuffer>): Promise<string> {
    return `SHA-256=${lettered(new Uint8Array(await crypto.subtle.digest("SHA-256", data)))}`;
}

// All parts of it, in their order; an error if they are not what it tells.
async function load(bucket: string, row: ObjectInfo, onPart: (share: number) => void): Promise<Uint8Array<ArrayBuffer>> {
    const data = new Uint8Array(row.size);
    const info = await streamInfo(streamOf(bucket));
    let [at, seq] = [0, 1];
    while (at < row.size) {
        const parts = await read(info, `$O.${bucket}.C.${row.nuid}`, { seq });
        if (parts.length === 0) throw new Error("parts of it are missing");
        for (const part of parts) {
            if (at + part.payload.length > row.size) throw new Error("it has more parts than it tells of");
            data.set(part.payload, at);
            at += part.payload.length;
            seq = part.seq + 1;
        }
        onPart(at / row.size);
    }
    // Browsers count digests only for pages from this machine or over TLS.
    if (row.digest && crypto.subtle && (await digestOf(data)) !== row.digest) throw new Error("its digest is another than it tells");
    return data;
}

function Download(props: { bucket: string; row: Listed }) {
    const { bucket, row } = props;
    const said = useSignal("");
    const why = row.options?.link ? "It is a link" : row.size > OBJECT_BYTES_MAX ? `It is larger than ${bytes(OBJECT_BYTES_MAX)}, which is as much as a page takes` : undefined;
    const run = async () => {
        try {
            const data = await load(bucket, row, (share) => (said.value = `${Math.round(share * 100)} %`));
            // As bytes and nothing else: no browser opens it as a page of this server's.
            const address = URL.createObjectURL(new Blob([data], { type: "application/octet-stream" }));
            Object.assign(document.createElement("a"), { href: address, download: row.name.split("/").at(-1) }).click();
            setTimeout(() => URL.revokeObjectURL(address), 10_000);
            said.value = "";
        } catch (error) {
            said.value = error instanceof Error ? error.message : `${error}`;
        }
    };
    return (
        <>
            {said.value && <span class="quiet">{said.value}</span>}
            <button type="button" disabled={!!why} title={why} onClick={run}>
                Download
            </button>
        </>
    );
}

// Letters that stand for any bytes within a subject.
const lettered = (data: Uint8Array) => btoa(String.fromCharCode(...data)).replaceAll("+", "-").replaceAll("/", "_");

const told = (bucket: string, name: string) => `$O.${bucket}.M.${lettered(new TextEncoder().encode(name))}`;

const purge = (bucket: string, filter: string) => js(`STREAM.PURGE.${streamOf(bucket)}`, { filter });

// Tells of an object; what was told before goes.
async function tell(bucket: string, info: ObjectInfo) {
    const all = headers();
    all.set("Nats-Rollup", "sub");
    const answer = await connection().request(told(bucket, info.name), JSON.stringify(info), { timeout: 5000, headers: all });
    const said = answer.json<{ error?: { description: string } }>();
    if (said.error) throw new Error(said.error.description);
}

async function remove(bucket: string, row: Listed) {
    const { subject: _subject, revision: _revision, time: _time, ...info } = row;
    await tell(bucket, { ...info, deleted: true, size: 0, chunks: 0, digest: "" });
    await purge(bucket, `$O.${bucket}.C.${row.nuid}`);
}

async function put(bucket: string, file: File) {
    const data = new Uint8Array(await file.arrayBuffer());
    const nuid = crypto.randomUUID().replaceAll("-", "").slice(0, 22);
    const parts = `$O.${bucket}.C.${nuid}`;
    const before = await get(streamOf(bucket), { last_by_subj: told(bucket, file.name) });
    let chunks = 0;
    try {
        for (let at = 0; at < data.length; at += CHUNK_BYTES) {
            const answer = await connection().request(parts, data.subarray(at, at + CHUNK_BYTES), { timeout: 10_000 });
            const said = answer.json<{ error?: { description: string } }>();
            if (said.error) throw new Error(said.error.description);
            chunks++;
        }
        await tell(bucket, { name: file.name, bucket, nuid, size: data.length, chunks, digest: await digestOf(data), options: { max_chunk_size: CHUNK_BYTES } });
    } catch (error) {
        // What nothing tells of would stay for good.
        await purge(bucket, parts).catch(() => {});
        throw error;
    }
    const old = before && (JSON.parse(text(before.payload)) as ObjectInfo);
    if (old && !old.deleted) await purge(bucket, `$O.${bucket}.C.${old.nuid}`);
}

function Upload(props: { bucket: string; onDone: () => void }) {
    const file = useSignal<File | undefined>(undefined);
    const one = file.value;
    const why = !globalThis.crypto?.subtle ? "Browsers count digests only for pages from this machine or over HTTPS" : !one ? "Pick a file" : one.size > OBJECT_BYTES_MAX && `It is larger than ${bytes(OBJECT_BYTES_MAX)}, which is as much as a page takes`;
    return (
        <>
            <input type="file" aria-label="A file to upload" onChange={(event) => (file.value = event.currentTarget.files?.[0])} />
            <Deed name="Upload" why={why} run={() => put(props.bucket, one!).then(() => (props.onDone(), `${one!.name} is kept`))} />
        </>
    );
}
