// What stands around every page: the list of pages, which server this is, and whether it is heard.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { clock, moment, since } from "./format";
import { Help, useKeys } from "./keys";
import { link, lostAt, now, outdated, restarted, showsMessages, watched } from "./live";
import { PAGES } from "./pages";
import { place, to } from "./router";
import { nextTheme, theme } from "./theme";
import { Empty } from "./parts";

export function Shell() {
    const isOpen = useSignal(false);
    const main = useRef<HTMLElement>(null);
    const { page } = place.value;
    useKeys();
    useEffect(() => {
        isOpen.value = false;
        const name = PAGES.find((one) => one.name === page)?.title ?? "Not found";
        document.title = `${name} · ${watched.value?.title || watched.value?.server_name || "BusterMQ"}`;
    }, [page, watched.value]);
    const found = PAGES.find((one) => one.name === page);
    return (
        <div class="shell">
            <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
                Skip to the page
            </a>
            <div class={isOpen.value ? "side open" : "side"}>
                <div class="row">
                    <a class="brand" href={to("overview")}>
                        <Mark />
                        BusterMQ
                    </a>
                    <button class="menu" aria-expanded={isOpen.value} onClick={() => (isOpen.value = !isOpen.value)}>
                        {isOpen.value ? "Close" : "Pages"}
                    </button>
                </div>
                <Pages current={page} />
                <div class="foot">
                    <button class="plain" onClick={nextTheme} aria-label={`Theme: ${theme.value}`}>
                        Theme: {theme.value}
                    </button>
                    <a class="licences" href="licences.txt">
                        Licences
                    </a>
                </div>
            </div>
            <div>
                <Head />
                <Banners />
                <main ref={main} id="main" tabIndex={-1}>
                    {!found ? (
                        <Empty what="There is no such page">Pick one from the list.</Empty>
                    ) : found.isOfMessages && !showsMessages.value ? (
                        <Empty what="Messages are not shown here">The server's configuration says so.</Empty>
                    ) : (
                        <found.view key={page} />
                    )}
                </main>
            </div>
            <Help />
        </div>
    );
}

function Mark() {
    return (
        <svg viewBox="0 0 16 16" aria-hidden="true">
            <rect width="16" height="16" rx="3.5" fill="#14506b" />
            <path d="M3.5 11.5v-4M6.5 11.5v-7M9.5 11.5v-5M12.5 11.5v-8" stroke="#fff" stroke-width="1.6" stroke-linecap="round" />
        </svg>
    );
}

function Pages(props: { current: string }) {
    let group = "";
    return (
        <nav aria-label="Pages">
            {PAGES.filter((page) => showsMessages.value || !page.isOfMessages).map((page) => {
                const heading = page.group !== group && page.group ? <span key={page.group}>{page.group}</span> : null;
                group = page.group;
                return (
                    <>
                        {heading}
                        <a key={page.name} href={to(page.name)} aria-current={page.name === props.current ? "page" : undefined}>
                            {page.title}
                        </a>
                    </>
                );
            })}
        </nav>
    );
}

function Head() {
    const server = watched.value;
    return (
        <header class="head">
            <span class="name">{server ? server.title || server.server_name : "…"}</span>
            {server && (
                <>
                    {server.title && <span class="quiet">{server.server_name}</span>}
                    <span class="quiet" title={`Compatible with nats-server ${server.version}`}>
                        v{server.own_version}
                    </span>
                    <span class="quiet" title={`Started ${moment(server.start)}`}>
                        up {since(server.start, now.value)}
                    </span>
                </>
            )}
            <LinkState />
        </header>
    );
}

function LinkState() {
    const words = {
        connecting: "connecting",
        live: "live",
        lost: `not heard since ${clock(lostAt.value)}`,
        full: "no place left to watch",
    }[link.value];
    return (
        <span class="status" role="status">
            <span class={link.value === "live" ? "dot live" : link.value === "connecting" ? "dot" : "dot lost"} />
            {words}
        </span>
    );
}

function Banners() {
    return (
        <>
            {restarted.value && (
                <div class="banner" role="status">
                    The server was started again; figures begin anew.
                    <button class="plain" onClick={() => (restarted.value = false)}>
                        Dismiss
                    </button>
                </div>
            )}
            {outdated.value && (
                <div class="banner" role="status">
                    The server has another version of this page.
                    <button class="plain" onClick={() => location.reload()}>
                        Load it
                    </button>
                </div>
            )}
        </>
    );
}
