// What a stream holds: from a sequence, a time or the newest on, of one subject or all.
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { bytes, count } from "../format";
import { MessageView } from "../message_view";
import { Empty, Search, Stale, Title, Waiting } from "../parts";
import { preview, text } from "../payload";
import { place, refine, to } from "../router";
import { Table, type Column } from "../table";
import { usePoll } from "../fetching";
import { Connected } from "./connected";
import { inWords, js } from "./connection";
import { Deed } from "./deed";
import { PAGE, read, startBefore, streamInfo, type Place, type Stored, type StreamInfo } from "./stream";

export default function Messages() {
    const [name] = place.value.parts;
    return (
        <>
            <Title aside={name ? <a href={to("messages")}>All streams</a> : "What streams hold, read as yourself: nothing is acknowledged or taken out."}>{name ?? "Messages"}</Title>
            <Connected>{name === undefined ? <Pick /> : <Browse key={name} name={name} />}</Connected>
        </>
    );
}

function Pick() {
    const { data, error } = usePoll<{ streams: string[] | null; total: number }>("STREAM.NAMES", 10000, (subject) => js(subject, {}));
    const word = (place.value.query.get("name") ?? "").toLowerCase();
    if (!data) return <Waiting error={error} />;
    const names = (data.streams ?? []).filter((name) => name.toLowerCase().includes(word));
    return (
        <>
            <div class="tools">
                <Search name="name" label="Part of a name" value={place.value.query.get("name") ?? ""} />
            </div>
            <section class="panel">
                {names.length === 0 ? (
                    <Empty what={word ? "No stream has that in its name" : "This account has no streams"} />
                ) : (
                    <Table label="Streams" rows={names} rowKey={(name) => name} columns={[{ key: "name", head: "Stream", cell: (name) => <a href={to("messages", [name])}>{name}</a> }]} />
                )}
            </section>
        </>
    );
}

interface Shown {
    info: StreamInfo;
    rows: Stored[];
}

async function load(name: string, filter: string, at: string): Promise<Shown> {
    const info = await streamInfo(name);
    const before = /^before (\d+)$/.exec(at);
    const from: Place = at === "" || before ? { seq: await startBefore(info, filter, before ? Number(before[1]) : info.state.last_seq + 1) } : /^\d+$/.test(at) ? { seq: Math.max(1, Number(at)) } : { start_time: new Date(at).toISOString() };
    return { info, rows: await read(info, filter, from) };
}

function Browse(props: { name: string }) {
    const { name } = props;
    const { query } = place.value;
    const filter = query.get("filter") ?? "";
    const at = query.get("at") ?? "";
    const [shown, setShown] = useState<Shown | undefined>(undefined);
    const [error, setError] = useState<string | undefined>(undefined);
    const ask = useSignal(0);
    useEffect(() => {
        let isOver = false;
        load(name, filter, at).then(
            (shown) => isOver || (setShown(shown), setError(undefined)),
            (error) => isOver || setError(inWords(error)),
        );
        const again = () => ask.value++;
        addEventListener("console-refresh", again);
        return () => {
            isOver = true;
            removeEventListener("console-refresh", again);
        };
    }, [name, filter, at, ask.value]);
    return (
        <>
            <Where filter={filter} at={at} onAgain={() => ask.value++} />
            <Stale error={shown && error} />
            {shown ? <Rows {...shown} word={query.get("text") ?? ""} onGone={() => ask.value++} /> : <Waiting error={error} />}
        </>
    );
}

// Where to begin.
function Where(props: { filter: string; at: string; onAgain: () => void }) {
    const { at } = props;
    const filter = useSignal(props.filter);
    const seq = useSignal(/^\d+$/.test(at) ? at : "");
    const time = useSignal("");
    const go = (at: string) => {
        if (at === props.at && filter.value === props.filter) props.onAgain();
        refine({ filter: filter.value, at });
    };
    return (
        <form class="tools" onSubmit={(event) => (event.preventDefault(), go(time.value || seq.value))}>
            <input class="wide" aria-label="Subject" placeholder="Subject, as orders.*" value={filter.value} onInput={(event) => (filter.value = event.currentTarget.value.trim())} />
            <input aria-label="From sequence" placeholder="From sequence" inputMode="numeric" pattern="\d*" value={seq.value} onInput={(event) => ((seq.value = event.currentTarget.value), (time.value = ""))} />
            <input type="datetime-local" step="1" aria-label="From time" value={time.value} onInput={(event) => ((time.value = event.currentTarget.value), (seq.value = ""))} />
            <button class="main">Show</button>
            <button type="button" onClick={() => ((seq.value = time.value = ""), go(""))}>
                Newest
            </button>
            <Search name="text" label="Text among those shown" value={place.value.query.get("text") ?? ""} />
        </form>
    );
}

function Rows(props: Shown & { word: string; onGone: () => void }) {
    const { info } = props;
    const { state } = info;
    const opened = useSignal(0);
    const word = props.word.toLowerCase();
    const has = (row: Stored) => !word || [row.subject, text(row.payload), ...row.headers.flat()].some((one) => one.toLowerCase().includes(word));
    const rows = props.rows.filter(has);
    const [first, last] = [props.rows[0], props.rows.at(-1)];
    const columns: Column<Stored>[] = [
        {
            key: "seq",
            head: "Sequence",
            cell: (row) => (
                <button class="plain" aria-expanded={opened.value === row.seq} onClick={() => (opened.value = opened.value === row.seq ? 0 : row.seq)}>
                    {count(row.seq)}
                </button>
            ),
        },
        { key: "time", head: "Stored", cell: (row) => <span title={row.time}>{new Date(row.time).toLocaleString("sv-SE")}</span> },
        { key: "subject", head: "Subject", clip: true, cell: (row) => <code title={row.subject}>{row.subject}</code> },
        { key: "size", head: "Size", num: true, cell: (row) => bytes(row.bytes) },
        { key: "payload", head: "Payload", clip: true, cell: (row) => <code>{preview(row.payload)}</code> },
    ];
    const remove = async (seq: number) => {
        await js(`STREAM.MSG.DELETE.${info.config.name}`, { seq, no_erase: true });
        props.onGone();
    };
    return (
        <section class="panel">
            {rows.length === 0 ? (
                <Empty what={props.rows.length ? "None of those shown has that in it" : state.messages === 0 ? "The stream is empty" : "No message from there on"} />
            ) : (
                <Table
                    label="Messages"
                    columns={columns}
                    rows={rows}
                    rowKey={(row) => row.seq}
                    detail={(row) =>
                        opened.value === row.seq && (
                            <MessageView
                                message={row}
                                title={`Message ${count(row.seq)}`}
                                facts={[["Stored", row.time]]}
                                deeds={<Deed name="Delete" sure={`Message ${count(row.seq)} on ${row.subject} will be gone for everybody. It cannot be brought back.`} why={info.config.deny_delete && "The stream lets nobody delete messages"} run={() => remove(row.seq)} />}
                            />
                        )
                    }
                />
            )}
            <div class="pager">
                <span>
                    {count(state.messages)} kept, {count(state.first_seq)} to {count(state.last_seq)}; {PAGE} are shown at a time
                </span>
                <span class="end">
                    <button disabled={!first || first.seq <= state.first_seq} onClick={() => refine({ at: `before ${first!.seq}` })}>
                        Older
                    </button>
                    <button disabled={!last || last.seq >= state.last_seq} onClick={() => refine({ at: last!.seq + 1 })}>
                        Newer
                    </button>
                </span>
            </div>
        </section>
    );
}
