// The list of features: searched, filtered, sorted, a page of it at a time; and the one that is shown.
"use strict";
const PAGE_ROWS = 50;
const COLUMNS = [
  { key: "name", label: "Feature", text: (f) => f.name },
  { key: "shape", label: "Distribution", classes: "shape" },
  { key: "mean", label: "Mean", classes: "more", text: (f) => figure(f.mean) },
  { key: "sd", label: "SD", classes: "more", text: (f) => figure(f.sd) },
  { key: "min", label: "Min", classes: "more", text: (f) => figure(f.min) },
  { key: "max", label: "Max", classes: "more", text: (f) => figure(f.max) },
  { key: "missing", label: "Missing", classes: "more", text: (f) => percent(f.missing) },
  { key: "psi", label: "PSI", classes: "psi", text: (f) => (f.psi < 0 ? "–" : f.psi.toFixed(3)) },
  { key: "ks", label: "KS", classes: "more", text: (f) => (f.ks < 0 ? "–" : f.ks.toFixed(3)) },
];
const FILTERS = [
  ["all", "All features", () => true],
  ["drift", "With drift", (f) => f.level > 0],
  ["missing", "With missing values", (f) => f.missing > 0],
  ["constant", "Constant or nearly", (f) => f.constant || f.nearConstant],
];
const ORDERS = [["", "In table order"], ["psi", "Most drift first"], ["missing", "Most missing first"], ["name", "By name"]];
const list = { order: null, descending: false, page: 0, found: FEATURES, selected: FEATURES[0] || null, isLog: false };

function find() {
  const wanted = byId("search").value.trim().toLowerCase();
  const keep = (FILTERS.find(([key]) => key === byId("filter").value) || FILTERS[0])[2];
  list.found = FEATURES.filter((f) => keep(f) && f.name.toLowerCase().includes(wanted));
  const { order, descending } = list;
  if (order) {
    const compare = (a, b) => {
      if (order === "name") return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
      const [x, y] = [a[order], b[order]].map((v) => (v === null ? -Infinity : v));
      return x < y ? -1 : x > y ? 1 : 0;
    };
    list.found.sort((a, b) => (descending ? compare(b, a) : compare(a, b)) || a.index - b.index);
  }
  list.page = 0;
  drawTable();
}

function orderBy(key) {
  list.descending = list.order === key ? !list.descending : key !== "name";
  list.order = key;
  find();
}

function drawHead() {
  const head = byId("table").tHead.rows[0];
  for (const column of COLUMNS) {
    const cell = element("th", column.label, { class: column.classes || "", "data-key": column.key });
    if (column.text) {
      cell.classList.add("sort");
      cell.tabIndex = 0;
      cell.addEventListener("click", () => orderBy(column.key));
      cell.addEventListener("keydown", (event) => { if (event.key === "Enter") orderBy(column.key); });
    }
    head.append(cell);
  }
}

function drawTable() {
  const { found, page, order, descending } = list, first = page * PAGE_ROWS;
  for (const cell of byId("table").tHead.rows[0].cells) {
    const isOrder = cell.dataset.key === order;
    if (isOrder) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  }
  const body = byId("table").tBodies[0];
  body.replaceChildren(...found.slice(first, first + PAGE_ROWS).map((feature) => {
    const cells = COLUMNS.map((column) => {
      const cell = element("td", column.text && column.text(feature), { class: column.classes || "" });
      if (column.key === "name") cell.title = feature.name;
      if (column.key === "shape") cell.append(element("canvas", null, { "aria-hidden": "true" }));
      if (column.key === "psi" && feature.level > 0) cell.classList.add(feature.level > 1 ? "bad" : "warn");
      return cell;
    });
    const made = row(cells);
    made.tabIndex = 0;
    made.setAttribute("aria-selected", feature === list.selected);
    made.addEventListener("click", () => select(feature, true));
    made.addEventListener("keydown", (event) => { if (event.key === "Enter") select(feature, true); });
    return made;
  }));
  body.querySelectorAll("canvas").forEach((canvas, i) => drawSmall(canvas, found[first + i]));
  const last = Math.min(found.length, first + PAGE_ROWS);
  byId("found").textContent = found.length === FEATURES.length ? counted(found.length, "feature") : `${whole(found.length)} of ${counted(FEATURES.length, "feature")}`;
  byId("page").textContent = found.length ? `${whole(first + 1)} to ${whole(last)} of ${whole(found.length)}` : "none found";
  byId("back").disabled = page === 0;
  byId("next").disabled = last >= found.length;
}

