// What the server tells on and on: a greeting with the past, then a sample a second. One stream serves all pages.
import { computed, signal } from "@preact/signals";

export interface Watched {
    server_id: string;
    server_name: string;
    version: string;
    own_version: string;
    start: string;
    title: string;
    page: string;
    history: number;
    read_only: boolean;
    messages: boolean;
    one_port?: number;
}

// Milliseconds since 1970, the server's figures, those of each shard.
type Row = [number, number[], number[][]];

interface Greeting {
    watched: Watched;
    server: string[];
    shards: string[];
    past: Row[];
}

export type Link = "connecting" | "live" | "lost" | "full";

// Samples kept here: what a chart shows, whatever the server keeps.
export const SHOWN_SECONDS = 600;

// How long the stream may say nothing before it is taken for dead, and the pauses between attempts.
const SILENCE_MAX = 10_000;
const RETRY_MIN = 500;
const RETRY_MAX = 5000;

export const watched = signal<Watched | undefined>(undefined);
export const link = signal<Link>("connecting");
export const lostAt = signal(0);
// Another server answers than the page was opened with, or it was started again.
export const restarted = signal(false);
// The server has another page than this one.
export const outdated = signal(false);
// Grows with each sample: what reads samples follows it.
export const ticks = signal(0);
export const samples: Row[] = [];

let server: string[] = [];
let shards: string[] = [];
let firstPage = "";
let source: EventSource | undefined;
let watchdog = 0;
let pause = RETRY_MIN;

export const now = computed(() => (ticks.value, samples.at(-1)?.[0] ?? Date.now()));

// What the operator lets this page do: until that is known, nothing.
export const readOnly = computed(() => watched.value?.read_only !== false);
export const showsMessages = computed(() => watched.value?.messages !== false);

// The figure of that name in a sample.
export function serverFigure(name: string): (row: Row) => number {
    return (row) => row[1][server.indexOf(name)] ?? 0;
}

export function shardFigure(shard: number, name: string): (row: Row) => number {
    return (row) => row[2][shard]?.[shards.indexOf(name)] ?? 0;
}

// The latest figure of that name, and the largest that is shown.
export function latest(name: string): number {
    void ticks.value;
    const last = samples.at(-1);
    return last ? serverFigure(name)(last) : 0;
}

export function peak(name: string): number {
    void ticks.value;
    const of = serverFigure(name);
    return samples.reduce((most, row) => Math.max(most, of(row)), 0);
}

function greet(greeting: Greeting) {
    const before = watched.value;
    restarted.value = !!before && before.server_id !== greeting.watched.server_id;
    firstPage ||= greeting.watched.page;
    outdated.value = firstPage !== greeting.watched.page;
    ({ server, shards } = greeting);
    samples.splice(0, samples.length, ...greeting.past.slice(-SHOWN_SECONDS));
    watched.value = greeting.watched;
}

function add(row: Row) {
    samples.push(row);
    if (samples.length > SHOWN_SECONDS) samples.shift();
}

function heard() {
    link.value = "live";
    pause = RETRY_MIN;
    ticks.value++;
    clearTimeout(watchdog);
    watchdog = setTimeout(lose, SILENCE_MAX);
}

function lose(how: Link = "lost") {
    source?.close();
    clearTimeout(watchdog);
    if (link.value === "live" || !lostAt.value) lostAt.value = Date.now();
    link.value = how;
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, RETRY_MAX);
}

export function connect() {
    source = new EventSource("events");
    source.addEventListener("hello", (event) => {
        greet(JSON.parse(event.data));
        heard();
    });
    source.addEventListener("now", (event) => {
        add(JSON.parse(event.data));
        heard();
    });
    // Browsers try again by themselves unless the server has answered with something else.
    source.onerror = () => lose(source!.readyState === EventSource.CLOSED ? "full" : "lost");
    watchdog = setTimeout(lose, SILENCE_MAX);
}

// A page that was put aside is not told of in time: it looks again when it is back.
addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
});
