// What came and went, the latest first, and one of them in full.
import { useSignal, type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { bytes, clock } from "../format";
import { Choice, Empty, Facts, Panel } from "../parts";
import { preview, shown, suited, text, type Form } from "./payload";
import { clear, isPaused, seen, setPaused, type Draft, type Seen, type Way } from "./session";

const WAYS: Record<Way, [string, string]> = {
    sent: ["→", "published"],
    asked: ["→", "asked"],
    received: ["←", "received"],
    answered: ["←", "answered"],
    failed: ["✕", "failed"],
};

// Rows that are shown; more are kept for the time when these are cleared.
const ROWS_MAX = 200;

export function Messages(props: { draft: Signal<Draft> }) {
    // Kept by itself: the list goes on, and may have dropped it already.
    const picked = useSignal<Seen | undefined>(undefined);
    const rows = seen.value.slice(-ROWS_MAX).reverse();
    const one = picked.value;
    return (
        <Panel
            title="Messages"
            aside={
                <span class="copies">
                    <span class="quiet">{seen.value.length.toLocaleString("en")} kept</span>
                    <button class="plain" aria-pressed={isPaused.value} onClick={() => setPaused(!isPaused.value)}>
                        {isPaused.value ? "Go on" : "Pause"}
                    </button>
                    <button class="plain" onClick={clear}>
                        Clear
                    </button>
                </span>
            }
            flush
        >
            {one && <One message={one} draft={props.draft} onClose={() => (picked.value = undefined)} />}
            {rows.length === 0 ? (
                <Empty what="Nothing yet">What you publish, ask and listen to appears here.</Empty>
            ) : (
                <ul class="messages">
                    {rows.map((row) => (
                        <Row key={row.number} message={row} isPicked={row.number === one?.number} onPick={() => (picked.value = row)} />
                    ))}
                </ul>
            )}
        </Panel>
    );
}

function Row(props: { message: Seen; isPicked: boolean; onPick: () => void }) {
    const { message } = props;
    const [arrow, word] = WAYS[message.way];
    return (
        <li>
            <button aria-pressed={props.isPicked} onClick={props.onPick}>
                <span class="quiet">{clock(message.at)}</span>
                <span class={`way ${message.way}`} title={word}>
                    {arrow}
                    <span class="unseen">{word}</span>
                </span>
                <code class="subject">{message.subject || "–"}</code>
                <span class="quiet size">{message.failure ? "" : bytes(message.bytes)}</span>
                {message.failure ? <span class="bad preview">{message.failure}</span> : <code class="preview">{preview(message.payload)}</code>}
            </button>
        </li>
    );
}

function One(props: { message: Seen; draft: Signal<Draft>; onClose: () => void }) {
    const { message, draft } = props;
    const form = useSignal<Form | undefined>(undefined);
    const chosen = form.value ?? suited(message.payload);
    return (
        <div class="one">
            <div class="tools">
                <b>{WAYS[message.way][1]}</b>
                <Choice
                    label="Shown as"
                    value={chosen}
                    options={[
                        ["text", "Text"],
                        ["json", "JSON"],
                        ["hex", "Hex"],
                        ["base64", "Base64"],
                    ]}
                    onPick={(value) => (form.value = value)}
                />
                <span class="end">
                    <button onClick={() => (draft.value = { subject: message.subject, reply: "", headers: message.headers, text: text(message.payload) })}>Use as draft</button>{" "}
                    <button aria-label="Close the message" onClick={props.onClose}>
                        ✕
                    </button>
                </span>
            </div>
            <Facts
                rows={[
                    ["Subject", <code>{message.subject || "–"}</code>],
                    ...(message.reply ? ([["Reply to", <code>{message.reply}</code>]] as [string, ComponentChildren][]) : []),
                    ...(message.took !== undefined ? ([["After", `${message.took.toFixed(1)} ms`]] as [string, string][]) : []),
                    ["Size", bytes(message.bytes)],
                    ...message.headers.map(([name, value]): [string, ComponentChildren] => [name, <code>{value}</code>]),
                ]}
            />
            {message.failure ? <p class="bad">{message.failure}</p> : <pre>{shown(message.payload, chosen)}</pre>}
        </div>
    );
}
