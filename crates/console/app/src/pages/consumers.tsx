import { usePoll, useRates } from "../fetching";
import { ago, count, nanos, perSecond } from "../format";
import { List, type Figures } from "../list";
import { streamRows, type ConsumerDetail, type ConsumerExplained, type Jsz, type StreamRow } from "../monitoring";
import { Choice, Empty, Facts, Search, Title } from "../parts";
import { place, refine, to } from "../router";
import { Table, type Column, type Sorting } from "../table";
import { JetStreamOff } from "./streams";
import { useSignal } from "@preact/signals";

export interface ConsumerRow extends ConsumerDetail {
    account: string;
    // The last sequence of its stream.
    last_seq: number;
    explained: ConsumerExplained | undefined;
}

export const consumerRows = (streams: StreamRow[]): ConsumerRow[] =>
    streams.flatMap((stream) =>
        (stream.consumer_detail ?? []).map((consumer) => ({
            ...consumer,
            account: stream.account,
            last_seq: stream.state.last_seq,
            explained: stream.consumer_explain?.find((one) => one.name === consumer.name),
        })),
    );

const FIGURES: Figures<ConsumerRow> = {
    name: (row) => row.name,
    stream: (row) => row.stream_name,
    lag: (row) => row.num_pending,
    unacked: (row) => row.num_ack_pending,
    redelivered: (row) => row.num_redelivered,
};

const key = (row: ConsumerRow) => `${row.account} ${row.stream_name} ${row.name}`;

const isPush = (row: ConsumerRow) => !!row.config?.deliver_subject;

// Whether it is as it should be, in a word.
function Verdict(props: { row: ConsumerRow }) {
    const { row } = props;
    if (row.paused) return <span class="badge">paused</span>;
    if (row.explained?.is_stuck) return <span class="badge warn">{(row.explained.reasons[0]?.reason ?? "stuck").replaceAll("_", " ")}</span>;
    if (row.num_pending === 0) return <span class="badge good">up to date</span>;
    return <span class="badge accent">{row.explained ? "delivering" : "behind"}</span>;
}

