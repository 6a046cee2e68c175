// What needs a connection of the reader's own: shown once there is one.
import type { ComponentChildren } from "preact";
import { ConnectForm } from "./connect_form";
import { state } from "./connection";

export function Connected(props: { children: ComponentChildren }) {
    return (
        <>
            <ConnectForm />
            {(state.value === "on" || state.value === "lost") && props.children}
        </>
    );
}
