// The rows of a page: in the order that is asked for, so many at a time, and what stands there while there are none.
// Order and place are in the address, so that it can be passed on.
import type { ComponentChildren } from "preact";
import type { Polled } from "./fetching";
import { Pager, Stale, Waiting } from "./parts";
import { place, refine } from "./router";
import { ordered, type Sorting } from "./table";

// Rows at a time.
export const PAGE_ROWS = 200;

// By what rows can be sorted: figures with the largest first, words from A on.
export type Figures<T> = Record<string, (row: T) => number | string>;

interface Props<T> {
    of: Polled<unknown>;
    // All of them.
    rows: T[];
    what: string;
    // What stands above them, where a page has more than these.
    title?: string;
    figures: Figures<T>;
    // The figure by which they are sorted if nobody says.
    by: string;
    // What stands in their place if there are none.
    none: ComponentChildren;
    children: (rows: T[], sorting: Sorting) => ComponentChildren;
}

export function List<T>(props: Props<T>) {
    const { data, error } = props.of;
    return (
        <>
            <Stale error={data ? error : undefined} />
            {data ? <Sorted {...props} /> : <Waiting error={error} />}
        </>
    );
}

function Sorted<T>(props: Props<T>) {
    const { query } = place.value;
    const from = Number(query.get("from") ?? 0) || 0;
    const wanted = query.get("sort") ?? props.by;
    const sort = wanted in props.figures ? wanted : props.by;
    const figure = props.figures[sort]!;
    const rows = ordered(props.rows, figure);
    const shown = rows.slice(from, from + PAGE_ROWS);
    const isNumber = rows[0] !== undefined && typeof figure(rows[0]) === "number";
    return (
        <section class="panel" aria-label={props.title}>
            {props.title && (
                <header>
                    <h2>{props.title}</h2>
                </header>
            )}
            {rows.length === 0 ? props.none : props.children(shown, { by: sort, descending: isNumber, onSort: (by) => refine({ sort: by, from: undefined }) })}
            <Pager from={from} shown={shown.length} total={rows.length} size={PAGE_ROWS} what={props.what} onMove={(from) => refine({ from: from || undefined })} />
        </section>
    );
}
