// Publish, request and listen over WebSocket. A chunk of its own, with the client library.
import { useSignal } from "@preact/signals";
import { ConnectForm } from "../connected/connect_form";
import { Title } from "../parts";
import { place } from "../router";
import { Compose, EMPTY, Listen } from "./compose";
import { Messages } from "./messages";
import type { Draft } from "./session";

export default function Playground() {
    const { query } = place.value;
    const draft = useSignal<Draft>({ ...EMPTY, subject: query.get("publish") ?? "" });
    const subject = useSignal(query.get("subscribe") ?? "");
    return (
        <>
            <Title aside="Messages of your own, over WebSocket.">Playground</Title>
            <ConnectForm />
            <div class="halves">
                <div class="stack">
                    <Compose draft={draft} />
                    <Listen subject={subject} />
                </div>
                <Messages draft={draft} />
            </div>
        </>
    );
}
