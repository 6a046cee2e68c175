// Groups by key: several members share a consumer, and what has one key is with one of them at a time.
import { usePoll, useRates } from "../fetching";
import { ago, count, nanos, perSecond } from "../format";
import { List, type Figures } from "../list";
import { streamRows, type Jsz } from "../monitoring";
import { Empty, Facts, Panel, Search, Stale, Title, Waiting } from "../parts";
import { place, to } from "../router";
import { Table, type Column } from "../table";
import { consumerRows, type ConsumerRow } from "./consumers";
import { JetStreamOff } from "./streams";

// What metadata says of a group.
const GROUP = "buster.group";
const KEY = "buster.key";
const LANES = "buster.lanes";
const ORDER = "buster.order";

interface Group {
    account: string;
    stream: string;
    name: string;
    // The consumer that all is stored in.
    itself: ConsumerRow;
    members: ConsumerRow[];
}

const key = (group: { account: string; stream: string; name: string }) => `${group.account} ${group.stream} ${group.name}`;

function groupsOf(rows: ConsumerRow[]): Group[] {
    const named = new Map(rows.map((row) => [key({ account: row.account, stream: row.stream_name, name: row.name }), row]));
    const groups = new Map<string, Group>();
    for (const row of rows) {
        const name = row.config?.metadata?.[GROUP];
        const itself = name !== undefined ? named.get(key({ account: row.account, stream: row.stream_name, name })) : undefined;
        if (name === undefined || !itself) continue;
        const group = groups.get(key({ account: row.account, stream: row.stream_name, name })) ?? { account: row.account, stream: row.stream_name, name, itself, members: [] };
        if (row !== itself) group.members.push(row);
        groups.set(key(group), group);
    }
    return [...groups.values()];
}

const lanesOf = (group: Group, member: ConsumerRow) => (group.itself.priority_groups ?? []).filter((lane) => lane.pinned_client_id === member.name);
const unowned = (group: Group) => (group.itself.priority_groups ?? []).filter((lane) => !lane.pinned_client_id).length;

const FIGURES: Figures<Group> = {
    name: (row) => row.name,
    stream: (row) => row.stream,
    members: (row) => row.members.length,
    lag: (row) => row.itself.num_pending,
    unacked: (row) => row.itself.num_ack_pending,
};

export default function Groups() {
    const polled = usePoll<Jsz>("jsz?accounts=1&streams=1&consumers=1&config=1", 2000);
    const [account, stream, name] = place.value.parts;
    const all = groupsOf(consumerRows(streamRows(polled.data)));
    if (polled.data?.disabled)
        return (
            <>
                <Title>Groups</Title>
                <JetStreamOff />
            </>
        );
    if (name === undefined) return <All polled={polled} groups={all} />;
    const found = all.find((group) => group.account === account && group.stream === stream && group.name === name);
    return (
        <>
            <Title aside={<a href={to("groups")}>All groups</a>}>{name}</Title>
            <Stale error={polled.data && polled.error} />
            {!polled.data ? <Waiting error={polled.error} /> : found ? <One group={found} at={polled.data.now} /> : <Empty what={`There is no group ${name}`}>It may have been deleted.</Empty>}
        </>
    );
}

