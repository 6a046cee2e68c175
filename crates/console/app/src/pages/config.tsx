import { usePoll } from "../fetching";
import { bytes, count, moment, nanos } from "../format";
import type { Varz } from "../monitoring";
import { Empty, Facts, Panel, Search, Stale, Title, Waiting } from "../parts";
import { place } from "../router";

type Show = (value: unknown) => string;

const plain: Show = (value) => (typeof value === "boolean" ? (value ? "yes" : "no") : typeof value === "number" ? count(value) : `${value}`);
const size: Show = (value) => bytes(Number(value));
const time: Show = (value) => nanos(Number(value));
const wait: Show = (value) => `${value} s`;
const when: Show = (value) => moment(`${value}`);

// What is told of the configuration, by what it concerns: the key, what it is called, how it is shown.
const GROUPS: [string, [string, string, Show?][]][] = [
    [
        "Clients",
        [
            ["host", "Listens on"],
            ["port", "Port", (value) => `${value}`],
            ["connect_urls", "Told to clients", (value) => (value as string[]).join(", ")],
            ["auth_required", "Credentials required"],
            ["tls_required", "TLS required"],
            ["tls_verify", "Client certificates"],
            ["max_connections", "Connections at most"],
            ["max_subscriptions", "Subscriptions of one"],
            ["max_payload", "Largest message", size],
            ["max_control_line", "Longest control line", size],
            ["max_pending", "Pending of one", size],
        ],
    ],
    [
        "Timeouts",
        [
            ["ping_interval", "Ping every", time],
            ["ping_max", "Pings unanswered"],
            ["write_deadline", "Write within", time],
            ["auth_timeout", "Authenticate within", wait],
            ["tls_timeout", "TLS handshake within", wait],
        ],
    ],
    [
        "Monitoring",
        [
            ["http_host", "Listens on"],
            ["http_port", "HTTP port", (value) => `${value || "none"}`],
            ["https_port", "HTTPS port", (value) => `${value || "none"}`],
            ["http_base_path", "Base path", (value) => `${value || "none"}`],
        ],
    ],
    [
        "The file",
        [
            ["config_load_time", "Read", when],
            ["config_digest", "Digest"],
            ["system_account", "System account"],
            ["tags", "Tags", (value) => (value as string[]).join(", ")],
        ],
    ],
];

const BLOCKS: [string, string][] = [
    ["websocket", "WebSocket"],
    ["cluster", "Cluster"],
    ["leaf", "Leaf nodes"],
    ["mqtt", "MQTT"],
    ["gateway", "Gateway"],
];

export function Config() {
    const { data, error } = usePoll<Varz>("varz", 10000);
    const word = place.value.query.get("name") ?? "";
    const fits = (...texts: string[]) => texts.some((text) => text.toLowerCase().includes(word.toLowerCase()));
    const known = (rows: [string, string, Show?][]): [string, string][] =>
        rows.filter(([key, name]) => data && data[key] !== undefined && fits(key, name)).map(([key, name, show = plain]) => [name, show(data![key])]);
    const blocks = data ? [...BLOCKS.map(([key, name]) => [name, data[key]] as const), ["JetStream", data.jetstream?.config] as const] : [];
    const groups = GROUPS.map(([name, rows]) => [name, known(rows)] as const).filter(([, rows]) => rows.length > 0);
    const shown = blocks.map(([name, block]) => [name, flat(block).filter(([key]) => fits(name, key))] as const).filter(([, rows]) => rows.length > 0);
    return (
        <>
            <Title aside="What the server tells of how it is set up. Secrets are not among it.">Config</Title>
            <div class="tools">
                <Search name="name" label="Part of a name" value={word} />
            </div>
            <Stale error={data && error} />
            {!data ? (
                <Waiting error={error} />
            ) : groups.length + shown.length === 0 ? (
                <section class="panel">
                    <Empty what="Nothing has that in its name" />
                </section>
            ) : (
                <div class="grid">
                    {[...groups, ...shown].map(([name, rows]) => (
                        <Panel key={name} title={name}>
                            <Facts rows={rows} />
                        </Panel>
                    ))}
                </div>
            )}
        </>
    );
}

// A block as rows, those of blocks in it with their names before.
function flat(block: unknown, before = ""): [string, string][] {
    if (!block || typeof block !== "object") return [];
    return Object.entries(block).flatMap(([key, value]): [string, string][] => {
        const name = `${before}${key}`.replaceAll("_", " ");
        if (Array.isArray(value)) return [[name, value.map((one) => (typeof one === "object" ? JSON.stringify(one) : `${one}`)).join(", ")]];
        if (value && typeof value === "object") return flat(value, `${key} `);
        const isSize = /^max (memory|storage)$/.test(name);
        const isTime = typeof value === "number" && /interval|timeout|window/.test(name) && value > 1e6;
        return [[name, isSize ? size(value) : isTime ? time(value) : name === "port" ? `${value}` : plain(value)]];
    });
}
