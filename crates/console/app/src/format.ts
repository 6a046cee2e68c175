// Numbers, sizes and times as people read them. Digits have one width, so a figure does not move when it changes.

const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (n: number | undefined): string => (n === undefined ? "–" : GROUPED.format(n));

function scaled(n: number, step: number, units: string[]): [string, string] {
    let at = 0;
    while (Math.abs(n) >= step && at < units.length - 1) {
        n /= step;
        at++;
    }
    const digits = at === 0 || n >= 100 ? 0 : n >= 10 ? 1 : 2;
    return [n.toFixed(digits), units[at]!];
}

// As `[12.3, k]`: for large figures, whose unit stands smaller beside them.
export const shortParts = (n: number): [string, string] =>
    Math.abs(n) < 10_000 ? [GROUPED.format(n), ""] : scaled(n, 1000, ["", "k", "M", "G", "T"]);

export const short = (n: number): string => shortParts(n).join("");

export const bytesParts = (n: number): [string, string] => scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);

export const bytes = (n: number | undefined): string => (n === undefined ? "–" : bytesParts(n).join(" "));

// How often a second, if that is known.
export const perSecond = (rate: number | undefined): string => (rate === undefined ? "–" : short(Math.round(rate)));

// What stands for no limit.
export const limit = (n: number | undefined, show: (n: number) => string = count): string =>
    n === undefined || n < 0 ? "none" : show(n);

export function seconds(s: number): string {
    if (s < 1) return `${Math.round(s * 1000)} ms`;
    if (s < 60) return `${Math.floor(s)} s`;
    const parts: [number, string][] = [
        [Math.floor(s / 86400), "d"],
        [Math.floor(s / 3600) % 24, "h"],
        [Math.floor(s / 60) % 60, "m"],
        [Math.floor(s) % 60, "s"],
    ];
    const from = parts.findIndex(([n]) => n > 0);
    return parts.slice(from, from + 2).filter(([n]) => n > 0).map(([n, unit]) => `${n}${unit}`).join(" ");
}

export const nanos = (n: number | undefined): string => (n === undefined ? "–" : n === 0 ? "none" : seconds(n / 1e9));

// Of times that are short: microseconds matter.
export const brief = (s: number): string => (s < 0.001 ? `${Math.round(s * 1e6)} µs` : s < 0.1 ? `${(s * 1000).toFixed(1).replace(".0", "")} ms` : seconds(s));

const GO_UNITS: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 1e-3, "µs": 1e-6, us: 1e-6, ns: 1e-9 };

// A length of time as Go writes it, `1m2.5s`, with as much of it as says something.
export function goTime(text: string | undefined): string {
    if (!text) return "–";
    const parts = [...text.matchAll(/([\d.]+)(h|ms|µs|us|ns|m|s)/g)];
    return brief(parts.reduce((sum, [, number, unit]) => sum + Number(number) * GO_UNITS[unit!]!, 0));
}

// What begins with the year one was never.
export const isMoment = (text: string | undefined): text is string => !!text && !text.startsWith("0001");

export const since = (text: string | undefined, now: number): string =>
    isMoment(text) ? seconds(Math.max(0, (now - Date.parse(text)) / 1000)) : "–";

export const ago = (text: string | undefined, now: number): string => (isMoment(text) ? `${since(text, now)} ago` : "never");

export const clock = (ms: number): string => new Date(ms).toLocaleTimeString("en-GB");

export const moment = (text: string | undefined): string =>
    isMoment(text) ? new Date(text).toLocaleString("sv-SE", { timeZoneName: "short" }) : "–";

export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;
