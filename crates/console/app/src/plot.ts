// uPlot, as the charts use it. It is a chunk of its own.
import uPlot from "uplot";
import type { ChartProps, Line } from "./chart";
import { samples, SHOWN_SECONDS } from "./live";
import { colour, theme } from "./theme";

// A pause longer than this between two samples is a gap in the line.
const GAP_MS = 3000;
const HEIGHT = 164;

export interface Plot {
    update: () => void;
    destroy: () => void;
}

const sync = uPlot.sync("time");

function columns(lines: Line[]): uPlot.AlignedData {
    const times: number[] = [];
    const values: (number | null)[][] = lines.map(() => []);
    samples.forEach((row, index) => {
        const isGap = index > 0 && row[0] - samples[index - 1]![0] > GAP_MS;
        times.push(row[0] / 1000);
        lines.forEach((line, at) => values[at]!.push(isGap ? null : line.of(row)));
    });
    return [times, ...values];
}

// Times of the axis: whole minutes.
const clock = (seconds: number) => new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

// Steps of a scale of bytes.
const BINARY_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);

// A scale says `20k`, not `20.0k`.
const round = (text: string) => text.replace(/\.0+(?=\D|$)/, "");

export function draw(box: HTMLElement, props: ChartProps, onPoint: (index: number | null) => void): Plot {
    const { lines, show, least = 1 } = props;
    let chart = make();
    const resized = new ResizeObserver(() => chart.setSize({ width: box.clientWidth - 12, height: HEIGHT }));
    resized.observe(box);
    const redraw = () => {
        chart.destroy();
        chart = make();
    };
    let drawn = theme.peek();
    const stopTheme = theme.subscribe((now) => {
        if (now !== drawn) queueMicrotask(redraw);
        drawn = now;
    });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", redraw);

    function make(): uPlot {
        const [text, rule] = [colour("text-quiet"), colour("line")];
        const axis = { stroke: text, font: "11px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: rule, width: 1 } };
        const options: uPlot.Options = {
            width: Math.max(60, box.clientWidth - 12),
            height: HEIGHT,
            padding: [10, 20, 0, 0],
            legend: { show: false },
            cursor: { sync: { key: sync.key, setSeries: false }, drag: { x: false, y: false }, y: false, points: { size: 5 } },
            scales: {
                x: { range: (_, __, max) => [max - SHOWN_SECONDS, max] },
                y: { range: (_, __, max) => [0, Math.max(least, (max || 0) * 1.12)] },
            },
            axes: [
                { ...axis, size: 24, space: 70, values: (_, splits) => splits.map(clock), incrs: [60, 120, 300, 600] },
                { ...axis, size: 58, space: 34, incrs: props.isBinary ? BINARY_STEPS : undefined, values: (_, splits) => splits.map((value) => round(show(value))) },
            ],
            series: [
                {},
                ...lines.map((line, index) => {
                    const stroke = colour(line.colour);
                    const fill = index === 0 ? stroke.replace("rgb(", "rgba(").replace(")", ", 0.09)") : undefined;
                    return { label: line.label, stroke, width: 1.25, fill, points: { show: false }, spanGaps: false };
                }),
            ],
            hooks: { setCursor: [(self) => onPoint(self.cursor.idx ?? null)] },
        };
        return new uPlot(options, columns(lines), box);
    }

    return {
        update: () => chart.setData(columns(lines)),
        destroy: () => {
            resized.disconnect();
            stopTheme();
            system.removeEventListener("change", redraw);
            chart.destroy();
        },
    };
}
