import { useSignal } from "@preact/signals";
import { ask, usePoll, useRates } from "../fetching";
import { count, perSecond, percent, short } from "../format";
import type { Subsz } from "../monitoring";
import { Choice, Empty, Figure, Pager, Search, Stale, Title, Waiting } from "../parts";
import { place, refine, to } from "../router";
import { grown, opensItself, outline, type Branch } from "../subject_tree";
import { Table, type Column } from "../table";

// Subscriptions that are asked for at once, and in all: a tree of more is too much to read, and to send.
const STEP = 1000;
const ROWS_MAX = 5000;
const PAGE_ROWS = 200;

// Page after page, since an answer with all of them would be large.
async function all(path: string, signal: AbortSignal): Promise<Subsz> {
    const first = await ask<Subsz>(`${path}&limit=${STEP}`, signal);
    const list = first.subscriptions_list ?? [];
    while (list.length < Math.min(first.total, ROWS_MAX)) {
        const more = await ask<Subsz>(`${path}&limit=${STEP}&offset=${list.length}`, signal);
        if (!more.subscriptions_list?.length) break;
        list.push(...more.subscriptions_list);
    }
    return { ...first, subscriptions_list: list };
}

export function Subjects() {
    const { query } = place.value;
    const test = query.get("test") ?? "";
    const account = query.get("account") ?? "";
    const shape = query.get("shape") === "list" ? "list" : "tree";
    const from = Number(query.get("from") ?? 0) || 0;
    const words = new URLSearchParams({ subs: "1" });
    if (test) words.set("test", test);
    if (account) words.set("acc", account);
    const { data, error } = usePoll<Subsz>(`subsz?${words}`, 5000, all);
    const toggled = useSignal<ReadonlySet<string>>(new Set());
    const tree = data && grown(data.subscriptions_list ?? []);
    const rows = tree ? outline(tree, shape === "list", toggled.value) : [];
    const rates = useRates(tree && outline(tree, true, new Set()), data?.now, (branch) => branch.path);
    const toggle = (path: string) => {
        const next = new Set(toggled.value);
        if (!next.delete(path)) next.add(path);
        toggled.value = next;
    };
    const isOpen = (branch: Branch) => opensItself(branch) !== toggled.value.has(branch.path);
    const columns: Column<Branch>[] = [
        {
            key: "subject",
            head: "Subject",
            cell: (branch) => (
                <span class="tree" style={{ paddingLeft: `${shape === "list" ? 0 : branch.depth * 16}px` }}>
                    {branch.children.size > 0 && shape === "tree" ? (
                        <button aria-expanded={isOpen(branch)} aria-label={branch.path} onClick={() => toggle(branch.path)}>
                            {isOpen(branch) ? "▾" : "▸"}
                        </button>
                    ) : (
                        shape === "tree" && <span class="leaf" />
                    )}
                    <code>{shape === "list" ? branch.path : branch.token}</code>
                </span>
            ),
        },
        { key: "listeners", head: "Subscriptions", num: true, cell: (branch) => (branch.own ? count(branch.own) : <span class="quiet">{count(branch.below)} below</span>) },
        {
            key: "queues",
            head: "Queue groups",
            cell: (branch) =>
                [...branch.queues].slice(0, 4).map(([name, members]) => (
                    <span class="badge" key={name}>
                        {name} × {members}
                    </span>
                )),
        },
        { key: "who", head: "Server-side", cell: (branch) => branch.inner > 0 && <span class="badge accent">{branch.inner === branch.own ? "stream or service" : `${branch.inner} of ${branch.own}`}</span> },
        { key: "rate", head: "Delivered/s", num: true, cell: (branch) => (branch.own ? perSecond(rates(branch, (it) => it.msgs)) : "") },
        { key: "msgs", head: "Delivered", num: true, cell: (branch) => (branch.own ? count(branch.msgs) : "") },
        {
            key: "go",
            head: "",
            cell: (branch) => branch.own > 0 && <a href={to("playground", [], { subscribe: branch.path })}>Tail</a>,
        },
    ];
    return (
        <>
            <Title aside="What is subscribed to, token by token.">Subjects</Title>
            {data && (
                <dl class="figures">
                    <Figure label="Subscriptions" parts={[count(data.num_subscriptions), ""]} />
                    <Figure label="Lookups" parts={[short(data.num_matches), ""]} note={`${percent(data.cache_hit_rate)} from the cache`} />
                    <Figure label="Cached subjects" parts={[count(data.num_cache), ""]} />
                    <Figure label="Fan-out, most" parts={[count(data.max_fanout), ""]} note={`${data.avg_fanout.toFixed(1)} on average`} />
                </dl>
            )}
            <div class="tools">
                <Choice
                    label="Shape"
                    value={shape}
                    options={[
                        ["tree", "Tree"],
                        ["list", "List"],
                    ]}
                    onPick={(shape) => refine({ shape: shape === "tree" ? undefined : shape, from: undefined })}
                />
                <Search name="test" label="Who gets a message on, as orders.eu.new" value={test} also={{ from: undefined }} />
                <Search name="account" label="Account" value={account} also={{ from: undefined }} />
            </div>
            <Stale error={data && error} />
            {!data || !tree ? (
                <Waiting error={error} />
            ) : (
                <section class="panel">
                    {rows.length === 0 ? (
                        <Empty what={test ? `Nobody would get a message on ${test}` : "Nobody subscribes to anything"}>
                            {test ? "A request to it would be answered with 503, no responders." : "Subscriptions appear here within seconds."}
                        </Empty>
                    ) : (
                        <Table label="Subjects" columns={columns} rows={rows.slice(from, from + PAGE_ROWS)} rowKey={(branch) => branch.path} />
                    )}
                    <Pager
                        from={from}
                        shown={Math.min(PAGE_ROWS, rows.length - from)}
                        total={rows.length}
                        size={PAGE_ROWS}
                        what="rows"
                        note={data.total > ROWS_MAX ? `of the first ${count(ROWS_MAX)} of ${count(data.total)} subscriptions: narrow by a subject or an account to see others` : undefined}
                        onMove={(from) => refine({ from: from || undefined })}
                    />
                </section>
            )}
        </>
    );
}


