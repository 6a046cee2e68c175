import { Chart, type Line } from "../chart";
import { usePoll } from "../fetching";
import { brief, bytes, count, percent, short } from "../format";
import { samples, shardFigure, ticks } from "../live";
import { askMetrics, type Metrics } from "../metrics";
import { Bar, Panel, Stale, Title, Waiting } from "../parts";
import { Table, type Column } from "../table";

// Colours of the first shards' lines; a chart of more says little.
const COLOURS = ["accent", "second", "third", "good", "bad", "warn"];

const percentOf = (thousandths: number) => percent(thousandths / 1000);

export function Shards() {
    const { data, error } = usePoll<Metrics>("metrics", 3000, askMetrics);
    void ticks.value;
    const shards = samples.at(-1)?.[2].length ?? 0;
    const shown = Math.min(shards, COLOURS.length);
    const lines = (name: string): Line[] =>
        Array.from({ length: shown }, (_, shard) => ({ label: `${shard}`, colour: COLOURS[shard]!, of: shardFigure(shard, name) }));
    return (
        <>
            <Title aside="A shard is a thread with connections of its own.">Shards</Title>
            {shown > 0 && (
                <div class="grid">
                    <Chart title="Busy" lines={lines("busy")} show={percentOf} least={100} />
                    <Chart title="Messages in, per second" lines={lines("in_msgs")} show={short} least={10} />
                </div>
            )}
            {shards > shown && <p class="quiet">The charts show the first {shown} shards.</p>}
            <Stale error={data && error} />
            {!data ? <Waiting error={error} /> : <Rows metrics={data} shards={shards} />}
        </>
    );
}

function Rows(props: { metrics: Metrics; shards: number }) {
    const { metrics, shards } = props;
    const last = samples.at(-1);
    const live = (shard: number, name: string) => (last ? shardFigure(shard, name)(last) : 0);
    const of = (shard: number, name: string) => metrics.sum(name, { shard: `${shard}` });
    const columns: Column<number>[] = [
        { key: "shard", head: "Shard", cell: (shard) => shard },
        {
            key: "busy",
            head: "Busy",
            cell: (shard) => (
                <>
                    <Bar share={live(shard, "busy") / 1000} label={percentOf(live(shard, "busy"))} /> {percentOf(live(shard, "busy"))}
                </>
            ),
        },
        { key: "connections", head: "Connections", num: true, cell: (shard) => count(live(shard, "connections")) },
        { key: "moved", head: "Moved in", num: true, hint: "Connections that came from other shards", cell: (shard) => count(of(shard, "buster_connections_moved_in_total")) },
        { key: "subs", head: "Subscriptions", num: true, cell: (shard) => count(of(shard, "buster_subscriptions")) },
        { key: "in", head: "In/s", num: true, cell: (shard) => short(live(shard, "in_msgs")) },
        { key: "out", head: "Out/s", num: true, cell: (shard) => short(live(shard, "out_msgs")) },
        { key: "pending", head: "Pending", num: true, hint: "Bytes that wait to be sent to clients", cell: (shard) => bytes(live(shard, "pending_bytes")) },
        { key: "mesh", head: "To shards", num: true, hint: "Bytes under way to other shards", cell: (shard) => bytes(live(shard, "mesh_bytes")) },
        { key: "slow", head: "Slow", num: true, hint: "Slow consumers since start", cell: (shard) => count(of(shard, "buster_slow_consumers_total")) },
        { key: "stalls", head: "Stalls", num: true, hint: "How often a publisher was made to wait", cell: (shard) => count(of(shard, "buster_stalls_total")) },
        { key: "longest", head: "Longest turn", num: true, cell: (shard) => brief(of(shard, "buster_turn_longest_seconds")) },
    ];
    return (
        <>
            <section class="panel">
                <Table label="Shards" columns={columns} rows={Array.from({ length: shards }, (_, shard) => shard)} rowKey={(shard) => shard} />
            </section>
            <Panel title="Turns since start, by processor time" aside={<span class="quiet">None should take more than 2 ms.</span>} flush>
                <Turns metrics={metrics} shards={shards} />
            </Panel>
        </>
    );
}

const BOUND_MS = 2;

function Turns(props: { metrics: Metrics; shards: number }) {
    const { metrics, shards } = props;
    const bounds = metrics.bounds("buster_turn_seconds_bucket");
    // Buckets count all turns up to a bound; a row has those above the bound before.
    const counted = bounds.map((le, index) => {
        const up = (shard: number, bound: string | undefined) => (bound === undefined ? 0 : metrics.sum("buster_turn_seconds_bucket", { shard: `${shard}`, le: bound }));
        const turns = Array.from({ length: shards }, (_, shard) => up(shard, le) - up(shard, bounds[index - 1]));
        return { le, turns, all: turns.reduce((sum, more) => sum + more, 0) };
    });
    const all = counted.reduce((sum, row) => sum + row.all, 0) || 1;
    type Counted = (typeof counted)[number];
    const name = (row: Counted) => (row.le === "+Inf" ? "longer" : `up to ${brief(Number(row.le))}`);
    const isLong = (row: Counted) => Number(row.le.replace("+Inf", "Infinity")) * 1000 > BOUND_MS;
    return (
        <Table
            label="Turns"
            rows={counted}
            rowKey={(row) => row.le}
            columns={[
                { key: "le", head: "Took", cell: name },
                {
                    key: "share",
                    head: "Share",
                    cell: (row) => (
                        <>
                            <Bar share={row.all / all} warn={2} bad={2} label={percent(row.all / all)} /> {row.all ? percent(row.all / all) : <span class="quiet">–</span>}
                        </>
                    ),
                },
                ...Array.from({ length: Math.min(shards, 16) }, (_, shard) => ({
                    key: `${shard}`,
                    head: `Shard ${shard}`,
                    num: true,
                    cell: (row: Counted) => <span class={isLong(row) && row.turns[shard] ? "warn" : row.turns[shard] ? undefined : "quiet"}>{count(row.turns[shard])}</span>,
                })),
            ]}
        />
    );
}
