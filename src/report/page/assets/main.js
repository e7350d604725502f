// The page from top to bottom.
"use strict";
function drawTop() {
  byId("about").textContent = `prep ${DATA.prep_version}, job ${DATA.job.slice(0, 8)}`;
  document.title = "prep report " + DATA.job.slice(0, 8);
  const { input, columns, split } = DATA, warnings = DATA.run.warnings;
  const drifting = FEATURES.filter((f) => f.level > 0).length;
  const tiles = [
    [whole(input.rows), "rows in " + counted(input.files, "file")],
    [bytes(input.bytes), "read"],
    [whole(columns.features), `features, ${whole(columns.passed)} passed through`],
    ...(split.folds ? [[whole(split.folds.length), "folds"]] : [
      ...split.sides.map((side) => [whole(side.rows), side.name + " rows"]),
      [whole(drifting), drifting === 1 ? "feature with drift" : "features with drift"],
    ]),
    [whole(warnings.length), warnings.length === 1 ? "warning" : "warnings"],
  ];
  byId("tiles").replaceChildren(...tiles.map(([number, text]) => {
    const tile = element("div", null, { class: "tile" });
    tile.append(element("b", number), element("span", text));
    return tile;
  }));
  byId("warnings").hidden = warnings.length === 0;
  byId("warnings").querySelector("ul").replaceChildren(...warnings.map((text) => element("li", text)));
}

function drawSplit() {
  const { by, seed, conditions, left_out, folds } = DATA.split, sides = folds || DATA.split.sides;
  const total = sides.reduce((sum, side) => sum + side.rows, 0), sum = (key) => DATA.split.sides.reduce((n, side) => n + side[key], 0);
  byId("bar").replaceChildren(...sides.filter((side) => side.rows).map((side) => {
    const part = element("span", null, { title: side.name });
    part.style.flexGrow = side.rows / total;
    part.style.background = color(side.name) || color("muted");
    return part;
  }));
  const more = (tag, text) => element(tag, text, { class: "more" });
  const head = [folds ? "Fold" : "Side", "Rows", "Got", "Asked", "99.9 % band"].map((text) => element("th", text));
  const size = (side) => (folds ? [] : [more("td", whole(side.shards)), more("td", bytes(side.bytes))]);
  byId("sides").replaceChildren(row(folds ? head : [...head, more("th", "Shards"), more("th", "Size")]), ...sides.map((side) => {
    const first = element("td");
    first.append(swatch(side.name, color(side.name) || color("muted")));
    const outside = side.band && (side.rows < side.band[0] || side.rows > side.band[1]);
    const band = element("td", side.band ? whole(side.band[0]) + " to " + whole(side.band[1]) : "–", { class: outside ? "warn" : "" });
    return row([first, whole(side.rows), percent(total ? side.rows / total : null), side.asked === null ? "–" : percent(side.asked), band, ...size(side)]);
  }));
  byId("split-note").textContent = `Split by ${[by, "seed " + seed, ...conditions].join(", ")}.` + (left_out ? ` ${counted(left_out, "row")} on no side.` : "") + (folds ? ` Written in ${counted(sum("shards"), "shard")} of ${bytes(sum("bytes"))}.` : "") + (sides.some((side) => side.band) ? " One split in a thousand falls outside the band." : "");
}

// What the audit found, the worst first, each with what to do.
const SEVERITIES = { leak: "bad", warning: "warn", note: "muted" };
function drawAudit() {
  const found = DATA.audit;
  if (!found) return;
  byId("audit").hidden = false;
  byId("findings").replaceChildren(...found.findings.map((finding) => {
    const made = element("p");
    made.append(element("b", finding.severity + " ", { class: SEVERITIES[finding.severity] || "" }), finding.summary, element("br"), element("span", finding.advice, { class: "note" }));
    return made;
  }));
  const ran = found.checks.filter((check) => check.ran).map((check) => check.check);
  const not = found.checks.filter((check) => !check.ran).map((check) => check.check);
  byId("audit-note").textContent = (found.findings.length ? "" : "Nothing found. ") + `Checked: ${ran.join(", ")}.` + (not.length ? ` Not run: ${not.join(", ")}; audit.json says why.` : "");
}

function drawRun() {
  const { run } = DATA, total = run.passes.reduce((sum, pass) => sum + pass.seconds, 0);
  byId("passes").replaceChildren(row(["Pass", "Time", "Read", "Rate"], "th"), ...run.passes.map((pass) =>
    row([pass.pass, seconds(pass.seconds), pass.bytes ? bytes(pass.bytes) : "", pass.bytes && pass.seconds ? bytes(pass.bytes / pass.seconds) + "/s" : ""])),
    row(["total", seconds(total), "", ""]));
  const resumed = run.taken_up ? ` ${counted(run.taken_up, "piece")} of work taken up from an earlier run.` : "";
  const { update } = run;
  const added = update ? ` ${counted(update.files, "file")} of ${counted(update.rows, "row")} added, by the scaler of before.` : "";
  byId("host").textContent = `Started ${run.started} on ${run.host}, ${counted(run.threads, "thread")}, ${(run.peak_memory_bytes / 1048576).toFixed(1)} MiB at its peak.${resumed}${added}`;
}

function drawMethod() {
  const width = 8 / LINEAR;
  byId("method").replaceChildren(...[
    `Standardized values are counted in fixed bins of z: 512 of them, 1/32 sd wide up to 4 sd and four an octave beyond, to 2³⁴ sd. This page holds them ${DATA.bin_merge > 1 ? `merged to ${figure(width)} sd, to stay small; report.json has all` : "all"}. Small tables are drawn in wider bins.`,
    "Train figures are exact. Those of the other sides are read off the bins: mean and sd to half a bin (1/64 sd within 4 sd), min and max to 7 digits of z.",
    "PSI compares a side with train over groups of neighbouring bins that hold a tenth of the train values each, as nearly as the bins allow, and the missing ones; an empty group counts as half a row. KS is the largest distance of the two cumulative shares at the edges of the bins; within a bin it may be larger, up to \"KS at most\".",
    "\"By chance\": where 99.9 % of random splits of the same rows stay. Drift is called moderate from PSI 0.1 or KS 0.1 on, strong from PSI 0.25 on, and only beyond chance. Missing: nulls, NaN, and infinities that became nulls.",
  ].map((text) => element("p", text)));
}

function drawAll() {
  drawSplit();
  drawLosses();
  drawDetail();
  drawTable();
}

function listen() {
  byId("search").addEventListener("input", find);
  byId("filter").append(...FILTERS.map(([key, label]) => element("option", label, { value: key })));
  byId("filter").addEventListener("change", find);
  byId("sort").append(...ORDERS.map(([key, label]) => element("option", label, { value: key })));
  byId("sort").addEventListener("change", () => {
    list.order = byId("sort").value || null;
    list.descending = list.order !== "name";
    find();
  });
  byId("back").addEventListener("click", () => { list.page -= 1; drawTable(); });
  byId("next").addEventListener("click", () => { list.page += 1; drawTable(); });
  let width = innerWidth, timer = 0;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(timer);
    timer = setTimeout(drawAll, 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
}

// Folds have no list of features: each has a scaler of its own.
for (const part of document.querySelectorAll("#features .toolbar, #table, #features .pager, #features details")) {
  if (DATA.split.folds) part.style.display = "none";
}
drawTop();
drawAudit();
drawRun();
drawMethod();
drawHead();
listen();
drawAll();
document.documentElement.dataset.drawn = "true";
