// All servers, as each tells of itself to a user of the system account: from whichever of them this page came.
import { useRef } from "preact/hooks";
import { usePoll, useRates } from "../fetching";
import { ago, bytes, count, perSecond, since } from "../format";
import { List, type Figures } from "../list";
import { Empty } from "../parts";
import { Table, type Column } from "../table";
import { Connected } from "./connected";
import { gather, identity } from "./connection";

interface Traffic {
    msgs: number;
    bytes: number;
}

interface Told {
    server: { name: string; id: string; host: string; ver: string; cluster?: string; time: string; jetstream?: boolean };
    statsz: {
        start: string;
        mem: number;
        cpu: number;
        connections: number;
        subscriptions: number;
        slow_consumers: number;
        sent: Traffic;
        received: Traffic;
        routes?: unknown[];
        active_servers?: number;
    };
}

interface Row extends Told {
    // When it was heard last: a server that is not heard any more stays in the list for a while.
    heard: number;
}

// How long servers have to answer, how many may, and how long one that does not is shown.
const ANSWER_MS = 2000;
const SILENCE_MS = 400;
const SERVERS_MAX = 1000;
const MISSED_MS = 10 * 60_000;

const FIGURES: Figures<Row> = {
    name: (row) => row.server.name,
    cluster: (row) => row.server.cluster ?? "",
    connections: (row) => row.statsz.connections,
    cpu: (row) => row.statsz.cpu,
    mem: (row) => row.statsz.mem,
};

export default function Servers() {
    return (
        <Connected>
            <Answering />
        </Connected>
    );
}

function Answering() {
    const known = useRef(new Map<string, Row>());
    const polled = usePoll("$SYS.REQ.SERVER.PING.STATSZ", 2000, async (subject) => {
        const answers = await gather(subject, undefined, { silence: SILENCE_MS, most: SERVERS_MAX, ms: ANSWER_MS });
        const heard = Date.now();
        for (const answer of answers) {
            const told = answer.json<Told>();
            if (told.server && told.statsz) known.current.set(told.server.id, { ...told, heard });
        }
        for (const [id, row] of known.current) if (heard - row.heard > MISSED_MS) known.current.delete(id);
        return { at: new Date(heard).toISOString(), heard, rows: [...known.current.values()] };
    });
    const { data } = polled;
    const rates = useRates(data?.rows, data?.at, (row) => row.server.id);
    const isMissed = (row: Row) => row.heard !== data?.heard;
    const columns: Column<Row>[] = [
        { key: "name", head: "Server", sort: "name", clip: true, cell: (row) => <span title={row.server.id}>{row.server.name}</span> },
        { key: "state", head: "State", cell: (row) => (isMissed(row) ? <span class="badge bad">not heard for {since(new Date(row.heard).toISOString(), Date.now())}</span> : <span class="badge good">there</span>) },
        { key: "cluster", head: "Cluster", sort: "cluster", cell: (row) => row.server.cluster ?? <span class="quiet">–</span> },
        { key: "version", head: "Version", cell: (row) => row.server.ver },
        { key: "up", head: "Started", num: true, cell: (row) => ago(row.statsz.start, data?.heard ?? 0) },
        { key: "routes", head: "Routes", num: true, cell: (row) => count(row.statsz.routes?.length ?? 0) },
        { key: "connections", head: "Connections", num: true, sort: "connections", cell: (row) => count(row.statsz.connections) },
        { key: "subs", head: "Subscriptions", num: true, cell: (row) => count(row.statsz.subscriptions) },
        { key: "in", head: "In/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.statsz.received.msgs)) },
        { key: "out", head: "Out/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.statsz.sent.msgs)) },
        { key: "slow", head: "Slow consumers", num: true, cell: (row) => <span class={row.statsz.slow_consumers ? "warn" : undefined}>{count(row.statsz.slow_consumers)}</span> },
        { key: "cpu", head: "CPU", num: true, sort: "cpu", cell: (row) => `${row.statsz.cpu} %` },
        { key: "mem", head: "Memory", num: true, sort: "mem", cell: (row) => bytes(row.statsz.mem) },
    ];
    return (
        <List
            of={polled}
            rows={data?.rows ?? []}
            what="servers"
            title="All servers"
            figures={FIGURES}
            by="name"
            none={<Empty what="No server answers">{`Servers answer users of the system account${identity.value ? `; you are in ${identity.value.account}` : ""}.`}</Empty>}
        >
            {(rows, sorting) => <Table label="All servers" columns={columns} rows={rows} rowKey={(row) => row.server.id} rowClass={(row) => (isMissed(row) ? "gone" : undefined)} sorting={sorting} />}
        </List>
    );
}
