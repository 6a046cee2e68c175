import { usePoll, useRates } from "../fetching";
import { bytes, count, perSecond } from "../format";
import { List, PAGE_ROWS, type Figures } from "../list";
import type { AccountStat, Accountz, Accstatz, Jsz } from "../monitoring";
import { Empty, Facts, Panel, Search, Stale, Title, Waiting } from "../parts";
import { place, to } from "../router";
import { Table, type Column } from "../table";

const FIGURES: Figures<AccountStat> = {
    name: (row) => row.acc,
    conns: (row) => row.conns,
    subs: (row) => row.num_subscriptions,
    received: (row) => row.received.msgs,
    sent: (row) => row.sent.msgs,
    slow: (row) => row.slow_consumers,
};

export function Accounts() {
    const [name] = place.value.parts;
    return name === undefined ? <All /> : <One name={name} />;
}

function All() {
    const { query } = place.value;
    const word = query.get("name") ?? "";
    const polled = usePoll<Accstatz>("accstatz?unused=1", 2000);
    const { data } = polled;
    const rates = useRates(data?.account_statz, data?.now, (row) => row.acc);
    const columns: Column<AccountStat>[] = [
        { key: "name", head: "Account", sort: "name", clip: true, cell: (row) => <a href={to("accounts", [row.acc])}>{row.acc}</a> },
        { key: "conns", head: "Connections", num: true, sort: "conns", cell: (row) => count(row.conns) },
        { key: "total", head: "Since start", num: true, cell: (row) => count(row.total_conns) },
        { key: "subs", head: "Subscriptions", num: true, sort: "subs", cell: (row) => count(row.num_subscriptions) },
        { key: "in", head: "In/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.received.msgs)) },
        { key: "out", head: "Out/s", num: true, cell: (row) => perSecond(rates(row, (it) => it.sent.msgs)) },
        { key: "received", head: "In", num: true, sort: "received", cell: (row) => count(row.received.msgs) },
        { key: "sent", head: "Out", num: true, sort: "sent", cell: (row) => count(row.sent.msgs) },
        { key: "bytes", head: "Bytes in, out", num: true, cell: (row) => `${bytes(row.received.bytes)}, ${bytes(row.sent.bytes)}` },
        { key: "slow", head: "Slow consumers", num: true, sort: "slow", cell: (row) => <span class={row.slow_consumers ? "warn" : undefined}>{count(row.slow_consumers)}</span> },
    ];
    const found = (data?.account_statz ?? []).filter((row) => row.acc.toLowerCase().includes(word.toLowerCase()));
    return (
        <>
            <Title>Accounts</Title>
            <div class="tools">
                <Search name="name" label="Part of a name" value={word} also={{ from: undefined }} />
            </div>
            <List of={polled} rows={found} what="accounts" figures={FIGURES} by="name" none={<Empty what={word ? "No account has that in its name" : "There are no accounts"} />}>
                {(rows, sorting) => <Table label="Accounts" columns={columns} rows={rows} rowKey={(row) => row.acc} sorting={sorting} />}
            </List>
        </>
    );
}

// An export or an import.
interface Shared {
    subject: string;
    type: string;
    account?: string;
    local_subject?: string;
    approved_accounts?: string[];
}

function One(props: { name: string }) {
    const { name } = props;
    const about = encodeURIComponent(name);
    const { data, error } = usePoll<Accountz>(`accountz?acc=${about}`, 5000);
    const jsz = usePoll<Jsz>(data?.account_detail?.jetstream_enabled ? `jsz?acc=${about}&accounts=1` : undefined, 5000).data;
    const detail = data?.account_detail;
    const mine = jsz?.account_details?.find((one) => one.name === name) as Record<string, number> | undefined;
    return (
        <>
            <Title aside={<a href={to("accounts")}>All accounts</a>}>{name}</Title>
            <Stale error={data && error} />
            {!detail ? (
                <Waiting error={data ? "there is no such account" : error} />
            ) : (
                <div class="grid">
                    <Panel title="Now">
                        <Facts
                            rows={[
                                ["Connections", <a href={to("connections", [], { account: name })}>{count(detail.client_connections as number)}</a>],
                                ["Subscriptions", <a href={to("subjects", [], { account: name })}>{count(detail.subscriptions as number)}</a>],
                                ["Leaf nodes", count(detail.leafnode_connections as number)],
                                ["JetStream", detail.jetstream_enabled ? "enabled" : "not enabled"],
                                ...(mine ? ([["Stored", `${bytes(mine.storage)} on disk, ${bytes(mine.memory)} in memory`]] as [string, string][]) : []),
                                ["System account", detail.is_system ? "yes" : "no"],
                            ]}
                        />
                    </Panel>
                    <SharedPanel title="Exports" none="It offers nothing to other accounts." rows={detail.exports as Shared[] | undefined} />
                    <SharedPanel title="Imports" none="It takes nothing from other accounts." rows={detail.imports as Shared[] | undefined} />
                    <Panel title="Subject mappings">
                        {Object.keys((detail.mappings as object | undefined) ?? {}).length === 0 ? (
                            <p class="quiet">None.</p>
                        ) : (
                            <pre class="json">{JSON.stringify(detail.mappings, null, 2)}</pre>
                        )}
                    </Panel>
                </div>
            )}
        </>
    );
}

function SharedPanel(props: { title: string; none: string; rows: Shared[] | undefined }) {
    const rows = props.rows ?? [];
    return (
        <Panel title={props.title}>
            {rows.length === 0 ? (
                <p class="quiet">{props.none}</p>
            ) : (
                <Table
                    label={props.title}
                    rows={rows.slice(0, PAGE_ROWS)}
                    rowKey={(row) => JSON.stringify(row)}
                    columns={[
                        { key: "type", head: "Type", cell: (row) => row.type },
                        { key: "subject", head: "Subject", clip: true, cell: (row) => <code>{row.subject}</code> },
                        { key: "here", head: "Here", clip: true, cell: (row) => <code>{row.local_subject ?? row.subject}</code> },
                        { key: "with", head: "With", clip: true, cell: (row) => row.account ?? row.approved_accounts?.join(", ") ?? "everybody" },
                    ]}
                />
            )}
        </Panel>
    );
}
