import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ask, usePoll, useRates } from "../fetching";
import { ago, bytes, count, goTime, moment, perSecond } from "../format";
import type { Connection, Connz } from "../monitoring";
import { Choice, Empty, Facts, Pager, Search, Stale, Title, Waiting } from "../parts";
import { place, refine } from "../router";
import { Table, type Column } from "../table";

const PAGE_ROWS = 100;
// The account of clients that name none: where there is no other, it says nothing.
const GLOBAL = "$G";
// Reasons for which a connection is expected to end.
const USUAL = ["Client Closed", "Server Shutdown"];

// What the server sorts by, and how it does: with the largest first but for these.
const ASCENDING = ["cid", "uptime", "reason"];

const client = (row: Connection) => [row.lang, row.version].filter(Boolean).join(" ");

export function Connections() {
    const { query } = place.value;
    const state = query.get("state") === "closed" ? "closed" : "open";
    const sort = query.get("sort") ?? (state === "closed" ? "stop" : "cid");
    const offset = Number(query.get("offset") ?? 0) || 0;
    const narrowed = query.get("subject") ?? "";
    const filters = { cid: query.get("cid"), acc: query.get("account"), user: query.get("user"), filter_subject: narrowed };
    const words = new URLSearchParams({ auth: "1", state, sort, offset: `${offset}`, limit: `${PAGE_ROWS}` });
    for (const [name, value] of Object.entries(filters)) if (value) words.set(name, value);
    if (narrowed && !filters.acc) words.set("acc", GLOBAL);
    const path = `connz?${words}`;
    const { data, error, refresh } = usePoll<Connz>(path, 2000);
    const steady = useSteady(path, data);
    const rates = useRates(data?.connections, data?.now, (row) => `${row.cid}`);
    const opened = useSignal<number | undefined>(undefined);
    const now = data ? Date.parse(data.now) : 0;
    const isClosed = state === "closed";

    const columns: Column<Connection>[] = [
        {
            key: "cid",
            head: "Id",
            sort: "cid",
            cell: (row) => (
                <button class="plain" aria-expanded={opened.value === row.cid} onClick={() => (opened.value = opened.value === row.cid ? undefined : row.cid)}>
                    {row.cid}
                </button>
            ),
        },
        { key: "name", head: "Name", clip: true, cell: (row) => row.name || <span class="quiet">–</span> },
        { key: "client", head: "Client", clip: true, cell: (row) => <span class="quiet">{client(row) || "–"}</span> },
        ...(steady.rows.some((row) => row.account && row.account !== GLOBAL) ? [{ key: "account", head: "Account", clip: true, cell: (row: Connection) => row.account ?? GLOBAL }] : []),
        ...(steady.rows.some((row) => row.authorized_user) ? [{ key: "user", head: "User", clip: true, cell: (row: Connection) => row.authorized_user || <span class="quiet">–</span> }] : []),
        ...(isClosed
            ? [
                  {
                      key: "reason",
                      head: "Reason",
                      sort: "reason",
                      cell: (row: Connection) => <span class={USUAL.includes(row.reason ?? "") ? "quiet" : "bad"}>{row.reason}</span>,
                  },
                  { key: "stop", head: "Ended", num: true, sort: "stop", cell: (row: Connection) => <span title={moment(row.stop)}>{ago(row.stop, now)}</span> },
              ]
            : [
                  { key: "in", head: "In/s", num: true, cell: (row: Connection) => perSecond(rates(row, (it) => it.in_msgs)) },
                  { key: "out", head: "Out/s", num: true, cell: (row: Connection) => perSecond(rates(row, (it) => it.out_msgs)) },
                  { key: "rtt", head: "RTT", num: true, sort: "rtt", cell: (row: Connection) => goTime(row.rtt) },
              ]),
        {
            key: "pending",
            head: "Pending",
            num: true,
            sort: "pending",
            cell: (row) => <span class={row.pending_bytes > 1 << 20 ? "warn" : undefined}>{bytes(row.pending_bytes)}</span>,
        },
        { key: "uptime", head: isClosed ? "Lasted" : "Up", num: true, sort: "uptime", cell: (row) => row.uptime },
        { key: "idle", head: "Idle", num: true, sort: "idle", cell: (row) => row.idle },
        { key: "subs", head: "Subs", num: true, sort: "subs", cell: (row) => count(row.subscriptions) },
        { key: "in_msgs", head: "In", num: true, sort: "msgs_from", hint: "Messages from the client", cell: (row) => count(row.in_msgs) },
        { key: "out_msgs", head: "Out", num: true, sort: "msgs_to", hint: "Messages to the client", cell: (row) => count(row.out_msgs) },
        { key: "in_bytes", head: "In bytes", num: true, sort: "bytes_from", cell: (row) => bytes(row.in_bytes) },
        { key: "out_bytes", head: "Out bytes", num: true, sort: "bytes_to", cell: (row) => bytes(row.out_bytes) },
        { key: "from", head: "From", cell: (row) => <code>{`${row.ip}:${row.port}`}</code> },
    ];
    const narrow = Object.entries({ account: filters.acc, user: filters.user, "id": filters.cid }).filter(([, value]) => value);

    return (
        <>
            <Title aside="Sorted and paged by the server. Rows keep their places until you ask for another order.">Connections</Title>
            <div class="tools">
                <Choice
                    label="Which"
                    value={state}
                    options={[
                        ["open", "Open"],
                        ["closed", "Closed"],
                    ]}
                    onPick={(state) => refine({ state: state === "open" ? undefined : state, sort: undefined, offset: undefined })}
                />
                {!isClosed && <Search name="subject" label="Who listens to a subject, as orders.>" value={narrowed} also={{ offset: undefined }} />}
                {narrow.map(([name, value]) => (
                    <button key={name} onClick={() => refine({ account: undefined, user: undefined, cid: undefined })} title="Show all again">
                        {name} {value} ✕
                    </button>
                ))}
                <span class="end">
                    {steady.changes > 0 && <span class="quiet">{steady.changes} moved or new</span>}{" "}
                    <button
                        onClick={() => {
                            steady.renew();
                            refresh();
                        }}
                    >
                        Refresh order
                    </button>
                </span>
            </div>
            <Stale error={data && error} />
            {!data ? (
                <Waiting error={error} />
            ) : (
                <section class="panel">
                    {steady.rows.length === 0 ? (
                        <Nothing isClosed={isClosed} isNarrowed={!!narrowed || narrow.length > 0} />
                    ) : (
                        <Table
                            label="Connections"
                            columns={columns}
                            rows={steady.rows}
                            rowKey={(row) => row.cid}
                            rowClass={(row) => (steady.gone.has(row.cid) ? "gone" : undefined)}
                            sorting={{ by: sort, descending: !ASCENDING.includes(sort), onSort: (by) => refine({ sort: by, offset: undefined }) }}
                            detail={(row) => opened.value === row.cid && <Detail row={row} />}
                        />
                    )}
                    <Pager
                        from={offset}
                        shown={steady.rows.length}
                        total={Math.max(data.total, offset + steady.rows.length)}
                        size={PAGE_ROWS}
                        what={isClosed ? "that ended and are remembered" : "open"}
                        onMove={(offset) => refine({ offset: offset || undefined })}
                    />
                </section>
            )}
        </>
    );
}

