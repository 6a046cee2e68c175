// What keeps people from reading a page, or from reaching what is on it without a mouse or by a screen reader: a list of findings.
// Runs in the page.

"use strict";

function findings() {
  const found = [];
  const tell = (element, what) => found.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !element.closest("[aria-hidden=true]");
  const all = (selector) => [...document.querySelectorAll(selector)].filter(isShown);

  // Names: what is said of a thing that can be used.
  const nameOf = (element) => {
    const by = (element.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
    if (by.length) return by.map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
    const label = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? "";
    return (label || (/^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName) ? "" : element.textContent) || "").trim();
  };
  for (const element of all("a[href], button, input, select, textarea, summary, [role=button], [role=region], [role=img], [role=group], dialog[open]")) if (!nameOf(element)) tell(element, "has no name");
  for (const element of all("img:not([alt])")) tell(element, "a picture without words");

  // What assistive technology is told has to be so.
  const ROLES = new Set(["alert", "button", "dialog", "group", "img", "region", "status", "navigation", "list", "listitem", "row", "cell", "table"]);
  for (const element of all("[role]")) if (!ROLES.has(element.getAttribute("role"))) tell(element, "has a role that is none");
  for (const element of all("[aria-labelledby], [aria-describedby], [aria-controls]"))
    for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls"])
      for (const id of (element.getAttribute(attribute) ?? "").split(/\s+/).filter(Boolean)) if (!document.getElementById(id)) tell(element, `${attribute} names nothing`);
  for (const attribute of ["aria-pressed", "aria-expanded", "aria-busy"])
    for (const element of all(`[${attribute}]`)) if (!["true", "false"].includes(element.getAttribute(attribute))) tell(element, `${attribute} is neither true nor false`);
  for (const element of document.querySelectorAll("[aria-hidden=true] :is(a[href], button, input, select, textarea)")) tell(element, "can be reached, but is hidden from who hears");
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) found.push(`two things are called ${id}`);

  // Where things are.
  if (!document.documentElement.lang) found.push("the page has no language");
  if (!document.title) found.push("the page has no title");
  if (all("main").length !== 1 || all("h1").length !== 1) found.push(`${all("main").length} main parts, ${all("h1").length} titles`);
  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) tell(heading, `a heading of level ${own} behind one of level ${level}`);
    level = own;
  }
  for (const table of all("table")) if (!table.querySelector("th[scope]")) tell(table, "a table whose columns have no heads");
  for (const item of all("dl > :not(dt, dd, div), ul > :not(li)")) tell(item, "is no item of the list that it is in");
  for (const element of all("[tabindex]")) if (Number(element.getAttribute("tabindex")) > 0) tell(element, "changes the order of what is reached");
  // What scrolls has to be reached by keys.
  for (const element of all("main *")) {
    const style = getComputedStyle(element);
    const scrolls = (/auto|scroll/.test(style.overflowY) && element.scrollHeight > element.clientHeight + 1) || (/auto|scroll/.test(style.overflowX) && element.scrollWidth > element.clientWidth + 1);
    if (scrolls && element.tabIndex < 0 && !element.querySelector("a[href], button, input, select, textarea, [tabindex]")) tell(element, "scrolls, but not by keys");
  }

  // Contrast: 4.5 to 1, and 3 to 1 for large text.
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = color;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      known.set(color, [r, g, b, a / 255]);
    }
    return known.get(color);
  };
  const over = ([r, g, b, a], [r0, g0, b0]) => [r * a + r0 * (1 - a), g * a + g0 * (1 - a), b * a + b0 * (1 - a), 1];
  const groundOf = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((ground, layer) => over(layer, ground), [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((one) => ((one /= 255) <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || seen.has(element) || !isShown(element) || element.closest(":disabled, script, style")) continue;
    seen.add(element);
    const style = getComputedStyle(element);
    const ground = groundOf(element);
    let color = rgba(style.color);
    for (let at = element; at; at = at.parentElement) color = [color[0], color[1], color[2], color[3] * Number(getComputedStyle(at).opacity)];
    const [one, other] = [light(over(color, ground)), light(ground)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    const wanted = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < wanted - 0.01) tell(element, `contrast ${ratio.toFixed(2)}`);
  }
  return [...new Set(found)];
}

module.exports = { findings };
