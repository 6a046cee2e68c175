import { usePoll, useRates } from "../fetching";
import { bytes, count, goTime, short } from "../format";
import { watched } from "../live";
import type { Route, Routez, Varz } from "../monitoring";
import { Empty, Facts, Pager, Panel, Stale, Title, Waiting } from "../parts";
import { Table, type Column } from "../table";

const ROWS_MAX = 200;

const per = (rate: number | undefined) => (rate === undefined ? "–" : short(Math.round(rate)));

export function Cluster() {
    const varz = usePoll<Varz>("varz", 5000).data;
    const { data, error } = usePoll<Routez>("routez", 2000);
    const rates = useRates(data?.routes, data?.now, (row) => `${row.rid}`);
    const columns: Column<Route>[] = [
        { key: "name", head: "Server", clip: true, cell: (row) => row.remote_name || row.remote_id },
        { key: "rid", head: "Route", cell: (row) => row.rid },
        { key: "at", head: "At", cell: (row) => <code>{`${row.ip}:${row.port}`}</code> },
        { key: "dialed", head: "Dialed", cell: (row) => (row.did_solicit ? "by us" : "by it") },
        { key: "account", head: "Account", cell: (row) => row.account || <span class="quiet">all</span> },
        { key: "rtt", head: "RTT", num: true, cell: (row) => goTime(row.rtt) },
        { key: "uptime", head: "Up", num: true, cell: (row) => row.uptime },
        { key: "in", head: "In/s", num: true, cell: (row) => per(rates(row, (it) => it.in_msgs)) },
        { key: "out", head: "Out/s", num: true, cell: (row) => per(rates(row, (it) => it.out_msgs)) },
        { key: "bytes", head: "Bytes in, out", num: true, cell: (row) => `${bytes(row.in_bytes)}, ${bytes(row.out_bytes)}` },
        { key: "pending", head: "Pending", num: true, cell: (row) => <span class={row.pending_size > 1 << 20 ? "warn" : undefined}>{bytes(row.pending_size)}</span> },
        { key: "subs", head: "Interest", num: true, hint: "Subscriptions that it told us of", cell: (row) => count(row.subscriptions) },
    ];
    const routes = data?.routes ?? [];
    return (
        <>
            <Title aside="This server and those that it has routes to.">Cluster</Title>
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
            <Stale error={data && error} />
            {!data ? (
                <Waiting error={error} />
            ) : (
                <section class="panel">
                    {routes.length === 0 ? (
                        <Empty what={varz?.cluster.name ? "No route to another server" : "This server is not in a cluster"}>
                            {varz?.cluster.name ? (
                                "The others are down, or not reached yet."
                            ) : (
                                <>
                                    <code>cluster {"{ name: C, port: 6222 }"}</code> in the configuration makes it one of a cluster.
                                </>
                            )}
                        </Empty>
                    ) : (
                        <Table label="Routes" columns={columns} rows={routes.slice(0, ROWS_MAX)} rowKey={(row) => row.rid} />
                    )}
                    <Pager from={0} shown={Math.min(routes.length, ROWS_MAX)} total={routes.length} size={routes.length} what="routes" onMove={() => {}} />
                </section>
            )}
        </>
    );
}
