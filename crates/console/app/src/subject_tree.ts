// Subscriptions as a tree of tokens.
import type { Subscription } from "./monitoring";

export interface Branch {
    token: string;
    // The subject from the root to here.
    path: string;
    depth: number;
    // Subscriptions to just this subject, those of them that the server itself has, and what they were sent.
    own: number;
    inner: number;
    msgs: number;
    // Subscriptions further down.
    below: number;
    // Members of queue groups, by the group's name.
    queues: Map<string, number>;
    children: Map<string, Branch>;
}

// Tokens of a subject that are told apart: what is longer hangs at the last as one.
const DEPTH_MAX = 16;

const branch = (token: string, path: string, depth: number): Branch => ({
    token,
    path,
    depth,
    own: 0,
    inner: 0,
    msgs: 0,
    below: 0,
    queues: new Map(),
    children: new Map(),
});

export function grown(subscriptions: Subscription[]): Branch {
    const root = branch("", "", -1);
    for (const subscription of subscriptions) {
        const tokens = subscription.subject.split(".");
        const deep = tokens.length > DEPTH_MAX ? [...tokens.slice(0, DEPTH_MAX - 1), tokens.slice(DEPTH_MAX - 1).join(".")] : tokens;
        let at = root;
        deep.forEach((token, depth) => {
            at.below++;
            let next = at.children.get(token);
            if (!next) at.children.set(token, (next = branch(token, depth ? `${at.path}.${token}` : token, depth)));
            at = next;
        });
        at.own++;
        at.msgs += subscription.msgs;
        if (subscription.cid === 0) at.inner++;
        if (subscription.qgroup) at.queues.set(subscription.qgroup, (at.queues.get(subscription.qgroup) ?? 0) + 1);
    }
    return root;
}

// What requests are answered on: seldom of interest, and there is one for each client.
const INBOX = /^_INBOX/;

// Whether a branch is open unless the reader has it otherwise.
export const opensItself = (at: Branch) => !INBOX.test(at.path);

// A row may stand for several tokens, if nothing else is below the first of them.
function joined(at: Branch, depth: number): Branch {
    let token = at.token;
    while (at.own === 0 && at.children.size === 1) {
        at = at.children.values().next().value!;
        token += `.${at.token}`;
    }
    return { ...at, token, depth };
}

// The branches as rows, by name. A list has those alone that somebody subscribes to; in a tree what is below a closed one
// is left out, and those in `toggled` are as they are not by themselves.
export function outline(root: Branch, isList: boolean, toggled: ReadonlySet<string>): Branch[] {
    const rows: Branch[] = [];
    const visit = (branch: Branch, depth: number) => {
        const at = isList || depth < 0 ? branch : joined(branch, depth);
        if (depth >= 0 && (!isList || at.own > 0)) rows.push(at);
        if (!isList && depth >= 0 && opensItself(at) === toggled.has(at.path)) return;
        const children = [...at.children.values()].toSorted((one, other) => one.token.localeCompare(other.token));
        children.forEach((child) => visit(child, depth + 1));
    };
    visit(root, -1);
    return rows;
}
