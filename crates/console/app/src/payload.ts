// A payload as text, as JSON, or byte by byte. It is always shown as text, never as markup.

export type Form = "text" | "json" | "hex" | "base64";

// Bytes that are shown of one payload.
const SHOWN_BYTES = 16 * 1024;
const LINE_BYTES = 16;

const STRICT = new TextDecoder("utf-8", { fatal: true });

export function isText(payload: Uint8Array): boolean {
    try {
        return !/[\u0000-\u0008\u000e-\u001f]/.test(STRICT.decode(payload));
    } catch {
        return false;
    }
}

export function suited(payload: Uint8Array): Form {
    if (!isText(payload)) return "hex";
    const first = String.fromCharCode(payload[0] ?? 0);
    return (first === "{" || first === "[") && parsed(payload) !== undefined ? "json" : "text";
}

function parsed(payload: Uint8Array): unknown {
    try {
        return JSON.parse(STRICT.decode(payload));
    } catch {
        return undefined;
    }
}

export const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

export function shown(payload: Uint8Array, form: Form): string {
    const some = payload.subarray(0, SHOWN_BYTES);
    switch (form) {
        case "hex":
            return hex(some);
        case "base64":
            return btoa(String.fromCharCode(...some)).replace(/.{76}/g, "$&\n");
        case "json": {
            const value = parsed(payload);
            return value === undefined ? text(some) : JSON.stringify(value, null, 2).slice(0, SHOWN_BYTES);
        }
        default:
            return text(some);
    }
}

function hex(payload: Uint8Array): string {
    const lines: string[] = [];
    for (let at = 0; at < payload.length; at += LINE_BYTES) {
        const line = [...payload.subarray(at, at + LINE_BYTES)];
        const digits = line.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
        const letters = line.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
        lines.push(`${at.toString(16).padStart(6, "0")}  ${digits.padEnd(LINE_BYTES * 3 - 1)}  ${letters}`);
    }
    return lines.join("\n");
}

// One line of it for a list.
export function preview(payload: Uint8Array): string {
    const some = payload.subarray(0, 200);
    return isText(payload) ? text(some).replace(/\s+/g, " ") : `${payload.length} bytes, no text`;
}
