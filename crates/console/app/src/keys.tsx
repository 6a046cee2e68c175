// Keys: `g` and a letter go to a page, `/` to the search, `r` asks again, `?` tells of them.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { PAGES } from "./pages";
import { to } from "./router";

const HELP = "console-help";
const CHORD_MS = 1200;

const isTyping = (target: EventTarget | null) =>
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function useKeys() {
    useEffect(() => {
        let chordUntil = 0;
        const pressed = (event: KeyboardEvent) => {
            if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
            const page = performance.now() < chordUntil ? PAGES.find((one) => one.key === event.key) : undefined;
            chordUntil = 0;
            if (page) location.hash = to(page.name);
            else if (event.key === "g") chordUntil = performance.now() + CHORD_MS;
            else if (event.key === "r") dispatchEvent(new Event("console-refresh"));
            else if (event.key === "?") dispatchEvent(new Event(HELP));
            else if (event.key === "/") document.querySelector<HTMLInputElement>("[data-search]")?.focus();
            else return;
            event.preventDefault();
        };
        addEventListener("keydown", pressed);
        return () => removeEventListener("keydown", pressed);
    }, []);
}

export function Help() {
    const dialog = useRef<HTMLDialogElement>(null);
    const isOpen = useSignal(false);
    useEffect(() => {
        const open = () => {
            isOpen.value = true;
            dialog.current?.showModal();
        };
        addEventListener(HELP, open);
        return () => removeEventListener(HELP, open);
    }, []);
    return (
        <dialog ref={dialog} aria-label="Keys" onClose={() => (isOpen.value = false)}>
            {isOpen.value && (
                <form method="dialog">
                    <h1>Keys</h1>
                    <dl class="facts keys-list">
                        {PAGES.map((page) => (
                            <>
                                <dt>
                                    <kbd>g</kbd> <kbd>{page.key}</kbd>
                                </dt>
                                <dd>{page.title}</dd>
                            </>
                        ))}
                        <dt>
                            <kbd>/</kbd>
                        </dt>
                        <dd>Search this page</dd>
                        <dt>
                            <kbd>r</kbd>
                        </dt>
                        <dd>Ask again</dd>
                        <dt>
                            <kbd>?</kbd>
                        </dt>
                        <dd>This list</dd>
                    </dl>
                    <button class="main" autofocus>
                        Close
                    </button>
                </form>
            )}
        </dialog>
    );
}
