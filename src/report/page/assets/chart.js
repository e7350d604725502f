// The histogram of one feature on all sides: standardized values below, raw ones above.
"use strict";
let plot = null;
const axisText = () => ({ stroke: color("muted"), font: "12px system-ui, sans-serif", grid: { stroke: color("line"), width: 1 }, ticks: { stroke: color("line"), width: 1, size: 4 } });
const translucent = (hex) => hex + "38";

function niceStep(span, count) {
  const rough = span / Math.max(1, count), power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= rough);
}

// Positions that lie at least `gap` apart, those nearest to the middle first.
function spread(positions, gap) {
  const kept = [];
  for (const w of [...positions].sort((a, b) => Math.abs(a) - Math.abs(b))) {
    if (kept.every((other) => Math.abs(other - w) >= gap)) kept.push(w);
  }
  return kept.sort((a, b) => a - b);
}

const TAILS = [4, 8, 16, 32, 64, 256, 1024, 4096, 2 ** 14, 2 ** 17, 2 ** 20, 2 ** 25, 2 ** 30, 2 ** 34];
function zTicks(u, low, high) {
  const perPixel = (high - low) / (u.bbox.width / devicePixelRatio);
  const core = [-4, -3, -2, -1, 0, 1, 2, 3, 4], step = perPixel > 0.045 ? 2 : 1;
  const fine = high - low < 3 ? Array.from({ length: 33 }, (_, k) => -4 + k / 4) : core.filter((z) => z % step === 0);
  const all = [...fine, ...TAILS.slice(1).flatMap((z) => [-z, z])].map(warp);
  return spread(all.filter((w) => w >= low && w <= high), 36 * perPixel);
}

function rawTicks(feature, u, low, high) {
  const perPixel = (high - low) / (u.bbox.width / devicePixelRatio), gap = 74 * perPixel;
  const toW = (raw) => warp((raw - feature.mean) / feature.scale);
  const from = Math.max(low, -CORE), to = Math.min(high, CORE), ticks = [];
  const step = niceStep((to - from) * feature.scale, ((to - from) / gap) * 0.9);
  const start = Math.ceil((feature.mean + from * feature.scale) / step);
  for (let k = 0; k < 60 && step > 0; k++) ticks.push(toW((start + k) * step));
  for (const z of TAILS.slice(1)) for (const sign of [-1, 1]) ticks.push(warp(sign * z));
  return spread(ticks.filter((w) => w >= low && w <= high), gap);
}
function rawLabel(feature, w) {
  const raw = feature.mean + unwarp(w) * feature.scale;
  if (Math.abs(w) > CORE + 0.01) return figure(Number(raw.toPrecision(2)));
  // A tick at 0 is not quite 0 after the way there and back.
  return figure(Math.abs(raw) < feature.scale * 1e-9 ? 0 : Number(raw.toPrecision(6)));
}

function drawChart(feature, into, readout, isLog) {
  if (plot) { plot.destroy(); plot = null; }
  into.replaceChildren();
  const drawn = shape(feature, 0);
  if (!drawn) { into.append(element("p", "No values to draw.", { class: "muted" })); return; }
  const at = drawn.edges.map(warp), stepped = uPlot.paths.stepped({ align: 1 });
  const heights = densities(drawn).map((side) => [...side, 0].map((d) => (isLog && d === 0 ? null : d)));
  const say = (bin) => readout.replaceChildren(...describe(feature, drawn, bin));
  const options = {
    width: into.clientWidth, height: Math.max(230, Math.min(320, into.clientWidth * 0.5)),
    legend: { show: false }, padding: [4, 14, 0, 4],
    cursor: { y: false, drag: { x: true, y: false }, points: { show: false } },
    scales: { x: { time: false }, y: isLog ? { distr: 3, log: 10 } : { range: (u, low, high) => [0, high * 1.06 || 1] } },
    axes: [
      { ...axisText(), label: "standardized, z", labelSize: 18, labelFont: "12px system-ui, sans-serif", size: 30,
        splits: (u, i, low, high) => zTicks(u, low, high), values: (u, ticks) => ticks.map((w) => figure(Number(unwarp(w).toPrecision(3)))) },
      { ...axisText(), size: 46, values: (u, ticks) => ticks.map((d) => (d === null ? "" : figure(Number(d.toPrecision(2))))) },
      { ...axisText(), scale: "x", side: 0, grid: { show: false }, label: "raw", labelSize: 18, labelFont: "12px system-ui, sans-serif", size: 30,
        splits: (u, i, low, high) => rawTicks(feature, u, low, high), values: (u, ticks) => ticks.map((w) => rawLabel(feature, w)) },
    ],
    series: [{}, ...SIDES.map((name, s) => ({ label: name, stroke: sideColor(s), width: 1.5, fill: translucent(sideColor(s)), paths: stepped, points: { show: false } }))],
    hooks: { setCursor: [(u) => say(u.cursor.left < 0 ? null : at.findLastIndex((w) => w <= u.posToVal(u.cursor.left, "x")))] },
  };
  plot = new uPlot(options, [at, ...heights], into);
  say(null);
}

function describe(feature, drawn, bin) {
  if (bin === null || bin < 0 || bin >= drawn.edges.length - 1) {
    const beyond = CORE < Math.max(...drawn.edges.map(Math.abs)) ? " Beyond 4 sd the axis is logarithmic." : "";
    return [document.createTextNode("Density: share of a side's values by sd." + beyond + " Point at a bin for its share; drag to zoom, double click to go back.")];
  }
  const [low, high] = [drawn.edges[bin], drawn.edges[bin + 1]];
  const raw = [low, high].map((z) => figure(Number((feature.mean + z * feature.scale).toPrecision(5))));
  const text = [`z ${figure(low)} to ${figure(high)}, raw ${raw[0]} to ${raw[1]}: `];
  SIDES.forEach((name, s) => text.push(`${name} ${percent(drawn.totals[s] ? drawn.sums[s][bin] / drawn.totals[s] : 0)} (${whole(drawn.sums[s][bin])})`, s + 1 < SIDES.length ? ", " : ""));
  return [document.createTextNode(text.join(""))];
}

// The small picture in the table: the same densities, without axes.
function drawSmall(canvas, feature) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const drawn = width && shape(feature, 0.125);
  if (!drawn) return;
  const pen = canvas.getContext("2d"), at = drawn.edges.map(warp), sides = densities(drawn);
  const low = at[0], span = at[at.length - 1] - low, top = Math.max(...sides.flat());
  pen.scale(scale, scale);
  sides.forEach((side, s) => {
    pen.beginPath();
    pen.moveTo(0, height);
    side.forEach((d, bin) => {
      const y = height - (d / top) * (height - 2);
      pen.lineTo(((at[bin] - low) / span) * width, y);
      pen.lineTo(((at[bin + 1] - low) / span) * width, y);
    });
    pen.lineTo(width, height);
    pen.fillStyle = translucent(sideColor(s));
    pen.fill();
    pen.strokeStyle = sideColor(s);
    pen.stroke();
  });
}
