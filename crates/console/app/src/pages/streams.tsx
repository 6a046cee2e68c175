import type { Managed } from "../connected/manage";
import { usePoll, useRates } from "../fetching";
import { ago, bytes, bytesParts, count, limit, moment, nanos, perSecond, short } from "../format";
import { later } from "../later";
import { List, PAGE_ROWS, type Figures } from "../list";
import { readOnly, showsMessages } from "../live";
import { streamRows, type Jsz, type StreamConfig, type StreamRow } from "../monitoring";
import { Empty, Facts, Figure, Panel, Search, Stale, Title, Waiting } from "../parts";
import { place, refine, to } from "../router";
import { Table, type Column } from "../table";
import { ConsumerTable, consumerRows } from "./consumers";

const FIGURES: Figures<StreamRow> = {
    name: (row) => row.name,
    account: (row) => row.account,
    messages: (row) => row.state.messages,
    bytes: (row) => row.state.bytes,
    consumers: (row) => row.state.consumer_count,
    last: (row) => Date.parse(row.state.last_ts) || 0,
};

export function Streams() {
    const [account, name] = place.value.parts;
    return account !== undefined && name !== undefined ? <One account={account} name={name} /> : <All />;
}

export function JetStreamOff() {
    return (
        <section class="panel">
            <Empty what="JetStream is not enabled">
                <code>-js</code> on the command line or <code>jetstream {"{}"}</code> in the configuration turns it on.
            </Empty>
        </section>
    );
}

// What bounds a stream, in few words.
function bounds(config: StreamConfig | undefined): string {
    if (!config) return "–";
    const words = [
        config.max_msgs >= 0 && `${short(config.max_msgs)} messages`,
        config.max_bytes >= 0 && bytes(config.max_bytes),
        config.max_age > 0 && nanos(config.max_age),
    ].filter(Boolean);
    return words.join(", ") || "none";
}

