// What pages ask the monitoring endpoints for: again and again while they are shown, never twice at a time, and less
// often the longer an answer takes.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Polled<T> {
    data: T | undefined;
    // The last attempt failed; what there is, is what was said before.
    error: string | undefined;
    refresh: () => void;
}

// An answer may take this part of the time.
const SHARE = 10;

export async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
    const answer = await fetch(`../${path}`, { signal });
    const text = await answer.text();
    // A server that is not well says so with another status, in JSON as well.
    if (!text.startsWith("{") && !text.startsWith("[")) throw new Error(text.trim() || `status ${answer.status}`);
    return JSON.parse(text);
}

const inWords = (error: unknown): string =>
    error instanceof TypeError ? "the server does not answer" : error instanceof Error ? error.message : `${error}`;

export function usePoll<T>(path: string | undefined, every: number, read: (path: string, signal: AbortSignal) => Promise<T> = ask): Polled<T> {
    const [state, setState] = useState<{ path?: string; data?: T; error?: string }>({});
    const again = useRef<() => void>(() => {});
    useEffect(() => {
        if (path === undefined) return;
        const abort = new AbortController();
        let timer = 0;
        let isAsking = false;
        const round = async () => {
            clearTimeout(timer);
            if (isAsking || abort.signal.aborted) return;
            let wait = every;
            if (!document.hidden) {
                isAsking = true;
                const began = performance.now();
                try {
                    const data = await read(path, abort.signal);
                    if (!abort.signal.aborted) setState({ path, data });
                } catch (error) {
                    if (!abort.signal.aborted) setState((before) => ({ ...before, error: inWords(error) }));
                }
                isAsking = false;
                wait = Math.max(every, (performance.now() - began) * SHARE);
            }
            if (!abort.signal.aborted) timer = setTimeout(round, wait);
        };
        const shown = () => !document.hidden && round();
        again.current = round;
        document.addEventListener("visibilitychange", shown);
        addEventListener("console-refresh", round);
        round();
        return () => {
            abort.abort();
            clearTimeout(timer);
            document.removeEventListener("visibilitychange", shown);
            removeEventListener("console-refresh", round);
        };
    }, [path, every]);
    const refresh = useCallback(() => again.current(), []);
    return { data: state.data, error: state.error, refresh };
}

export interface Seen<T> {
    at: number;
    row: T;
}

// How fast a counter of a row grows: what it was the time before is kept by the row's key, while the row is shown.
export function useRates<T>(rows: T[] | undefined, at: string | undefined, key: (row: T) => string): (row: T, of: (row: T) => number) => number | undefined {
    const kept = useRef<{ at: number; now: Map<string, T>; before: Map<string, Seen<T>> }>({ at: 0, now: new Map(), before: new Map() });
    const time = at ? Date.parse(at) : 0;
    if (rows && time > kept.current.at) {
        const { at, now } = kept.current;
        const before = new Map<string, Seen<T>>();
        for (const [key, row] of now) before.set(key, { at, row });
        kept.current = { at: time, now: new Map(rows.map((row) => [key(row), row])), before };
    }
    return (row, of) => {
        const seen = kept.current.before.get(key(row));
        if (!seen) return undefined;
        const passed = (kept.current.at - seen.at) / 1000;
        return passed > 0 ? Math.max(0, (of(row) - of(seen.row)) / passed) : undefined;
    };
}
