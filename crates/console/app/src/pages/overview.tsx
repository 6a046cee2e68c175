import { Chart, type Line } from "../chart";
import { usePoll } from "../fetching";
import { bytes, bytesParts, count, plural, short, shortParts } from "../format";
import { latest, peak, samples, serverFigure, shardFigure, ticks, watched } from "../live";
import type { Jsz, Varz } from "../monitoring";
import { Bar, Facts, Figure, Panel, Title } from "../parts";
import { to } from "../router";

const line = (label: string, colour: string, name: string, per = 1): Line => ({ label, colour, of: (row) => serverFigure(name)(row) / per });

const MESSAGES = [line("in", "accent", "in_msgs"), line("out", "second", "out_msgs")];
const BYTES = [line("in", "accent", "in_bytes"), line("out", "second", "out_bytes")];
const CPU = [line("CPU", "accent", "cpu", 1000)];
const MEMORY = [line("memory", "accent", "memory"), line("pending", "second", "pending_bytes")];

const cores = (n: number) => n.toFixed(n < 10 ? 2 : 1);

export function Overview() {
    const varz = usePoll<Varz>("varz", 5000).data;
    const jsz = usePoll<Jsz>(varz?.jetstream ? "jsz" : undefined, 5000).data;
    const rate = (name: string) => shortParts(latest(name));
    const most = (name: string, show: (n: number) => string) => `peak ${show(peak(name))}`;
    const perSecond = (n: number) => `${bytes(n)}/s`;
    const [inBytes, inUnit] = bytesParts(latest("in_bytes"));
    const [outBytes, outUnit] = bytesParts(latest("out_bytes"));
    const slow = latest("slow_consumers");
    return (
        <>
            <Title>Overview</Title>
            <dl class="figures">
                <Figure label="Messages in/s" parts={rate("in_msgs")} note={most("in_msgs", short)} />
                <Figure label="Messages out/s" parts={rate("out_msgs")} note={most("out_msgs", short)} />
                <Figure label="Bytes in/s" parts={[inBytes, inUnit]} note={most("in_bytes", perSecond)} />
                <Figure label="Bytes out/s" parts={[outBytes, outUnit]} note={most("out_bytes", perSecond)} />
                <Figure label="Connections" parts={shortParts(latest("connections"))} note={plural(latest("subscriptions"), "subscription")} />
                <Figure label="Slow consumers" parts={shortParts(slow)} note={slow ? "since start" : "none since start"} />
                <Figure label="CPU, cores" parts={[cores(latest("cpu") / 1000), ""]} note={most("cpu", (n) => cores(n / 1000))} />
                <Figure label="Memory" parts={bytesParts(latest("memory"))} note={most("memory", bytes)} />
            </dl>
            <div class="grid">
                <Chart title="Messages per second" lines={MESSAGES} show={short} least={10} />
                <Chart title="Bytes per second" lines={BYTES} show={bytes} least={1024} isBinary />
                <Chart title="Processor, cores" lines={CPU} show={cores} least={0.1} />
                <Chart title="Memory" lines={MEMORY} show={bytes} least={1024 * 1024} isBinary />
            </div>
            <div class="grid three">
                <Panel title="Shards" aside={<a href={to("shards")}>All about them</a>}>
                    <Lanes />
                </Panel>
                <Panel title="JetStream" aside={jsz && !jsz.disabled && <a href={to("streams")}>{plural(jsz.streams, "stream")}</a>}>
                    {varz && !varz.jetstream ? (
                        <p class="quiet">
                            Not enabled. <code>-js</code> on the command line or <code>jetstream {"{}"}</code> in the configuration turns it on.
                        </p>
                    ) : (
                        <JetStream jsz={jsz} />
                    )}
                </Panel>
                <Panel title="Server">
                    <Server varz={varz} />
                </Panel>
            </div>
        </>
    );
}

function Lanes() {
    void ticks.value;
    const row = samples.at(-1);
    if (!row) return <p class="quiet">Counting …</p>;
    return (
        <div class="lanes">
            {row[2].map((_, shard) => {
                const busy = shardFigure(shard, "busy")(row) / 1000;
                return (
                    <>
                        <span class="quiet">{shard}</span>
                        <Bar share={busy} label={`shard ${shard} is busy for ${Math.round(busy * 100)} percent of the time`} />
                        <span class="num">{Math.round(busy * 100)} %</span>
                    </>
                );
            })}
        </div>
    );
}

function JetStream(props: { jsz: Jsz | undefined }) {
    const { jsz } = props;
    if (!jsz) return <p class="quiet">Asking …</p>;
    return (
        <Facts
            rows={[
                ["Messages", count(jsz.messages)],
                ["Stored", `${bytes(jsz.storage)} on disk, ${bytes(jsz.memory)} in memory`],
                ["Consumers", <a href={to("consumers")}>{count(jsz.consumers)}</a>],
                ["Written", `${bytes(latest("log_bytes"))}/s, ${plural(latest("log_syncs"), "sync")}/s`],
                ["Requests", `${count(jsz.api?.total)} answered, ${count(jsz.api?.errors)} with an error`],
            ]}
        />
    );
}

function Server(props: { varz: Varz | undefined }) {
    const { varz } = props;
    const server = watched.value;
    if (!varz || !server) return <p class="quiet">Asking …</p>;
    return (
        <Facts
            rows={[
                ["Id", <code>{varz.server_id}</code>],
                ["Clients", <code>{`${varz.host}:${varz.port}`}</code>],
                ["WebSocket", varz.websocket.port ? <code>{`${varz.websocket.host}:${varz.websocket.port}`}</code> : <span class="quiet">not enabled</span>],
                ["Compatible with", `nats-server ${server.version}`],
                ["Machine", plural(Number(varz.cores ?? 0), "core")],
            ]}
        />
    );
}