function All() {
    const { query } = place.value;
    const word = (query.get("name") ?? "").toLowerCase();
    const polled = usePoll<Jsz>("jsz?accounts=1&streams=1&config=1", 3000);
    const { data } = polled;
    const all = streamRows(data);
    const rates = useRates(data && all, data?.now, (row) => `${row.account} ${row.name}`);
    const found = all.filter((row) => row.name.toLowerCase().includes(word) || row.config?.subjects?.some((subject) => subject.toLowerCase().includes(word)));
    const now = data ? Date.parse(data.now) : 0;
    const columns: Column<StreamRow>[] = [
        { key: "name", head: "Stream", sort: "name", clip: true, cell: (row) => <a href={to("streams", [row.account, row.name])}>{row.name}</a> },
        { key: "account", head: "Account", sort: "account", clip: true, cell: (row) => row.account },
        {
            key: "subjects",
            head: "Subjects",
            clip: true,
            cell: (row) => <code title={row.config?.subjects?.join("\n")}>{row.config?.subjects?.join(", ") || (row.config?.mirror ? `mirror of ${row.config.mirror.name}` : "–")}</code>,
        },
        { key: "storage", head: "Storage", cell: (row) => row.config?.storage ?? "–" },
        { key: "messages", head: "Messages", num: true, sort: "messages", cell: (row) => count(row.state.messages) },
        { key: "rate", head: "Stored/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.state.last_seq)) },
        { key: "bytes", head: "Bytes", num: true, sort: "bytes", cell: (row) => bytes(row.state.bytes) },
        { key: "consumers", head: "Consumers", num: true, sort: "consumers", cell: (row) => count(row.state.consumer_count) },
        { key: "retention", head: "Retention", cell: (row) => row.config?.retention ?? "–" },
        { key: "bounds", head: "Limits", cell: (row) => <span class="quiet">{bounds(row.config)}</span> },
        { key: "last", head: "Last message", num: true, sort: "last", cell: (row) => <span title={moment(row.state.last_ts)}>{ago(row.state.last_ts, now)}</span> },
    ];
    return (
        <>
            <Title>Streams</Title>
            {data?.disabled ? (
                <JetStreamOff />
            ) : (
                <>
                    {data && (
                        <dl class="figures">
                            <Figure label="Streams" parts={[count(data.streams), ""]} />
                            <Figure label="Consumers" parts={[count(data.consumers), ""]} />
                            <Figure label="Messages" parts={[count(data.messages), ""]} />
                            <Figure label="On disk" parts={bytesParts(data.storage)} />
                            <Figure label="In memory" parts={bytesParts(data.memory)} />
                        </dl>
                    )}
                    <div class="tools">
                        <Search name="name" label="Part of a name or a subject" value={query.get("name") ?? ""} also={{ from: undefined }} />
                    </div>
                    <List of={polled} rows={found} what="streams" figures={FIGURES} by="name" none={<NoStreams isNarrowed={word !== ""} />}>
                        {(rows, sorting) => <Table label="Streams" columns={columns} rows={rows} rowKey={(row) => `${row.account} ${row.name}`} sorting={sorting} />}
                    </List>
                </>
            )}
        </>
    );
}

function NoStreams(props: { isNarrowed: boolean }) {
    if (props.isNarrowed) return <Empty what="No stream has that in its name or subjects" />;
    return (
        <Empty what="There are no streams yet">
            <code>nats stream add ORDERS --subjects 'orders.*' --defaults</code> makes one.
        </Empty>
    );
}

const Manage = later<Managed>(() => import("../connected/manage"));

function One(props: { account: string; name: string }) {
    const { account, name } = props;
    const isManaged = place.value.query.has("manage") && !readOnly.value;
    const path = `jsz?acc=${encodeURIComponent(account)}&accounts=1&streams=1&config=1&consumers=1&explain=1`;
    const { data, error } = usePoll<Jsz>(path, 3000);
    const stream = streamRows(data).find((row) => row.name === name && row.account === account);
    const rates = useRates(stream && [stream], data?.now, (row) => row.name);
    const now = data ? Date.parse(data.now) : 0;
    return (
        <>
            <Title
                aside={
                    <span class="copies">
                        {showsMessages.value && <a href={to("messages", [name])}>Messages</a>}
                        {!readOnly.value && (
                            <button class="plain" aria-pressed={isManaged} onClick={() => refine({ manage: isManaged ? undefined : 1 })}>
                                Purge, pause, move
                            </button>
                        )}
                        <a href={to("streams")}>All streams</a>
                    </span>
                }
            >
                {name}
            </Title>
            <Stale error={data && error} />
            {!data ? (
                <Waiting error={error} />
            ) : !stream ? (
                <section class="panel">
                    <Empty what={`There is no stream ${name} in ${account}`}>It may have been deleted.</Empty>
                </section>
            ) : (
                <>
                    <dl class="figures">
                        <Figure label="Messages" parts={[count(stream.state.messages), ""]} note={stream.state.num_deleted ? `${count(stream.state.num_deleted)} deleted between` : undefined} />
                        <Figure label="Bytes" parts={bytesParts(stream.state.bytes)} />
                        <Figure label="Stored/s" parts={[perSecond(rates(stream, (it) => it.state.last_seq)), ""]} />
                        <Figure label="Subjects" parts={[count(stream.state.num_subjects), ""]} />
                        <Figure label="Consumers" parts={[count(stream.state.consumer_count), ""]} />
                    </dl>
                    <div class="grid">
                        <Panel title="State">
                            <Facts
                                rows={[
                                    ["First", `${count(stream.state.first_seq)}, ${moment(stream.state.first_ts)}`],
                                    ["Last", `${count(stream.state.last_seq)}, ${ago(stream.state.last_ts, now)}`],
                                    ["Created", moment(stream.created)],
                                    ["Account", <a href={to("accounts", [account])}>{account}</a>],
                                    ...origins(stream),
                                ]}
                            />
                        </Panel>
                        <Panel title="Configuration">
                            <Facts rows={settings(stream.config)} />
                        </Panel>
                    </div>
                    <Panel title="Consumers" flush>
                        {(stream.consumer_detail ?? []).length === 0 ? (
                            <Empty what="Nobody consumes it">Messages are kept until a limit takes them.</Empty>
                        ) : (
                            <ConsumerTable rows={consumerRows([stream]).slice(0, PAGE_ROWS)} at={data.now} now={now} isOfOne />
                        )}
                    </Panel>
                    {isManaged && <Manage account={account} stream={stream} />}
                </>
            )}
        </>
    );
}

function origins(stream: StreamRow): [string, string][] {
    const all = [...(stream.mirror ? [stream.mirror] : []), ...(stream.sources ?? [])];
    return all.map((one) => [stream.mirror ? "Mirrors" : "Takes from", `${one.name}, ${count(one.lag)} behind`]);
}

function settings(config: StreamConfig | undefined): [string, string][] {
    if (!config) return [];
    return [
        ...(config.description ? ([["Description", config.description]] as [string, string][]) : []),
        ["Subjects", config.subjects?.join(", ") || "none"],
        ["Storage", config.storage],
        ["Retention", config.retention],
        ["Limits", bounds(config)],
        ["Message size", `up to ${limit(config.max_msg_size, bytes)}`.replace("up to none", "any")],
        ["Per subject", limit(config.max_msgs_per_subject).replace("none", "any number")],
        ["When full", config.discard === "new" ? "refuses new messages" : "drops the oldest"],
        ["Replicas", count(config.num_replicas)],
    ];
}