function select(feature, scroll) {
  list.selected = feature;
  for (const made of byId("table").tBodies[0].rows) made.setAttribute("aria-selected", "false");
  const shown = list.found.indexOf(feature) - list.page * PAGE_ROWS;
  const made = byId("table").tBodies[0].rows[shown];
  if (made) made.setAttribute("aria-selected", "true");
  drawDetail();
  if (scroll) byId("features").scrollIntoView({ block: "start" });
}

function drawDetail() {
  const feature = list.selected, into = byId("detail");
  if (!feature) {
    const text = DATA.split.folds ? "Each fold has a scaler of its own: scaler-fold-0.json and so on have the figures." : "No column is a feature: every column passes through as it is.";
    into.replaceChildren(element("p", text, { class: "muted" }));
    return;
  }
  const head = element("div", null, { class: "head" });
  head.append(element("h3", feature.name), element("span", feature.type, { class: "mono muted" }));
  const tags = [["constant", feature.constant], ["nearly constant", feature.nearConstant], ["variance beyond float64", feature.extreme]];
  for (const [text, is] of tags) if (is) head.append(element("span", text, { class: "tag warn" }));
  const log = element("input", null, { type: "checkbox", id: "log" });
  log.checked = list.isLog;
  log.addEventListener("change", () => { list.isLog = log.checked; drawDetail(); });
  const label = element("label", null, { for: "log" });
  label.append(log, " logarithmic height");
  head.append(label);
  const left = element("div"), chart = element("div", null, { class: "chart", id: "chart" });
  const legend = element("div", null, { class: "legend" }), readout = element("div", null, { class: "readout", id: "readout" });
  SIDES.forEach((name, s) => legend.append(swatch(name, sideColor(s))));
  left.append(chart, legend, readout);
  into.replaceChildren(head, left, figures(feature));
  drawChart(feature, chart, readout, list.isLog);
}

function swatch(text, fill) {
  const made = element("span"), box = element("i", null, { class: "swatch" });
  box.style.background = fill;
  made.append(box, text);
  return made;
}

// What is known of each side; `~` where it comes from the bins alone.
function figures(feature) {
  const table = element("table"), about = (s) => (s === 0 ? "" : "~ ");
  table.append(row(["", ...SIDES], "th"));
  const lines = [
    ["values", (side) => whole(side.values)],
    ["missing", (side) => percent(side.values + side.missing ? side.missing / (side.values + side.missing) : null)],
    ["mean", (side, s) => about(s) + figure(side.mean)],
    ["sd", (side, s) => about(s) + figure(side.sd)],
    ["min", (side, s) => about(s) + figure(side.min)],
    ["max", (side, s) => about(s) + figure(side.max)],
    ["beyond 2³⁴ sd", (side) => whole(side.below + side.above), (side) => side.below + side.above > 0],
    ["PSI", (side, s) => drift(s, (d) => d.psi.toFixed(4))],
    ["PSI by chance", (side, s) => drift(s, (d) => "< " + d.psiNoise.toFixed(4))],
    ["KS", (side, s) => drift(s, (d) => d.ks.toFixed(4))],
    ["KS at most", (side, s) => drift(s, (d) => d.ksMax.toFixed(4))],
    ["KS by chance", (side, s) => drift(s, (d) => "< " + d.ksNoise.toFixed(4))],
  ];
  const drift = (s, text) => (s > 0 && feature.drift[s - 1] ? text(feature.drift[s - 1]) : "");
  for (const [label, text, isShown] of lines) {
    if (!isShown || feature.sides.some(isShown)) table.append(row([label, ...feature.sides.map(text)]));
  }
  const box = element("div", null, { class: "scroll" });
  box.append(table);
  const words = ["No drift beyond chance", "Drift: the sides differ moderately", "Drift: the sides differ strongly"];
  if (feature.level >= 0) box.append(element("p", words[feature.level], { class: ["note", "warn", "bad"][feature.level] }));
  return box;
}
