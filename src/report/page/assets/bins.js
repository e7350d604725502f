// Bins: their edges, their counts from text, and the warped axis that they are drawn on.
"use strict";
// z is drawn as it is up to 4 standard deviations and logarithmically beyond, with no kink between.
const CORE = 4;
const warp = (z) => (Math.abs(z) <= CORE ? z : Math.sign(z) * CORE * (1 + Math.log(Math.abs(z) / CORE)));
const unwarp = (w) => (Math.abs(w) <= CORE ? w : Math.sign(w) * CORE * Math.exp(Math.abs(w) / CORE - 1));

// Wide tables come with `bin_merge` neighbouring bins of the linear part in one.
const LINEAR = 256 / DATA.bin_merge;
const EDGES = (() => {
  const all = Array.from({ length: 129 }, (_, k) => CORE * 2 ** Math.floor(k / 4) * (1 + (k % 4) / 4));
  const far = all.filter((_, k) => k % Math.max(1, DATA.bin_merge / 32) === 0);
  const linear = Array.from({ length: LINEAR - 1 }, (_, k) => -CORE + ((k + 1) * 2 * CORE) / LINEAR);
  return [...far.map((z) => -z).reverse(), ...linear, ...far];
})();

const DIGITS = new Map([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].map((c, i) => [c, i]));
function decode(text) {
  const counts = new Float64Array(EDGES.length - 1);
  let at = 0;
  const number = () => {
    let value = 0, unit = 1, digit;
    do {
      digit = DIGITS.get(text[at++]);
      value += (digit & 31) * unit;
      unit *= 32;
    } while (digit > 31);
    return value;
  };
  for (let bin = 0; at < text.length;) {
    bin += number();
    for (let run = number(); run > 0; run--) counts[bin++] = number();
  }
  return counts;
}

// Bins as wide as the rows allow (Freedman and Diaconis: 2 IQR / n^(1/3)), the same for all sides.
function shape(feature, widest) {
  const counts = feature.sides.map((side) => decode(side.bins));
  const smallest = Math.min(...feature.sides.filter((side) => side.values > 0).map((side) => side.values));
  let merge = 1;
  while (merge < LINEAR / 8 && (2 * CORE * merge) / LINEAR < Math.max(2.7 / Math.cbrt(smallest), widest)) merge *= 2;
  const edges = [], sums = counts.map(() => []);
  const far = (EDGES.length - 1 - LINEAR) / 2;
  for (let bin = 0; bin < EDGES.length - 1;) {
    const step = bin >= far && bin < far + LINEAR ? merge : 1;
    edges.push(EDGES[bin]);
    counts.forEach((side, s) => sums[s].push(side.slice(bin, bin + step).reduce((a, b) => a + b, 0)));
    bin += step;
  }
  edges.push(EDGES[EDGES.length - 1]);
  const filled = edges.slice(0, -1).map((_, bin) => sums.some((side) => side[bin] > 0));
  const first = Math.max(0, filled.indexOf(true) - 1), last = Math.min(filled.length - 1, filled.lastIndexOf(true) + 1);
  if (last < 0 || !filled.includes(true)) return null;
  return {
    edges: edges.slice(first, last + 2),
    sums: sums.map((side) => side.slice(first, last + 1)),
    totals: feature.sides.map((side) => side.values),
  };
}

// Share of a side's values by unit of the axis, so that areas compare.
function densities({ edges, sums, totals }) {
  return sums.map((side, s) => side.map((count, bin) =>
    (totals[s] ? count / totals[s] / (warp(edges[bin + 1]) - warp(edges[bin])) : 0)));
}
