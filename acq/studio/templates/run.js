// One run: its losses while it trains, and the heart rates that it reads beside the finger's.
import {begin, result} from "/assets/jobs.js";
import {Axis, drawLanes} from "/assets/curves.js";
import {element, get, once, tried} from "/assets/server.js";

const $ = name => document.querySelector(name), place = $("#run"), address = place.dataset.address;
const COLOURS = ["teal", "orange", "violet", "blue", "red", "ink", "soft"], EVERY_MS = 1000;
let losses = [], epochs = null, began = null, rates = null;

const whole = {words: epoch => `epoch ${Math.round(epoch)}`, steps: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], least: 1};

async function look() {
  let isRunning = true;
  try {
    const {state, owner, curves} = await (await get(`${address}/curves`)).json();
    isRunning = state === "running";
    if (began && began !== state) { location.reload(); return; }     // it has ended: the report is there
    began = state;
    $("#owner").textContent = owner ? ` · ${owner}` : "";
    losses = curves;
    show();
  } catch (error) { if (!began) throw error; }
  if (isRunning) setTimeout(tried(look), EVERY_MS);
}

const named = curve => [curve.title, curve.where].filter(Boolean).join(", ");
// A colour a network, the same in every fold and with every seed.
const networks = () => [...new Map(losses.map(curve => [curve.network, curve.title]))];
const colourOf = network => COLOURS[networks().findIndex(([name]) => name === network) % COLOURS.length];
function show() {
  const longest = Math.max(2, ...losses.map(curve => (curve.parts.loss ?? curve.parts.label ?? []).length));
  epochs = new Axis(1, longest, whole);
  draw();
  const names = [...new Set(losses.flatMap(curve => Object.keys(curve.parts)))];
  const row = (kind, ...cells) => element("tr", undefined, ...cells.map(text => element(kind, text)));
  const last = values => { const value = values?.at(-1); return value === null || value === undefined ? "–" : value.toPrecision(3); };
  // a sum with its teacher's terms is not to be set beside the student's without them
  const withTerms = curve => ["middle", "last", "pulse"].some(name => name in curve.parts);
  const cell = (curve, name) => last(curve.parts[name]) + (name === "loss" && withTerms(curve) ? " with its teacher's terms" : "");
  $("#last thead").replaceChildren(row("th", "Training", "Epochs", ...names));
  $("#last tbody").replaceChildren(...losses.map(curve => row(
    "td", named(curve), String(Object.values(curve.parts)[0]?.length ?? 0), ...names.map(name => cell(curve, name)))));
  $("#key").textContent = losses.length ? "" : "No epoch has ended yet.";
  $("#key").append(...networks().map(([name, title]) => element("span", undefined, swatch(colourOf(name)), title)));
}
function swatch(colour) {
  const made = document.createElement("canvas"), pen = made.getContext("2d");
  made.width = 16; made.height = 10;
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${colour}`);
  pen.fillRect(0, 3, 16, 4);
  return made;
}
// What every training has in common first; then what distillation adds, a lane a part.
function draw() {
  if (epochs && losses.length) {
    const parts = [...new Set(losses.flatMap(curve => Object.keys(curve.parts)))].filter(name => name !== "loss");
    const names = parts.length ? ["label", ...parts.filter(name => name !== "label")] : ["loss"];
    drawLanes($("#losses"), epochs, names.map((name, at) => ({
      label: name === "label" ? "loss on\nlabels" : name, height: at ? 80 : 170,
      curves: losses.flatMap(curve => curve.parts[name]
        ? [{x: curve.parts[name].map((_, epoch) => epoch + 1), y: curve.parts[name], colour: colourOf(curve.network)}] : []),
    })));
  }
  if (rates) drawLanes($("#rates"), rates.axis, rates.lanes);
}

const predict = once(async form => {
  const session = form.elements.session.value;
  $("#read").textContent = "";
  await begin({verb: "predict", sessions: [session], net: place.dataset.name}, async job => {
    if (job.has_result) showRates(session, await result(job.id));
  });
});
$("#predict")?.addEventListener("submit", event => { event.preventDefault(); predict(event.target); });

function showRates(session, read) {
  const rows = read.rows.filter(row => row.hr_bpm !== null || row.finger_bpm !== null);
  const both = rows.filter(row => row.hr_bpm !== null && row.finger_bpm !== null);
  const error = both.reduce((sum, row) => sum + Math.abs(row.hr_bpm - row.finger_bpm), 0) / both.length;
  const of = name => ({x: rows.map(row => row.time_s), y: rows.map(row => row[name] ?? null)});
  $("#read").textContent = rows.length
    ? `${session}: ${rows.length} windows of 10 s, by their ends; ${both.length ? `${error.toFixed(1)} bpm off the finger on average in ${both.length} of them` : "none beside a finger's rate"}. Green: the network; black or white: the finger.`
    : `${session}: no heart rate was read.`;
  $("#rates").hidden = !rows.length;
  if (!rows.length) return;
  rates = {
    axis: new Axis(Math.min(0, rows[0].time_s), rows.at(-1).time_s),
    lanes: [{label: "bpm", height: 220, curves: [{...of("finger_bpm"), colour: "ink"}, {...of("hr_bpm"), colour: "teal"}]}],
  };
  draw();
}

new ResizeObserver(draw).observe(place);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { show(); draw(); });
tried(look)();
