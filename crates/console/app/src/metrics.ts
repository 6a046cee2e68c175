// `/metrics`, read for what the JSON endpoints do not have: figures by shard.

export class Metrics {
    constructor(private readonly series: Map<string, { labels: Record<string, string>; value: number }[]>) {}

    // All series of that name with these labels, added up.
    sum(name: string, labels: Record<string, string>): number {
        const wanted = Object.entries(labels);
        const found = this.series.get(name)?.filter((one) => wanted.every(([label, value]) => one.labels[label] === value));
        return found?.reduce((sum, one) => sum + one.value, 0) ?? 0;
    }

    // The bounds of a histogram's buckets, as they are written, in order.
    bounds(name: string): string[] {
        return [...new Set(this.series.get(name)?.map((one) => one.labels.le ?? ""))];
    }
}

export function readMetrics(text: string): Metrics {
    const series = new Map<string, { labels: Record<string, string>; value: number }[]>();
    for (const line of text.split("\n")) {
        const found = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
        if (!found) continue;
        const [, name, labels, value] = found;
        const pairs = [...(labels ?? "").matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => [label!, value!] as const);
        const all = series.get(name!) ?? [];
        all.push({ labels: Object.fromEntries(pairs), value: Number(value) });
        series.set(name!, all);
    }
    return new Metrics(series);
}

export async function askMetrics(path: string, signal: AbortSignal): Promise<Metrics> {
    const answer = await fetch(`../${path}`, { signal });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return readMetrics(await answer.text());
}