function All(props: { polled: ReturnType<typeof usePoll<Jsz>>; groups: Group[] }) {
    const word = place.value.query.get("name") ?? "";
    const rows = props.groups.filter((row) => `${row.stream} ${row.name}`.toLowerCase().includes(word.toLowerCase()));
    const rates = useRates(props.polled.data && props.groups, props.polled.data?.now, key);
    const columns: Column<Group>[] = [
        { key: "name", head: "Group", sort: "name", clip: true, cell: (row) => <a href={to("groups", [row.account, row.stream, row.name])}>{row.name}</a> },
        { key: "stream", head: "Stream", sort: "stream", clip: true, cell: (row) => <a href={to("streams", [row.account, row.stream])}>{row.stream}</a> },
        { key: "account", head: "Account", clip: true, cell: (row) => row.account },
        { key: "members", head: "Members", num: true, sort: "members", cell: (row) => count(row.members.length) },
        { key: "lanes", head: "Lanes", num: true, hint: "Parts of the keys; each has one owner", cell: (row) => count((row.itself.priority_groups ?? []).length) },
        { key: "unowned", head: "Without owner", num: true, cell: (row) => <span class={unowned(row) ? "warn" : undefined}>{count(unowned(row))}</span> },
        { key: "lag", head: "Lag", num: true, sort: "lag", hint: "Messages it has yet to deliver", cell: (row) => count(row.itself.num_pending) },
        { key: "unacked", head: "Unacked", num: true, sort: "unacked", hint: "With members, or waiting for their turn", cell: (row) => count(row.itself.num_ack_pending) },
        { key: "rate", head: "Acknowledged/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.itself.ack_floor.stream_seq)) },
    ];
    return (
        <>
            <Title aside="Members that share a stream by the keys of its messages.">Groups</Title>
            <div class="tools">
                <Search name="name" label="Part of a name" value={word} also={{ from: undefined }} />
            </div>
            <List
                of={props.polled}
                rows={rows}
                what="groups"
                figures={FIGURES}
                by="name"
                none={<Empty what={word ? "No group has that in its name" : "There are no groups"}>{!word && "Consumers with the metadata buster.group are members of one."}</Empty>}
            >
                {(rows, sorting) => <Table label="Groups" columns={columns} rows={rows} rowKey={key} sorting={sorting} />}
            </List>
        </>
    );
}

function One(props: { group: Group; at: string }) {
    const { group } = props;
    const now = Date.parse(props.at);
    const metadata = group.itself.config?.metadata ?? group.members[0]?.config?.metadata ?? {};
    const lanes = group.itself.priority_groups ?? [];
    const columns: Column<ConsumerRow>[] = [
        { key: "name", head: "Member", clip: true, cell: (row) => row.name },
        { key: "lanes", head: "Lanes", num: true, cell: (row) => count(lanesOf(group, row).length) },
        { key: "unacked", head: "Unacked", num: true, hint: "With it, and not acknowledged", cell: (row) => count(row.num_ack_pending) },
        { key: "waiting", head: "Waiting", num: true, hint: "Requests of it that wait for messages", cell: (row) => count(row.num_waiting) },
        { key: "delivered", head: "Delivered", num: true, cell: (row) => count(row.delivered.consumer_seq) },
        { key: "active", head: "Last delivery", num: true, cell: (row) => ago(row.delivered.last_active, now) },
        { key: "which", head: "Which", wrap: true, cell: (row) => <span class="quiet">{ranges(lanesOf(group, row).map((lane) => Number(lane.group.replace(/^lane-/, "")))) || "none"}</span> },
    ];
    return (
        <>
            <div class="grid">
                <Panel title="Set up">
                    <Facts
                        rows={[
                            ["Stream", <a href={to("streams", [group.account, group.stream])}>{group.stream}</a>],
                            ["Key", metadata[KEY] ? `${metadata[KEY].includes(",") ? "tokens" : "token"} ${metadata[KEY]} of the subject` : "the whole subject"],
                            ["In order", { lane: "all of a lane", none: "nothing" }[metadata[ORDER] ?? ""] ?? "what has one key"],
                            ["Lanes", metadata[LANES] ?? count(lanes.length)],
                            ["Acknowledged within", nanos(group.itself.config?.ack_wait)],
                        ]}
                    />
                </Panel>
                <Panel title="Now">
                    <Facts
                        rows={[
                            ["Lag", count(group.itself.num_pending)],
                            ["Unacked", `${count(group.itself.num_ack_pending)} of ${count(group.itself.config?.max_ack_pending)}`],
                            ["Redelivered", count(group.itself.num_redelivered)],
                            ["Ack floor", count(group.itself.ack_floor.stream_seq)],
                            ["Lanes without owner", count(unowned(group))],
                        ]}
                    />
                </Panel>
            </div>
            <Panel title="Members" flush>
                {group.members.length === 0 ? <Empty what="It has no members">What is stored for it stays: who comes later goes on there.</Empty> : <Table label="Members" columns={columns} rows={group.members} rowKey={(row) => row.name} />}
            </Panel>
        </>
    );
}

// 1, 2, 3, 7 as `1–3, 7`.
function ranges(numbers: number[]): string {
    const words: string[] = [];
    const sorted = numbers.toSorted((one, other) => one - other);
    for (let at = 0; at < sorted.length; at++) {
        const first = sorted[at]!;
        while (sorted[at + 1] === sorted[at]! + 1) at++;
        words.push(first === sorted[at] ? `${first}` : `${first}–${sorted[at]}`);
    }
    return words.join(", ");
}
