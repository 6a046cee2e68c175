// Small things that pages are made of.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { refine } from "./router";

export function Figure(props: { label: string; parts: [string, string]; note?: string }) {
    const [number, unit] = props.parts;
    return (
        <div>
            <dt>{props.label}</dt>
            <dd>
                {number}
                {unit && <small>{unit}</small>}
            </dd>
            {props.note !== undefined && <span class="note">{props.note}</span>}
        </div>
    );
}

export function Panel(props: { title: string; aside?: ComponentChildren; children: ComponentChildren; flush?: boolean }) {
    return (
        <section class="panel" aria-label={props.title}>
            <header>
                <h2>{props.title}</h2>
                {props.aside}
            </header>
            {props.flush ? props.children : <div class="body">{props.children}</div>}
        </section>
    );
}

export function Title(props: { children: ComponentChildren; aside?: ComponentChildren }) {
    return (
        <div class="title">
            <h1>{props.children}</h1>
            {props.aside && <span class="quiet">{props.aside}</span>}
        </div>
    );
}

export function Empty(props: { what: string; children?: ComponentChildren }) {
    return (
        <div class="empty">
            <b>{props.what}</b>
            {props.children}
        </div>
    );
}

// What a page shows while there is nothing to show yet, or nothing any more.
export function Waiting(props: { error: string | undefined }) {
    return props.error ? (
        <div class="notice bad" role="alert">
            Cannot be shown: {props.error}
        </div>
    ) : (
        <div class="empty" aria-busy="true">
            Asking the server …
        </div>
    );
}

export function Stale(props: { error: string | undefined }) {
    return props.error ? (
        <div class="notice" role="status">
            What is shown is old: {props.error}.
        </div>
    ) : null;
}

export function Facts(props: { rows: [string, ComponentChildren][] }) {
    return (
        <dl class="facts">
            {props.rows.map(([name, value]) => (
                <>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </>
            ))}
        </dl>
    );
}

// How full something is, from 0 to 1.
export function Bar(props: { share: number; warn?: number; bad?: number; label: string }) {
    const { share, warn = 0.7, bad = 0.9 } = props;
    const kind = share >= bad ? "bar bad" : share >= warn ? "bar warn" : "bar";
    return (
        <span class={kind} role="img" aria-label={props.label}>
            <i style={{ width: `${Math.min(100, Math.max(share > 0 ? 2 : 0, share * 100))}%` }} />
        </span>
    );
}

export function Choice<T extends string>(props: { label: string; value: T; options: [T, string][]; onPick: (value: T) => void }) {
    return (
        <span class="choice" role="group" aria-label={props.label}>
            {props.options.map(([value, words]) => (
                <button key={value} aria-pressed={value === props.value} onClick={() => props.onPick(value)}>
                    {words}
                </button>
            ))}
        </span>
    );
}

// A word to look for, kept in the address so that it can be passed on.
export function Search(props: { name: string; label: string; value: string; also?: Record<string, string | undefined> }) {
    const [text, setText] = useState(props.value);
    useEffect(() => setText(props.value), [props.value]);
    useEffect(() => {
        const timer = setTimeout(() => text !== props.value && refine({ ...props.also, [props.name]: text }), 250);
        return () => clearTimeout(timer);
    }, [text]);
    return (
        <input
            class="wide"
            type="search"
            data-search
            aria-label={props.label}
            placeholder={props.label}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
        />
    );
}

export function Pager(props: { from: number; shown: number; total: number; size: number; what: string; note?: string; onMove: (from: number) => void }) {
    const { from, shown, total, size } = props;
    if (total === 0) return null;
    const number = (n: number) => n.toLocaleString("en");
    return (
        <div class="pager">
            <span>
                {shown === 0 ? "0" : `${number(from + 1)}–${number(from + shown)}`} of {number(total)} {props.what}
            </span>
            {props.note && <span>{props.note}</span>}
            {total > size && (
                <span class="end">
                    <button disabled={from === 0} onClick={() => props.onMove(Math.max(0, from - size))}>
                        Previous
                    </button>
                    <button disabled={from + shown >= total} onClick={() => props.onMove(from + size)}>
                        Next
                    </button>
                </span>
            )}
        </div>
    );
}
