// What the server says of where a message would go, or whether one may listen: asked, and nothing done.
import { useSignal } from "@preact/signals";
import { count, plural } from "../format";
import { state } from "../connected/connection";
import { explain, type Deed, type Explanation, type Place } from "./session";

const GOOD = ["allowed", "carried"];

export function Explain(props: { deed: Deed; what: string }) {
    const { deed, what } = props;
    const said = useSignal<{ of: string; it: Explanation | string } | undefined>(undefined);
    const ask = async () => {
        said.value = { of: what, it: await explain(deed, what) };
    };
    const isOff = state.value !== "on" || !what;
    return (
        <>
            <button type="button" disabled={isOff} title={isOff ? "Connect and name a subject" : "Ask the server what it would do"} onClick={ask}>
                Explain
            </button>
            {said.value && <Said of={said.value.of} it={said.value.it} onClose={() => (said.value = undefined)} />}
        </>
    );
}

function Said(props: { of: string; it: Explanation | string; onClose: () => void }) {
    const { it } = props;
    return (
        <div class="said" role="status">
            <div class="tools">
                <code>{props.of}</code>
                {typeof it === "string" ? <span class="bad">{it}</span> : <span class={it.is_allowed ? "badge good" : "badge bad"}>{it.is_allowed ? "allowed" : "not allowed"}</span>}
                <span class="end">
                    <button type="button" class="plain" onClick={props.onClose}>
                        Close
                    </button>
                </span>
            </div>
            {typeof it !== "string" && (
                <ul class="reasons">
                    {it.steps.map((step) => (
                        <li key={step.check + step.because}>
                            <span class={GOOD.includes(step.verdict) ? "good" : "bad"}>
                                {step.check.replace("_", " ")} {step.verdict}
                            </span>
                            : {step.because}
                        </li>
                    ))}
                    {(it.reaches ?? []).map((place) => (
                        <li key={place.account + place.subject}>
                            Reaches <code class="inline">{place.subject}</code> in {place.account}: {listeners(place)}
                        </li>
                    ))}
                </ul>
            )}
        </div>
    );
}

function listeners(place: Place): string {
    const words = [
        place.is_claimed && "the server itself",
        place.subscriptions > 0 && `${count(place.subscriptions)} subscribed`,
        place.services > 0 && plural(place.services, "stream or service", "streams or services"),
        ...place.queue_groups.map((group) => `one of ${count(group.members)} in ${group.queue}`),
    ].filter(Boolean);
    return words.join(", ") || "nobody on this server";
}