function Nothing(props: { isClosed: boolean; isNarrowed: boolean }) {
    if (props.isNarrowed) return <Empty what="No connection matches">Take back what narrows the list to see the others.</Empty>;
    if (props.isClosed) return <Empty what="None has ended yet">The latest that end are remembered here with the reason.</Empty>;
    return <Empty what="Nobody is connected">Clients that connect appear here within two seconds.</Empty>;
}

// Rows in the order in which they were first shown: those that are gone stay where they are, and what is new waits.
function useSteady(path: string, data: Connz | undefined) {
    const kept = useRef<{ path: string; order: number[]; rows: Map<number, Connection> }>({ path: "", order: [], rows: new Map() });
    const renewed = useSignal(0);
    const seen = useRef<Connz | undefined>(undefined);
    if (data && data !== seen.current) {
        const ids = data.connections.map((row) => row.cid);
        if (kept.current.path !== path || kept.current.order.length === 0) kept.current = { path, order: ids, rows: new Map() };
        for (const row of data.connections) kept.current.rows.set(row.cid, row);
        seen.current = data;
    }
    void renewed.value;
    const here = new Set(data?.connections.map((row) => row.cid));
    const { order, rows } = kept.current;
    const changes = data ? data.connections.filter((row, index) => order[index] !== row.cid).length : 0;
    return {
        rows: order.flatMap((cid) => rows.get(cid) ?? []),
        gone: new Set(order.filter((cid) => data && !here.has(cid))),
        changes,
        renew: () => {
            kept.current = { path: "", order: [], rows: new Map() };
            seen.current = undefined;
            renewed.value++;
        },
    };
}

function Detail(props: { row: Connection }) {
    const { row } = props;
    const path = `connz?cid=${row.cid}&subs=detail&auth=1&state=any`;
    const { data, error } = usePoll<Connz>(path, 5000, ask);
    const full = data?.connections[0] ?? row;
    const subscriptions = full.subscriptions_list_detail ?? [];
    return (
        <div class="grid">
            <Facts
                rows={[
                    ["Name", full.name || "–"],
                    ["Client", client(full) || "–"],
                    ["Kind", full.type],
                    ["Account, user", `${full.account ?? "$G"}, ${full.authorized_user || "none"}`],
                    ["Began", moment(full.start)],
                    ["Last heard of", moment(full.last_activity)],
                    ["TLS", full.tls_version ?? "no"],
                    ["Bytes", `${bytes(full.in_bytes)} in, ${bytes(full.out_bytes)} out`],
                ]}
            />
            <div>
                {!data ? (
                    <Waiting error={error} />
                ) : subscriptions.length === 0 ? (
                    <p class="quiet">It subscribes to nothing.</p>
                ) : (
                    <Table
                        label="Subscriptions"
                        rows={subscriptions.slice(0, PAGE_ROWS)}
                        rowKey={(one) => one.sid}
                        columns={[
                            { key: "subject", head: "Subject", clip: true, cell: (one) => <code>{one.subject}</code> },
                            { key: "queue", head: "Queue", cell: (one) => one.qgroup ?? "–" },
                            { key: "msgs", head: "Messages", num: true, cell: (one) => count(one.msgs) },
                        ]}
                    />
                )}
                {subscriptions.length > PAGE_ROWS && <p class="quiet">{count(subscriptions.length - PAGE_ROWS)} more.</p>}
            </div>
        </div>
    );
}
