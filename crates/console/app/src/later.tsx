// A page whose code is loaded when it is first shown.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Waiting } from "./parts";

export function later(load: () => Promise<{ default: ComponentType }>): ComponentType {
    let loaded: ComponentType | undefined;
    return function Later() {
        const [view, setView] = useState<{ it?: ComponentType; error?: string }>({ it: loaded });
        useEffect(() => {
            if (loaded) return;
            load().then(
                (module) => setView({ it: (loaded = module.default) }),
                () => setView({ error: "its code could not be loaded" }),
            );
        }, []);
        return view.it ? <view.it /> : <Waiting error={view.error} />;
    };
}
