// What is loaded when it is first shown.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Waiting } from "./parts";

export function later<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
    let loaded: ComponentType<P> | undefined;
    return function Later(props: P) {
        const [view, setView] = useState<{ It?: ComponentType<P>; error?: string }>({ It: loaded });
        useEffect(() => {
            if (loaded) return;
            load().then(
                (module) => setView({ It: (loaded = module.default) }),
                () => setView({ error: "its code could not be loaded" }),
            );
        }, []);
        return view.It ? <view.It {...props} /> : <Waiting error={view.error} />;
    };
}
