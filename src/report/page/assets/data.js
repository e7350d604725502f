// The data block, read once, and how numbers are written. Every name goes to the page as text only.
"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
const SIDES = DATA.split.sides.map((side) => side.name);
const byId = (id) => document.getElementById(id);

function element(tag, text, attributes) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  return made;
}

function row(cells, tag) {
  const made = element("tr");
  for (const cell of cells) made.append(cell instanceof Node ? cell : element(tag || "td", cell));
  return made;
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const sideColor = (side) => color(SIDES[side]) || color("muted");

const whole = (n) => n.toLocaleString("en-US");
function figure(x) {
  if (x === null || x === undefined) return "–";
  if (typeof x === "string") return x;
  const size = Math.abs(x);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return x.toExponential(2).replace("e+", "e");
  return String(Number(x.toPrecision(size >= 1000 ? 6 : 4)));
}
function percent(share) {
  if (share === null || !isFinite(share)) return "–";
  const size = share * 100;
  if (size === 0) return "0 %";
  return (size >= 0.1 ? size.toFixed(1) : size >= 0.001 ? size.toFixed(3) : "< 0.001") + " %";
}
function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (n >= 999.95 && unit + 1 < units.length) { n /= 1000; unit += 1; }
  return (unit ? n.toFixed(1) : n) + " " + units[unit];
}
const seconds = (s) => (s < 60 ? s.toFixed(2) + " s" : Math.floor(s / 60) + " min " + Math.round(s % 60) + " s");
const counted = (n, noun) => whole(n) + " " + noun + (n === 1 ? "" : "s");

// Features are rows of a fixed order, to keep wide tables small.
const FEATURES = DATA.features.map(([name, type, flags, mean, scale, sides, drift], index) => ({
  index, name, type, mean, scale,
  constant: (flags & 1) > 0, nearConstant: (flags & 2) > 0, extreme: (flags & 4) > 0,
  sides: sides.map(([values, missing, mean, sd, min, max, below, above, bins]) =>
    ({ values, missing, mean, sd, min, max, below, above, bins })),
  drift: drift.map((d) => d && { psi: d[0], psiNoise: d[1], ks: d[2], ksMax: d[3], ksNoise: d[4], level: d[5] }),
}));
for (const feature of FEATURES) {
  const rows = feature.sides.reduce((sum, side) => sum + side.values + side.missing, 0);
  feature.missing = rows ? feature.sides.reduce((sum, side) => sum + side.missing, 0) / rows : 0;
  Object.assign(feature, { sd: feature.sides[0].sd, min: feature.sides[0].min, max: feature.sides[0].max });
  const worst = (key) => feature.drift.reduce((max, d) => (d ? Math.max(max, d[key]) : max), -1);
  feature.psi = worst("psi");
  feature.ks = worst("ks");
  feature.level = worst("level");
}
