// Services of client libraries (`micro`): who answers, what they did, and a call to try. Services answer for themselves.
import { useSignal } from "@preact/signals";
import { usePoll } from "../fetching";
import { brief, count } from "../format";
import { List } from "../list";
import { readOnly } from "../live";
import { MessageView, type Message } from "../message_view";
import { Empty, Facts, Panel, Search, Stale, Title, Waiting } from "../parts";
import { place, to } from "../router";
import { Table } from "../table";
import { Connected } from "./connected";
import { connection, gather, inWords, pairs } from "./connection";

interface Endpoint {
    name: string;
    subject: string;
    queue_group?: string;
    metadata?: Record<string, string> | null;
}

interface Instance {
    name: string;
    id: string;
    version: string;
    description?: string;
    metadata?: Record<string, string> | null;
    endpoints?: Endpoint[] | null;
}

interface Counted {
    name: string;
    id: string;
    started?: string;
    endpoints?: { name: string; num_requests: number; num_errors: number; last_error?: string; processing_time: number }[] | null;
}

interface Service {
    name: string;
    instances: Instance[];
}

// How long nobody may answer, and how many may.
const SILENCE_MS = 200;
const INSTANCES_MAX = 1000;

async function rollCall<T>(subject: string): Promise<T[]> {
    const answers = await gather(subject, undefined, { silence: SILENCE_MS, most: INSTANCES_MAX, ms: 1000 });
    return answers.map((answer) => answer.json<T>());
}

async function services(subject: string): Promise<Service[]> {
    const all = new Map<string, Service>();
    for (const instance of await rollCall<Instance>(subject)) {
        const service = all.get(instance.name) ?? { name: instance.name, instances: [] };
        service.instances.push(instance);
        all.set(instance.name, service);
    }
    return [...all.values()];
}

const versions = (service: Service) => [...new Set(service.instances.map((one) => one.version))].toSorted();

export default function Services() {
    const [name] = place.value.parts;
    return (
        <>
            <Title aside={name ? <a href={to("services")}>All services</a> : "Programs that answer requests, and say so themselves."}>{name ?? "Services"}</Title>
            <Connected>{name === undefined ? <All /> : <One key={name} name={name} />}</Connected>
        </>
    );
}

function All() {
    const polled = usePoll("$SRV.INFO", 5000, services);
    const word = place.value.query.get("name") ?? "";
    const rows = (polled.data ?? []).filter((row) => row.name.toLowerCase().startsWith(word.toLowerCase()));
    return (
        <>
            <div class="tools">
                <Search name="name" label="Beginning of a name" value={word} also={{ from: undefined }} />
            </div>
            <List of={polled} rows={rows} what="services" by="name" figures={{ name: (row) => row.name, instances: (row) => row.instances.length }} none={<Empty what={word ? "No service begins so" : "No service answers"}>{!word && "They appear here as soon as a program with one is connected to this account."}</Empty>}>
                {(rows, sorting) => (
                    <Table
                        label="Services"
                        rows={rows}
                        rowKey={(row) => row.name}
                        sorting={sorting}
                        columns={[
                            { key: "name", head: "Service", sort: "name", clip: true, cell: (row) => <a href={to("services", [row.name])}>{row.name}</a> },
                            { key: "instances", head: "Instances", num: true, sort: "instances", cell: (row) => count(row.instances.length) },
                            { key: "versions", head: "Versions", clip: true, cell: (row) => versions(row).join(", ") },
                            { key: "endpoints", head: "Endpoints", clip: true, cell: (row) => endpoints(row).map((one) => one.name).join(", ") || "–" },
                            { key: "description", head: "Description", clip: true, cell: (row) => row.instances[0]?.description || <span class="quiet">–</span> },
                        ]}
                    />
                )}
            </List>
        </>
    );
}

// Endpoints of all instances, each once.
function endpoints(service: Service): Endpoint[] {
    const all = new Map<string, Endpoint>();
    for (const one of service.instances.flatMap((instance) => instance.endpoints ?? [])) all.set(`${one.name} ${one.subject}`, one);
    return [...all.values()];
}