export function ConsumerTable(props: { rows: ConsumerRow[]; at: string; now: number; sorting?: Sorting; isOfOne?: boolean }) {
    const { now } = props;
    const rates = useRates(props.rows, props.at, key);
    const opened = useSignal("");
    const columns: Column<ConsumerRow>[] = [
        {
            key: "name",
            head: "Consumer",
            sort: "name",
            clip: true,
            cell: (row) => (
                <button class="plain" aria-expanded={opened.value === key(row)} onClick={() => (opened.value = opened.value === key(row) ? "" : key(row))}>
                    {row.name}
                </button>
            ),
        },
        ...(props.isOfOne
            ? []
            : [
                  { key: "stream", head: "Stream", sort: "stream", clip: true, cell: (row: ConsumerRow) => <a href={to("streams", [row.account, row.stream_name])}>{row.stream_name}</a> },
                  { key: "account", head: "Account", clip: true, cell: (row: ConsumerRow) => row.account },
              ]),
        { key: "state", head: "State", cell: (row) => <Verdict row={row} /> },
        { key: "kind", head: "Kind", cell: (row) => (isPush(row) ? "push" : "pull") },
        { key: "lag", head: "Lag", num: true, sort: "lag", hint: "Messages it has yet to deliver", cell: (row) => count(row.num_pending) },
        {
            key: "unacked",
            head: "Unacked",
            num: true,
            sort: "unacked",
            hint: "Delivered and not acknowledged",
            cell: (row) => <span class={row.num_ack_pending > 0 && row.num_ack_pending === row.config?.max_ack_pending ? "warn" : undefined}>{count(row.num_ack_pending)}</span>,
        },
        { key: "redelivered", head: "Redelivered", num: true, sort: "redelivered", cell: (row) => <span class={row.num_redelivered ? "warn" : undefined}>{count(row.num_redelivered)}</span> },
        { key: "waiting", head: "Waiting", num: true, hint: "Pull requests that wait for messages", cell: (row) => (isPush(row) ? <span class="quiet">–</span> : count(row.num_waiting)) },
        { key: "rate", head: "Delivered/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.delivered.consumer_seq)) },
        { key: "delivered", head: "Delivered", num: true, cell: (row) => count(row.delivered.consumer_seq) },
        { key: "floor", head: "Ack floor", num: true, hint: "All up to here is acknowledged", cell: (row) => count(row.ack_floor.stream_seq) },
        { key: "active", head: "Last delivery", num: true, cell: (row) => ago(row.delivered.last_active, now) },
    ];
    return (
        <Table
            label="Consumers"
            columns={columns}
            rows={props.rows}
            rowKey={key}
            sorting={props.sorting}
            detail={(row) => opened.value === key(row) && <Detail row={row} />}
        />
    );
}

function Detail(props: { row: ConsumerRow }) {
    const { row } = props;
    const { config } = row;
    const filters = config?.filter_subjects ?? (config?.filter_subject ? [config.filter_subject] : []);
    return (
        <div class="grid">
            <Facts
                rows={[
                    ["Takes", filters.length ? filters.map((filter) => <code key={filter}>{filter} </code>) : "all of the stream"],
                    ["Begins with", config?.deliver_policy ?? "–"],
                    ["Acknowledged", config?.ack_policy ?? "–"],
                    ["Within", nanos(config?.ack_wait)],
                    ["Unacked at most", count(config?.max_ack_pending)],
                    ...(config?.deliver_subject ? ([["Delivers to", config.deliver_subject]] as [string, string][]) : []),
                    ["Created", row.created.slice(0, 19).replace("T", " ")],
                ]}
            />
            <Explained explained={row.explained} />
        </div>
    );
}

export function Explained(props: { explained: ConsumerExplained | undefined }) {
    const reasons = props.explained?.reasons ?? [];
    if (!props.explained) return <p class="quiet">The server says nothing of why.</p>;
    if (reasons.length === 0) return <p class="quiet">It delivers what there is.</p>;
    return (
        <ul class="reasons">
            {reasons.map((reason) => (
                <li key={reason.reason + reason.says}>
                    <b>{reason.says}</b>
                    {reason.who && <span class="quiet"> held by {reason.who}</span>}
                    {reason.until && <span class="quiet"> until {reason.until.slice(11, 19)}</span>}
                    {reason.command && <code>{reason.command}</code>}
                </li>
            ))}
        </ul>
    );
}

export function Consumers() {
    const { query } = place.value;
    const word = (query.get("name") ?? "").toLowerCase();
    const which = query.get("which") === "stuck" ? "stuck" : "all";
    const polled = usePoll<Jsz>("jsz?accounts=1&streams=1&consumers=1&config=1&explain=1", 3000);
    const { data } = polled;
    const all = consumerRows(streamRows(data));
    const stuck = all.filter((row) => row.explained?.is_stuck);
    const found = (which === "stuck" ? stuck : all).filter((row) => `${row.stream_name} ${row.name}`.toLowerCase().includes(word));
    return (
        <>
            <Title aside="Those with the most to deliver come first.">Consumers</Title>
            {data?.disabled ? (
                <JetStreamOff />
            ) : (
                <>
                    <div class="tools">
                        <Choice
                            label="Which"
                            value={which}
                            options={[
                                ["all", "All"],
                                ["stuck", `Stuck ${data ? count(stuck.length) : ""}`],
                            ]}
                            onPick={(which) => refine({ which: which === "all" ? undefined : which, from: undefined })}
                        />
                        <Search name="name" label="Part of a name" value={query.get("name") ?? ""} also={{ from: undefined }} />
                    </div>
                    <List of={polled} rows={found} what="consumers" figures={FIGURES} by="lag" none={<NoConsumers which={which} isNarrowed={word !== ""} />}>
                        {(rows, sorting) => <ConsumerTable rows={rows} at={data!.now} now={Date.parse(data!.now)} sorting={sorting} />}
                    </List>
                </>
            )}
        </>
    );
}

function NoConsumers(props: { which: string; isNarrowed: boolean }) {
    if (props.which === "stuck") return <Empty what="None is stuck">All deliver what there is.</Empty>;
    if (props.isNarrowed) return <Empty what="No consumer has that in its name" />;
    return <Empty what="There are no consumers yet">They appear here as soon as somebody makes one.</Empty>;
}
