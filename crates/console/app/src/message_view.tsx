// A message in full: what it says of itself, and its payload in the form that suits it or that is picked.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { bytes } from "./format";
import { Choice, Facts } from "./parts";
import { shown, suited, type Form } from "./payload";

export interface Message {
    subject: string;
    headers: [string, string][];
    payload: Uint8Array;
    // How long the payload was: not all of it may be here.
    bytes: number;
    // What there is instead of a message.
    failure?: string;
}

interface Props {
    message: Message;
    title: ComponentChildren;
    facts?: [string, ComponentChildren][];
    deeds?: ComponentChildren;
    onClose?: () => void;
}

export function MessageView(props: Props) {
    const { message } = props;
    const form = useSignal<Form | undefined>(undefined);
    const chosen = form.value ?? suited(message.payload);
    return (
        <div class="one">
            <div class="tools">
                <b>{props.title}</b>
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
                    {props.deeds}{" "}
                    {props.onClose && (
                        <button aria-label="Close the message" onClick={props.onClose}>
                            ✕
                        </button>
                    )}
                </span>
            </div>
            <Facts
                rows={[
                    ["Subject", <code>{message.subject || "–"}</code>],
                    ...(props.facts ?? []),
                    ["Size", bytes(message.bytes)],
                    ...message.headers.map(([name, value]): [string, ComponentChildren] => [name, <code>{value}</code>]),
                ]}
            />
            {message.failure ? <p class="bad">{message.failure}</p> : message.payload.length ? <pre>{shown(message.payload, chosen)}</pre> : <p class="quiet">It has no payload.</p>}
        </div>
    );
}
