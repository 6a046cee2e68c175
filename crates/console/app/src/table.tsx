// A list of rows. Which are shown and in what order is the page's business.
import { Fragment, type ComponentChildren } from "preact";

export interface Column<T> {
    key: string;
    head: string;
    cell: (row: T) => ComponentChildren;
    num?: boolean;
    clip?: boolean;
    wrap?: boolean;
    // What a click on its head sorts by, if anything.
    sort?: string;
    hint?: string;
}

export interface Sorting {
    by: string;
    descending: boolean;
    onSort: (by: string) => void;
}

interface Props<T> {
    label: string;
    columns: Column<T>[];
    rows: T[];
    rowKey: (row: T) => string | number;
    rowClass?: (row: T) => string | undefined;
    sorting?: Sorting;
    // What stands below a row that is opened.
    detail?: (row: T) => ComponentChildren;
}

export function Table<T>(props: Props<T>) {
    const { columns, sorting } = props;
    const kind = (column: Column<T>) =>
        [column.num && "num", column.clip && "clip", column.wrap && "wrap"].filter(Boolean).join(" ") || undefined;
    return (
        <div class="table" tabIndex={0} role="region" aria-label={props.label}>
            <table>
                <thead>
                    <tr>
                        {columns.map((column) => (
                            <Head key={column.key} column={column} sorting={sorting} />
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {props.rows.map((row) => {
                        const detail = props.detail?.(row);
                        const key = props.rowKey(row);
                        return (
                            <Fragment key={key}>
                                <tr class={props.rowClass?.(row)}>
                                    {columns.map((column) => (
                                        <td key={column.key} class={kind(column)}>
                                            {column.cell(row)}
                                        </td>
                                    ))}
                                </tr>
                                {detail && (
                                    <tr class="detail">
                                        <td colSpan={columns.length}>{detail}</td>
                                    </tr>
                                )}
                            </Fragment>
                        );
                    })}
                </tbody>
            </table>
        </div>
    );
}

function Head<T>(props: { column: Column<T>; sorting?: Sorting }) {
    const { column, sorting } = props;
    const kind = column.num ? "num" : undefined;
    if (!sorting || !column.sort) {
        return (
            <th scope="col" class={kind} title={column.hint}>
                {column.head}
            </th>
        );
    }
    const isIt = sorting.by === column.sort;
    const order = isIt ? (sorting.descending ? "descending" : "ascending") : undefined;
    return (
        <th scope="col" class={kind} aria-sort={order} title={column.hint}>
            <button onClick={() => sorting.onSort(column.sort!)}>
                {column.head}
                {isIt && <span aria-hidden="true">{sorting.descending ? "↓" : "↑"}</span>}
            </button>
        </th>
    );
}

// Rows in the order of a figure or a word of theirs; those with the largest figure first, words from A on.
export function ordered<T>(rows: T[], of: (row: T) => number | string, descending = true): T[] {
    const compare = (one: T, other: T) => {
        const [a, b] = [of(one), of(other)];
        return typeof a === "string" || typeof b === "string" ? `${a}`.localeCompare(`${b}`) : b - a;
    };
    return rows.toSorted((one, other) => (descending ? compare(one, other) : compare(other, one)));
}
