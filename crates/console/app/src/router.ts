// Where the reader is: `#/page/part/part?key=value`. The server knows nothing of it, so the page works below any path.
import { signal } from "@preact/signals";

export interface Place {
    page: string;
    parts: string[];
    query: URLSearchParams;
}

function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

function read(): Place {
    const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
    const [page = "", ...parts] = path.split("/").map(decoded);
    return { page: page || "overview", parts, query: new URLSearchParams(query) };
}

export const place = signal<Place>(read());

addEventListener("hashchange", () => {
    place.value = read();
});

type Query = Record<string, string | number | undefined>;

// The address of a page; what is empty of the query is left out.
export function to(page: string, parts: string[] = [], query: Query = {}): string {
    const words = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== "") words.set(key, `${value}`);
    const text = words.toString();
    return `#/${[page, ...parts].map(encodeURIComponent).join("/")}${text && `?${text}`}`;
}

// The same page with something else in its query. The reader's way back leads past it.
export function refine(change: Query) {
    const { page, parts, query } = place.value;
    const all: Query = { ...Object.fromEntries(query), ...change };
    history.replaceState(null, "", to(page, parts, all));
    place.value = read();
}
