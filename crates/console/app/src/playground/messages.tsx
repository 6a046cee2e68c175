// What came and went, the latest first, and one of them in full.
import { useSignal, type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { bytes, clock } from "../format";
import { MessageView } from "../message_view";
import { Empty, Panel } from "../parts";
import { preview, text } from "../payload";
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
    const more: [string, ComponentChildren][] = [];
    if (message.reply) more.push(["Reply to", <code>{message.reply}</code>]);
    if (message.took !== undefined) more.push(["After", `${message.took.toFixed(1)} ms`]);
    return (
        <MessageView
            message={message}
            title={WAYS[message.way][1]}
            facts={more}
            deeds={<button onClick={() => (draft.value = { subject: message.subject, reply: "", headers: message.headers, text: text(message.payload) })}>Use as draft</button>}
            onClose={props.onClose}
        />
    );
}
