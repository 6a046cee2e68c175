// Who the reader is, and where the server is reached over WebSocket.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { usePoll } from "../fetching";
import { watched } from "../live";
import type { Varz } from "../monitoring";
import { Panel } from "../parts";
import { address, connect, disconnect, failure, identity, state, type Credentials } from "./connection";

// Where the browser reaches the listener that the server tells of: a wildcard address is that of the page.
function found(varz: Varz | undefined): string {
    const at = varz?.websocket;
    const onePort = watched.value?.one_port;
    if (varz && !at?.port && onePort) return `ws://${location.hostname}:${onePort}`;
    if (!at?.port) return "";
    const isAny = !at.host || ["0.0.0.0", "::", "[::]"].includes(at.host);
    return `${at.no_tls ? "ws" : "wss"}://${isAny ? location.hostname : at.host}:${at.port}`;
}

export function ConnectForm() {
    const varz = usePoll<Varz>("varz", 30000).data;
    const url = useSignal("");
    const credentials = useSignal<Credentials>({ kind: "none", user: "", secret: "" });
    useEffect(() => {
        url.value ||= found(varz);
    }, [varz, watched.value]);
    if (state.value === "on" || state.value === "lost") return <Connected />;
    const set = (change: Partial<Credentials>) => (credentials.value = { ...credentials.value, ...change });
    const { kind, user, secret } = credentials.value;
    return (
        <Panel title="Connect" aside={<span class="quiet">As yourself: the server decides what you may do. Nothing is kept.</span>}>
            <form
                class="tools"
                onSubmit={(event) => {
                    event.preventDefault();
                    connect(url.value, credentials.value);
                }}
            >
                <input class="wide" aria-label="WebSocket address" placeholder="ws://localhost:8080" required value={url.value} onInput={(event) => (url.value = event.currentTarget.value)} />
                <select aria-label="Credentials" value={kind} onChange={(event) => set({ kind: event.currentTarget.value as Credentials["kind"] })}>
                    <option value="none">No credentials</option>
                    <option value="user">User and password</option>
                    <option value="token">Token</option>
                    <option value="nkey">NKey seed</option>
                </select>
                {kind === "user" && <input aria-label="User" placeholder="User" autocomplete="username" value={user} onInput={(event) => set({ user: event.currentTarget.value })} />}
                {kind !== "none" && (
                    <input
                        type="password"
                        aria-label={kind === "user" ? "Password" : kind === "token" ? "Token" : "Seed"}
                        placeholder={kind === "user" ? "Password" : kind === "token" ? "Token" : "Seed, SU…"}
                        autocomplete="current-password"
                        value={secret}
                        onInput={(event) => set({ secret: event.currentTarget.value })}
                    />
                )}
                <button class="main" disabled={state.value === "connecting"}>
                    {state.value === "connecting" ? "Connecting …" : "Connect"}
                </button>
            </form>
            {varz && !found(varz) && (
                <p class="quiet hint">
                    This server has no WebSocket listener. <code>websocket {"{ port: 8080, no_tls: true }"}</code> in its configuration makes one.
                </p>
            )}
            {failure.value && (
                <p class="bad hint" role="alert">
                    {failure.value}
                </p>
            )}
        </Panel>
    );
}

function Connected() {
    const me = identity.value;
    return (
        <section class="panel connected" aria-label="Connection">
            <span class={state.value === "on" ? "dot live" : "dot lost"} />
            <span>
                {state.value === "on" ? "Connected to" : "Reconnecting to"} <code>{address.value}</code>
            </span>
            {me && (
                <>
                    <Fact name="as" value={me.user || "no user"} />
                    <Fact name="account" value={me.account} />
                    <Fact name="may publish" value={me.publish} />
                    <Fact name="may subscribe" value={me.subscribe} />
                </>
            )}
            <button onClick={disconnect}>Disconnect</button>
        </section>
    );
}

const Fact = (props: { name: string; value: string }) => (
    <span>
        <span class="quiet">{props.name}</span> {props.value}
    </span>
);
