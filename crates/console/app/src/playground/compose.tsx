// What to publish, to ask, and to listen to.
import { useSignal, type Signal } from "@preact/signals";
import { Choice, Panel } from "../parts";
import { curl, javaScript, natsCommand } from "./copies";
import { Explain } from "./explained";
import { address, state } from "../connected/connection";
import { readOnly } from "../live";
import { listening, publish, request, subscribe, SUBSCRIPTIONS_MAX, unsubscribe, type Deed, type Draft } from "./session";

export const EMPTY: Draft = { subject: "", reply: "", headers: [], text: "" };

export function Compose(props: { draft: Signal<Draft> }) {
    const { draft } = props;
    const deed = useSignal<Deed>("publish");
    const set = (change: Partial<Draft>) => (draft.value = { ...draft.value, ...change });
    const { subject, reply, headers, text } = draft.value;
    const why = readOnly.value ? "This console only reads" : state.value !== "on" ? "Connect first" : !subject ? "Name a subject" : undefined;
    const setHeader = (at: number, pair: [string, string]) => set({ headers: headers.map((one, index) => (index === at ? pair : one)) });
    return (
        <Panel title="Publish or request" aside={<Copies deed={deed.value} draft={draft.value} queue="" />}>
            <form
                class="stack"
                onSubmit={(event) => {
                    event.preventDefault();
                    if (deed.value === "publish") publish(draft.value);
                    else request(draft.value);
                }}
            >
                <div class="tools">
                    <Choice
                        label="What to do"
                        value={deed.value}
                        options={[
                            ["publish", "Publish"],
                            ["request", "Request"],
                        ]}
                        onPick={(value) => (deed.value = value)}
                    />
                    <input class="wide" aria-label="Subject" placeholder="Subject, as orders.new" value={subject} onInput={(event) => set({ subject: event.currentTarget.value })} />
                    {deed.value === "publish" && <input aria-label="Reply subject" placeholder="Reply to (optional)" value={reply} onInput={(event) => set({ reply: event.currentTarget.value })} />}
                </div>
                {headers.map(([name, value], at) => (
                    <div class="tools" key={at}>
                        <input aria-label="Header name" placeholder="Header" value={name} onInput={(event) => setHeader(at, [event.currentTarget.value, value])} />
                        <input class="wide" aria-label="Header value" placeholder="Value" value={value} onInput={(event) => setHeader(at, [name, event.currentTarget.value])} />
                        <button type="button" aria-label="Remove the header" onClick={() => set({ headers: headers.filter((_, index) => index !== at) })}>
                            ✕
                        </button>
                    </div>
                ))}
                <textarea class="mono" rows={5} aria-label="Payload" placeholder="Payload" value={text} onInput={(event) => set({ text: event.currentTarget.value })} />
                <div class="tools">
                    <button class="main" disabled={!!why} title={why}>
                        {deed.value === "publish" ? "Publish" : "Send the request"}
                    </button>
                    <button type="button" onClick={() => set({ headers: [...headers, ["", ""]] })}>
                        Add a header
                    </button>
                    <Explain deed={deed.value} what={subject} />
                    {why && <span class="quiet">{why}.</span>}
                </div>
            </form>
        </Panel>
    );
}

export function Listen(props: { subject: Signal<string> }) {
    const { subject } = props;
    const queue = useSignal("");
    const isFull = listening.value.length >= SUBSCRIPTIONS_MAX;
    const why = state.value !== "on" ? "Connect first" : isFull ? `${SUBSCRIPTIONS_MAX} subscriptions are as many as there may be here` : !subject.value ? "Name a subject" : undefined;
    return (
        <Panel title="Subscribe" aside={<Copies deed="subscribe" draft={{ ...EMPTY, subject: subject.value }} queue={queue.value} />}>
            <form
                class="tools"
                onSubmit={(event) => {
                    event.preventDefault();
                    subscribe(subject.value, queue.value);
                }}
            >
                <input class="wide" aria-label="Subject to listen to" placeholder="Subject, as orders.>" value={subject.value} onInput={(event) => (subject.value = event.currentTarget.value)} />
                <input aria-label="Queue group" placeholder="Queue group (optional)" value={queue.value} onInput={(event) => (queue.value = event.currentTarget.value)} />
                <button class="main" disabled={!!why} title={why}>
                    Subscribe
                </button>
                <Explain deed="subscribe" what={[subject.value, queue.value].filter(Boolean).join(" ")} />
            </form>
            {listening.value.length > 0 && (
                <ul class="listening">
                    {listening.value.map((one) => (
                        <li key={one.id}>
                            <code>{one.subject}</code>
                            {one.queue && <span class="badge">{one.queue}</span>}
                            {one.failure ? <span class="bad">{one.failure}</span> : <span class="quiet">{one.count.toLocaleString("en")}</span>}
                            <button class="plain" onClick={() => unsubscribe(one)}>
                                Stop
                            </button>
                        </li>
                    ))}
                </ul>
            )}
        </Panel>
    );
}

function Copies(props: { deed: Deed; draft: Draft; queue: string }) {
    const { deed, draft, queue } = props;
    const copied = useSignal("");
    const copy = async (name: string, text: string) => {
        try {
            await navigator.clipboard.writeText(text);
            copied.value = name;
        } catch {
            // Browsers keep the clipboard from pages without TLS: then the text is shown, to be copied by hand.
            prompt(`Copy as ${name}`, text);
        }
        setTimeout(() => (copied.value = ""), 1500);
    };
    const ways: [string, string][] = [
        ["nats", natsCommand(deed, draft, queue)],
        ["curl", curl(deed, draft, queue)],
        ["JavaScript", javaScript(deed, draft, queue, address.value)],
    ];
    return (
        <span class="copies quiet">
            Copy as
            {ways.map(([name, text]) => (
                <button key={name} class="plain" type="button" disabled={!draft.subject} onClick={() => copy(name, text)}>
                    {copied.value === name ? "copied" : name}
                </button>
            ))}
        </span>
    );
}