function One(props: { name: string }) {
    const { name } = props;
    const { data, error } = usePoll(`$SRV.INFO.${name}`, 5000, services);
    const stats = usePoll(`$SRV.STATS.${name}`, 2000, rollCall<Counted>).data ?? [];
    const picked = useSignal("");
    const service = data?.[0];
    if (!data) return <Waiting error={error} />;
    if (!service)
        return (
            <section class="panel">
                <Empty what={`No instance of ${name} answers`}>It may have stopped.</Empty>
            </section>
        );
    const all = endpoints(service);
    const chosen = all.find((one) => one.subject === picked.value) ?? all[0];
    const sum = (endpoint: string, figure: "num_requests" | "num_errors" | "processing_time") => stats.flatMap((one) => one.endpoints ?? []).reduce((sum, one) => sum + (one.name === endpoint ? one[figure] : 0), 0);
    const mean = (endpoint: string) => (sum(endpoint, "num_requests") ? brief(sum(endpoint, "processing_time") / sum(endpoint, "num_requests") / 1e9) : "–");
    const of = (instance: Instance) => stats.find((one) => one.id === instance.id);
    const total = (one: Counted | undefined, figure: "num_requests" | "num_errors") => one && (one.endpoints ?? []).reduce((sum, endpoint) => sum + endpoint[figure], 0);
    return (
        <>
            <Stale error={error} />
            <Panel title="Endpoints" flush>
                <Table
                    label="Endpoints"
                    rows={all}
                    rowKey={(row) => `${row.name} ${row.subject}`}
                    columns={[
                        {
                            key: "name",
                            head: "Endpoint",
                            cell: (row) => (
                                <button class="plain" aria-pressed={row === chosen} onClick={() => (picked.value = row.subject)}>
                                    {row.name}
                                </button>
                            ),
                        },
                        { key: "subject", head: "Subject", clip: true, cell: (row) => <code>{row.subject}</code> },
                        { key: "queue", head: "Queue group", cell: (row) => row.queue_group || <span class="quiet">none: all answer</span> },
                        { key: "requests", head: "Requests", num: true, cell: (row) => count(sum(row.name, "num_requests")) },
                        { key: "errors", head: "Errors", num: true, cell: (row) => <span class={sum(row.name, "num_errors") ? "bad" : undefined}>{count(sum(row.name, "num_errors"))}</span> },
                        { key: "mean", head: "Mean time", num: true, cell: (row) => mean(row.name) },
                        { key: "metadata", head: "Metadata", clip: true, cell: (row) => <Words of={row.metadata} /> },
                    ]}
                />
            </Panel>
            <div class="halves">
                {chosen && <Call key={chosen.subject} endpoint={chosen} />}
                <Panel title="Instances" flush>
                    <Table
                        label="Instances"
                        rows={service.instances}
                        rowKey={(row) => row.id}
                        columns={[
                            { key: "id", head: "Id", clip: true, cell: (row) => <code>{row.id}</code> },
                            { key: "version", head: "Version", cell: (row) => row.version },
                            { key: "requests", head: "Requests", num: true, cell: (row) => count(total(of(row), "num_requests")) },
                            { key: "errors", head: "Errors", num: true, cell: (row) => count(total(of(row), "num_errors")) },
                            { key: "started", head: "Started", cell: (row) => of(row)?.started?.slice(0, 19).replace("T", " ") ?? "–" },
                            { key: "metadata", head: "Metadata", clip: true, cell: (row) => <Words of={row.metadata} /> },
                        ]}
                    />
                </Panel>
            </div>
        </>
    );
}

function Words(props: { of: Record<string, string> | null | undefined }) {
    const words = Object.entries(props.of ?? {}).map(([name, value]) => `${name}: ${value}`);
    return words.length ? <code title={words.join("\n")}>{words.join(", ")}</code> : <span class="quiet">–</span>;
}

function Call(props: { endpoint: Endpoint }) {
    const { endpoint } = props;
    const subject = useSignal(endpoint.subject);
    const body = useSignal("");
    const answer = useSignal<(Message & { took: number }) | undefined>(undefined);
    const isOpen = /[*>]/.test(subject.value);
    const why = readOnly.value ? "This console only reads" : isOpen ? "Put something in the place of * and >" : undefined;
    const call = async () => {
        const began = performance.now();
        const seen = { subject: subject.value, headers: [] as [string, string][], payload: new Uint8Array(), bytes: 0 };
        try {
            const reply = await connection().request(subject.value, body.value, { timeout: 5000 });
            answer.value = { ...seen, headers: pairs(reply.headers), payload: reply.data, bytes: reply.data.length, failure: reply.headers?.get("Nats-Service-Error") || undefined, took: performance.now() - began };
        } catch (error) {
            answer.value = { ...seen, failure: inWords(error), took: performance.now() - began };
        }
    };
    return (
        <Panel title={`Call ${endpoint.name}`} flush>
            <form class="body stack" onSubmit={(event) => (event.preventDefault(), call())}>
                <input class="mono" aria-label="Subject to call" value={subject.value} onInput={(event) => (subject.value = event.currentTarget.value)} />
                <textarea class="mono" rows={4} aria-label="Request" placeholder="Request" value={body.value} onInput={(event) => (body.value = event.currentTarget.value)} />
                {endpoint.metadata?.schema && <Facts rows={[["Schema", <code>{endpoint.metadata.schema}</code>]]} />}
                <div class="tools">
                    <button class="main" disabled={!!why} title={why}>
                        Call
                    </button>
                    {why && <span class="quiet">{why}.</span>}
                </div>
            </form>
            {answer.value && <MessageView message={answer.value} title="Answer" facts={[["After", `${answer.value.took.toFixed(1)} ms`]]} onClose={() => (answer.value = undefined)} />}
        </Panel>
    );
}
