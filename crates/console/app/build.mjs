// Makes the page of its sources, in the folder that is named: files whose names have a digest, the page itself, and the
// licences of what it is made of.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs DIR");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const { metafile } = await build({
    entryPoints: ["src/main.tsx", "src/style/main.css"],
    outdir: out,
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["chrome123", "firefox120", "safari17.5"],
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    legalComments: "none",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    metafile: true,
    logLevel: "warning",
});

const made = Object.entries(metafile.outputs);
const named = (entry) => basename(made.find(([, output]) => output.entryPoint === entry)[0]);
const icon = readFileSync("src/icon.svg");
const iconName = `icon-${createHash("sha256").update(icon).digest("hex").slice(0, 8)}.svg`;
writeFileSync(join(out, iconName), icon);

const page = readFileSync("src/index.html", "utf8");
const names = { STYLE: named("src/style/main.css"), MAIN: named("src/main.tsx"), ICON: iconName };
writeFileSync(join(out, "index.html"), page.replace(/\{([A-Z]+)\}/g, (_, name) => names[name]));

const packages = new Set();
for (const [, output] of made)
    for (const input of Object.keys(output.inputs)) {
        const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
        if (found) packages.add(found[1]);
    }
// Packages that share the words of their licence stand before them together.
const texts = new Map();
for (const name of [...packages].sort()) {
    const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
    const file = readdirSync(`node_modules/${name}`).find((file) => /^licen[cs]e/i.test(file));
    const text = readFileSync(`node_modules/${name}/${file}`, "utf8").trim();
    texts.set(text, [...(texts.get(text) ?? []), `${name} ${version} (${license})`]);
}
const licences = [...texts].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`);
const rule = "\n" + "-".repeat(80) + "\n\n";
writeFileSync(join(out, "licences.txt"), "What the console is made of besides its own sources.\n" + rule + licences.join(rule));
