// Light, dark, or what the system says; kept in this browser.
import { signal } from "@preact/signals";

const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

function kept(): Theme {
    try {
        const theme = localStorage.getItem("theme") as Theme;
        return THEMES.includes(theme) ? theme : "auto";
    } catch {
        return "auto";
    }
}

export const theme = signal<Theme>(kept());

export function applyTheme() {
    const { dataset } = document.documentElement;
    if (theme.value === "auto") delete dataset.theme;
    else dataset.theme = theme.value;
}

export function nextTheme() {
    theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
    try {
        localStorage.setItem("theme", theme.value);
    } catch {
        // A browser that keeps nothing: the choice holds until the page is left.
    }
    applyTheme();
}

// A colour of the theme that is in force, as a canvas takes it.
export function colour(name: string): string {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
}
