// A figure over the last minutes. The library that draws it is loaded when the first one is shown.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { clock } from "./format";
import { samples, ticks } from "./live";
import type { Plot } from "./plot";

export interface Line {
    label: string;
    // A name of the theme's colours.
    colour: string;
    of: (row: (typeof samples)[number]) => number;
}

export interface ChartProps {
    title: string;
    lines: Line[];
    show: (value: number) => string;
    // The scale reaches at least here.
    least?: number;
    // Its scale is one of bytes: powers of two.
    isBinary?: boolean;
}

export function Chart(props: ChartProps) {
    const box = useRef<HTMLDivElement>(null);
    const plot = useRef<Plot | undefined>(undefined);
    const under = useSignal<number | null>(null);
    useEffect(() => {
        let isGone = false;
        import("./plot").then(({ draw }) => {
            if (isGone || !box.current) return;
            plot.current = draw(box.current, props, (index) => {
                under.value = index;
            });
        });
        const stop = ticks.subscribe(() => plot.current?.update());
        return () => {
            isGone = true;
            stop();
            plot.current?.destroy();
            plot.current = undefined;
        };
    }, [props.lines.length]);
    void ticks.value;
    const at = under.value === null ? samples.length - 1 : under.value;
    const row = samples[at];
    return (
        <section class="panel chart" aria-label={props.title}>
            <header>
                <h2>{props.title}</h2>
                <div class="keys">
                    {props.lines.map((line) => (
                        <span key={line.label}>
                            <i style={{ background: `var(--${line.colour})` }} />
                            {line.label} <b>{row ? props.show(line.of(row)) : "–"}</b>
                        </span>
                    ))}
                    <span class="when">{under.value === null || !row ? "now" : clock(row[0])}</span>
                </div>
            </header>
            <div class="plot" ref={box} aria-hidden="true" />
        </section>
    );
}
