// A button that changes something: it asks first where that cannot be undone, and says what came of it.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { readOnly } from "../live";
import { inWords, state } from "./connection";

interface Props {
    name: string;
    // What it would do, if it is to be asked first.
    sure?: string;
    // Why it cannot be done, if it cannot.
    why?: string | false;
    run: () => Promise<string | void>;
}

export function Deed(props: Props) {
    const said = useSignal<{ words: string; isBad?: boolean } | undefined>(undefined);
    const isBusy = useSignal(false);
    const dialog = useRef<HTMLDialogElement>(null);
    const why = readOnly.value ? "This console only reads" : state.value !== "on" ? "Connect first" : props.why || undefined;
    const run = async () => {
        isBusy.value = true;
        said.value = undefined;
        try {
            const words = await props.run();
            said.value = words ? { words } : undefined;
        } catch (error) {
            said.value = { words: inWords(error), isBad: true };
        }
        isBusy.value = false;
    };
    return (
        <>
            <button type="button" disabled={!!why || isBusy.value} title={why} onClick={() => (props.sure ? dialog.current?.showModal() : run())}>
                {props.name}
            </button>
            {said.value && (
                <span class={said.value.isBad ? "bad" : "quiet"} role="status">
                    {said.value.words}
                </span>
            )}
            {props.sure && (
                <dialog ref={dialog} aria-label={props.name} onClose={(event) => event.currentTarget.returnValue === "yes" && run()}>
                    <form method="dialog" class="stack">
                        <h2>{props.name}</h2>
                        <p>{props.sure}</p>
                        <div class="tools">
                            <button class="main" value="yes">
                                {props.name}
                            </button>
                            <button value="no" autofocus>
                                Keep things as they are
                            </button>
                        </div>
                    </form>
                </dialog>
            )}
        </>
    );
}
