import { usePoll, useRates } from "../fetching";
import { bytes, count, goTime, perSecond } from "../format";
import { later } from "../later";
import { List, PAGE_ROWS, type Figures } from "../list";
import { watched } from "../live";
import type { Leaf, Leafz, Route, Routez, Varz } from "../monitoring";
import { Empty, Facts, Panel, Title } from "../parts";
import { place, refine } from "../router";
import { Table, type Column } from "../table";

const FIGURES: Figures<Route> = {
    name: (row) => row.remote_name || row.remote_id,
    pending: (row) => row.pending_size,
    subs: (row) => row.subscriptions,
};

const Servers = later(() => import("../connected/servers"));

export function Cluster() {
    const isAll = place.value.query.has("all");
    const varz = usePoll<Varz>("varz", 5000).data;
    const polled = usePoll<Routez>("routez", 2000);
    const { data } = polled;
    const rates = useRates(data?.routes, data?.now, (row) => `${row.rid}`);
    const columns: Column<Route>[] = [
        { key: "name", head: "Server", sort: "name", clip: true, cell: (row) => row.remote_name || row.remote_id },
        { key: "rid", head: "Route", cell: (row) => row.rid },
        { key: "at", head: "At", cell: (row) => <code>{`${row.ip}:${row.port}`}</code> },
        { key: "dialed", head: "Dialed", cell: (row) => (row.did_solicit ? "by us" : "by it") },
        { key: "account", head: "Account", cell: (row) => row.account || <span class="quiet">all</span> },
        { key: "rtt", head: "RTT", num: true, cell: (row) => goTime(row.rtt) },
        { key: "uptime", head: "Up", num: true, cell: (row) => row.uptime },
        { key: "in", head: "In/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.in_msgs)) },
        { key: "out", head: "Out/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.out_msgs)) },
        { key: "bytes", head: "Bytes in, out", num: true, cell: (row) => `${bytes(row.in_bytes)}, ${bytes(row.out_bytes)}` },
        { key: "pending", head: "Pending", num: true, sort: "pending", cell: (row) => <span class={row.pending_size > 1 << 20 ? "warn" : undefined}>{bytes(row.pending_size)}</span> },
        { key: "subs", head: "Interest", num: true, sort: "subs", hint: "Subscriptions that it told us of", cell: (row) => count(row.subscriptions) },
    ];
    return (
        <>
            <Title
                aside={
                    <button class="plain" aria-pressed={isAll} onClick={() => refine({ all: isAll ? undefined : 1 })}>
                        Ask all servers
                    </button>
                }
            >
                Cluster
            </Title>
            {isAll && <Servers />}
            <Panel title="This server">
                <Facts
                    rows={[
                        ["Name", watched.value?.server_name ?? "–"],
                        ["Id", <code>{watched.value?.server_id ?? "–"}</code>],
                        ["Cluster", varz?.cluster.name ?? "none"],
                        ...(varz?.cluster.urls?.length ? ([["Dials", varz.cluster.urls.join(", ")]] as [string, string][]) : []),
                    ]}
                />
            </Panel>
            <List of={polled} rows={data?.routes ?? []} what="routes" figures={FIGURES} by="name" none={<NoRoutes cluster={varz?.cluster.name} />}>
                {(rows, sorting) => <Table label="Routes" columns={columns} rows={rows} rowKey={(row) => row.rid} sorting={sorting} />}
            </List>
            <Leafs />
        </>
    );
}

// Leaf nodes of this server; nothing if it has none.
function Leafs() {
    const { data } = usePoll<Leafz>("leafz", 3000);
    const rows = data?.leafs ?? [];
    const rates = useRates(data && rows, data?.now, (row) => `${row.name} ${row.account} ${row.ip}:${row.port}`);
    if (rows.length === 0) return null;
    const columns: Column<Leaf>[] = [
        { key: "name", head: "Leaf node", clip: true, cell: (row) => row.name },
        { key: "at", head: "At", cell: (row) => <code>{`${row.ip}:${row.port}`}</code> },
        { key: "dialed", head: "Dialed", cell: (row) => (row.is_spoke ? "by us" : "by it") },
        { key: "account", head: "Account", clip: true, cell: (row) => row.account },
        { key: "rtt", head: "RTT", num: true, cell: (row) => goTime(row.rtt) },
        { key: "in", head: "In/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.in_msgs)) },
        { key: "out", head: "Out/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.out_msgs)) },
        { key: "bytes", head: "Bytes in, out", num: true, cell: (row) => `${bytes(row.in_bytes)}, ${bytes(row.out_bytes)}` },
        { key: "subs", head: "Interest", num: true, cell: (row) => count(row.subscriptions) },
    ];
    return (
        <Panel title="Leaf nodes" flush>
            <Table label="Leaf nodes" columns={columns} rows={rows.slice(0, PAGE_ROWS)} rowKey={(row) => `${row.name} ${row.account} ${row.ip}:${row.port}`} />
        </Panel>
    );
}

function NoRoutes(props: { cluster: string | undefined }) {
    if (props.cluster) return <Empty what="No route to another server">The others are down, or not reached yet.</Empty>;
    return (
        <Empty what="This server is not in a cluster">
            <code>cluster {"{ name: C, port: 6222 }"}</code> in the configuration makes it one of a cluster.
        </Empty>
    );
}
