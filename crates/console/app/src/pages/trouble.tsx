import { usePoll } from "../fetching";
import { ago, bytes, count, goTime, moment, plural } from "../format";
import { latest } from "../live";
import { streamRows, type Connection, type Connz, type Healthz, type Jsz, type Varz } from "../monitoring";
import { Figure, Panel, Stale, Title, Waiting } from "../parts";
import { to } from "../router";
import { Table } from "../table";
import { consumerRows, Explained } from "./consumers";

// Connections that end like this are no trouble.
const USUAL = ["Client Closed", "Server Shutdown"];

// Closed connections that are looked at, and rows of each list.
const CLOSED = 500;
const ROWS_MAX = 20;

// Bytes that wait for a reader from which it is worth a look.
const PENDING_MIN = 64 * 1024;

export function Trouble() {
    const { data: varz, error } = usePoll<Varz>("varz", 3000);
    const health = usePoll<Healthz>("healthz?details=1", 5000).data;
    const closed = usePoll<Connz>(`connz?state=closed&auth=1&sort=stop&limit=${CLOSED}`, 5000).data;
    const behind = usePoll<Connz>("connz?sort=pending&auth=1&limit=10", 3000).data;
    const jsz = usePoll<Jsz>(varz?.jetstream ? "jsz?accounts=1&streams=1&consumers=1&config=1&explain=1" : undefined, 5000).data;
    const stuck = consumerRows(streamRows(jsz)).filter((row) => row.explained?.is_stuck);
    if (!varz) return (
        <>
            <Title>Trouble</Title>
            <Waiting error={error} />
        </>
    );
    return (
        <>
            <Title aside="What is worth a look, worst first.">Trouble</Title>
            <Stale error={error} />
            <dl class="figures">
                <Figure label="Health" parts={[health?.status ?? "…", ""]} />
                <Figure label="Slow consumers" parts={[count(varz.slow_consumers), ""]} note="cut off since start" />
                <Figure label="Stale connections" parts={[count(varz.stale_connections), ""]} note="did not answer a PING" />
                <Figure label="Stalled publishers" parts={[count(varz.stalled_clients), ""]} note={`${count(latest("stalls"))} a second now`} />
                <Figure label="Stuck consumers" parts={[jsz ? count(stuck.length) : "–", ""]} note={varz.jetstream ? "deliver nothing" : "no JetStream"} />
            </dl>
            <Unwell health={health} />
            {stuck.length > 0 && (
                <Panel title="Consumers that deliver nothing of what there is" aside={<a href={to("consumers", [], { which: "stuck" })}>{plural(stuck.length, "consumer")}</a>} flush>
                    <Table
                        label="Stuck consumers"
                        rows={stuck.slice(0, ROWS_MAX)}
                        rowKey={(row) => `${row.account} ${row.stream_name} ${row.name}`}
                        columns={[
                            { key: "name", head: "Consumer", clip: true, cell: (row) => <a href={to("streams", [row.account, row.stream_name])}>{`${row.stream_name} / ${row.name}`}</a> },
                            { key: "lag", head: "Lag", num: true, cell: (row) => count(row.num_pending) },
                            { key: "why", head: "Why", wrap: true, cell: (row) => <Explained explained={row.explained} /> },
                        ]}
                    />
                </Panel>
            )}
            <Behind connections={behind?.connections} />
            <Ended closed={closed} />
        </>
    );
}

function Unwell(props: { health: Healthz | undefined }) {
    const { health } = props;
    if (!health || health.status === "ok") return null;
    const errors = health.errors ?? (health.error ? [{ type: "", error: health.error }] : []);
    return (
        <div class="notice bad" role="alert">
            {errors.slice(0, ROWS_MAX).map((one) => (
                <span key={one.error}>{one.error}</span>
            ))}
        </div>
    );
}

function Behind(props: { connections: Connection[] | undefined }) {
    const rows = props.connections?.filter((row) => row.pending_bytes >= PENDING_MIN) ?? [];
    return (
        <Panel title="Readers that fall behind" aside={<span class="quiet">More than {bytes(PENDING_MIN)} wait for them.</span>} flush>
            {rows.length === 0 ? (
                <p class="body quiet">None: all keep up.</p>
            ) : (
                <Table
                    label="Readers that fall behind"
                    rows={rows}
                    rowKey={(row) => row.cid}
                    columns={[
                        { key: "cid", head: "Id", cell: (row) => <a href={to("connections", [], { cid: row.cid })}>{row.cid}</a> },
                        { key: "name", head: "Name", clip: true, cell: (row) => row.name || "–" },
                        { key: "account", head: "Account", cell: (row) => row.account ?? "$G" },
                        { key: "pending", head: "Pending", num: true, cell: (row) => <span class="warn">{bytes(row.pending_bytes)}</span> },
                        { key: "out", head: "Sent", num: true, cell: (row) => count(row.out_msgs) },
                        { key: "rtt", head: "RTT", num: true, cell: (row) => goTime(row.rtt) },
                    ]}
                />
            )}
        </Panel>
    );
}

interface Group {
    reason: string;
    count: number;
    last: Connection;
}

function grouped(connections: Connection[]): Group[] {
    const groups = new Map<string, Group>();
    for (const row of connections) {
        const reason = row.reason ?? "unknown";
        if (USUAL.includes(reason)) continue;
        const group = groups.get(reason);
        if (group) group.count++;
        else groups.set(reason, { reason, count: 1, last: row });
    }
    return [...groups.values()].toSorted((one, other) => other.count - one.count);
}

function Ended(props: { closed: Connz | undefined }) {
    const { closed } = props;
    const groups = grouped(closed?.connections ?? []);
    const now = closed ? Date.parse(closed.now) : 0;
    return (
        <Panel title="Connections that ended badly" aside={<a href={to("connections", [], { state: "closed" })}>All that ended</a>} flush>
            {!closed ? (
                <Waiting error={undefined} />
            ) : groups.length === 0 ? (
                <p class="body quiet">None of those that are remembered. Clients that are cut off or turned away are counted here by the reason.</p>
            ) : (
                <Table
                    label="Connections that ended badly"
                    rows={groups}
                    rowKey={(row) => row.reason}
                    columns={[
                        { key: "reason", head: "Reason", cell: (row) => <span class="bad">{row.reason}</span> },
                        { key: "count", head: "How many", num: true, cell: (row) => count(row.count) },
                        { key: "when", head: "Latest", num: true, cell: (row) => <span title={moment(row.last.stop)}>{ago(row.last.stop, now)}</span> },
                        { key: "who", head: "Which was", wrap: true, cell: (row) => [row.last.name, row.last.authorized_user && `user ${row.last.authorized_user}`, `${row.last.ip}:${row.last.port}`].filter(Boolean).join(", ") },
                    ]}
                />
            )}
        </Panel>
    );
}
