// The arms of the validation: how their losses went, where they exploded, what came of it.
"use strict";
const ARM_COLORS = ["bad", "warn", "train", "val", "test", "muted", "sixth", "seventh"];
// A run on its way to NaN passes every power of ten; the chart ends this far above the runs that don't.
const HEADROOM = 1000;
const OUTCOMES = { learned: ["learned", "good"], learned_nothing: ["learned nothing", "warn"], died: ["died: dead units", "warn"], exploded: ["exploded", "bad"] };
let lossPlot = null;

function drawLosses() {
  const found = DATA.validation;
  if (!found) return;
  byId("validation").hidden = false;
  const arms = [...found.arms, ...found.diagnosis];
  const verdict = byId("verdict");
  verdict.textContent = found.passed ? "Passed: the standardized features train, and beat the constant baseline." : "Not passed: " + found.reason + ".";
  verdict.className = found.passed ? "good" : "bad";
  drawLossCurves(arms);
  const head = ["Arm", "Rate", "Outcome", "First not finite", "First gradient", "Test metric"];
  const isMore = (cell) => { cell.className = "more"; return cell; };
  const baseline = figure(found.baseline.metric);
  byId("arms").replaceChildren(
    row(head.map((text, i) => (i === 1 || i === 4 ? isMore(element("th", text)) : element("th", text)))),
    ...arms.map((arm) => {
      const [text, look] = OUTCOMES[arm.outcome] || [arm.outcome, "muted"], at = arm.first_non_finite;
      return row([
        element("td", arm.name), isMore(element("td", figure(arm.learning_rate))), element("td", text, { class: look }),
        at ? `step ${whole(at.step)}, ${at.what}` : "–", isMore(element("td", figure(arm.first_gradient_norm))), figure(arm.test.metric),
      ]);
    }),
    row(["constant baseline", isMore(element("td", "")), "", "", isMore(element("td", "")), baseline]),
  );
  byId("advice").replaceChildren(...found.advice.map((text) => element("li", text)));
}

function drawLossCurves(arms) {
  if (lossPlot) lossPlot.destroy();
  const into = byId("losses"), isNumber = (x) => typeof x === "number" && x > 0;
  const losses = (arm) => arm.curve.map((point) => (isNumber(point.loss) ? point.loss : null));
  const tables = arms.map((arm) => [arm.curve.map((point) => point.step), losses(arm)]);
  const steady = arms.filter((arm) => !arm.first_non_finite).flatMap(losses).filter(isNumber);
  const top = steady.length ? HEADROOM * Math.max(...steady) : Infinity;
  const data = tables.length ? uPlot.join(tables) : [[]];
  const ends = arms.map((arm, a) => ({ at: arm.first_non_finite && arm.first_non_finite.step, color: color(ARM_COLORS[a % ARM_COLORS.length]) }));
  const mark = (u) => {
    for (const end of ends.filter((end) => end.at)) {
      const x = Math.round(u.valToPos(end.at, "x", true));
      u.ctx.save();
      u.ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      u.ctx.strokeStyle = end.color;
      u.ctx.lineWidth = 1.5 * devicePixelRatio;
      u.ctx.beginPath();
      u.ctx.moveTo(x, u.bbox.top);
      u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
      u.ctx.stroke();
      u.ctx.restore();
    }
  };
  const values = (u, ticks) => ticks.map((t) => (t === null ? "" : figure(Number(t.toPrecision(1)))));
  const powers = { filter: (u, ticks) => ticks, splits: (u, axis, low, high) => {
    const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    const step = Math.max(1, Math.ceil((last - first) / 6));
    return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, k) => 10 ** (first + k * step));
  } };
  lossPlot = new uPlot({
    width: into.clientWidth, height: Math.max(210, Math.min(280, into.clientWidth * 0.4)), legend: { show: false }, padding: [10, 14, 0, 4],
    cursor: { points: { show: false } },
    scales: {
      x: { time: false, distr: 3, log: 10, range: (u, low, high) => [low || 1, high || 10] },
      y: { distr: 3, log: 10, range: (u, low, high) => [(low || 1) / 1.5, Math.min(high || 10, top) * 1.5] },
    },
    axes: [{ ...axisText(), ...powers, label: "step", labelSize: 18, labelFont: "12px system-ui, sans-serif", size: 30, values }, { ...axisText(), ...powers, size: 56, values }],
    series: [{}, ...arms.map((arm, a) => ({ label: arm.name, stroke: ends[a].color, width: 1.75, spanGaps: true, points: { show: false } }))],
    hooks: { draw: [mark] },
  }, data, into);
  byId("losses-legend").replaceChildren(...arms.map((arm, a) => swatch(arm.name + (ends[a].at ? ", exploded at step " + whole(ends[a].at) : ""), ends[a].color)));
}
