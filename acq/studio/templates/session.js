// The player of a session: its pictures and its curves at one time, and parts to exclude.
import {Axis, LEFT, RIGHT, RULER, clockTime, drawLanes} from "/assets/curves.js";
import {complain, element, follow, get, post, tried} from "/assets/server.js";

const $ = name => document.querySelector(name), address = $("#player").dataset.address;
const MOST_PICTURES = 48, AT_ONCE = 4, DRAG_PX = 4, GROWS_MS = 1000;
let session, times, axis, curves = {}, chosen = null, at = 0, playing = null, asked = null;
let takes = .05;                                // until a picture has come [s]

// --- pictures -----------------------------------------------------------------------------------

const pictures = new Map(), coming = new Set(), failed = new Set();
const frameAt = time => {                       // the last one whose light fell before it
  let low = 0, high = times.length;
  while (low < high) { const mid = (low + high) >> 1; if (times[mid] <= time + 1e-6) low = mid + 1; else high = mid; }
  return Math.max(0, low - 1);
};
async function bring(frame) {
  if (frame >= times.length || pictures.has(frame) || coming.has(frame) || failed.has(frame) || coming.size >= AT_ONCE) return;
  coming.add(frame);
  const begun = performance.now();
  try {
    pictures.set(frame, await createImageBitmap(await (await get(`${address}/frames/${frame}`)).blob()));
    while (pictures.size > MOST_PICTURES) {
      const oldest = pictures.keys().next().value;
      pictures.get(oldest).close();
      pictures.delete(oldest);
    }
    takes = .8 * takes + .2 * (performance.now() - begun) / 1000;
  } catch (error) { failed.add(frame); complain(error); } finally { coming.delete(frame); }
  if (!playing) showPicture();
}
// While it plays, the last picture that has come; the caption always has the number of what is seen.
function showPicture() {
  if (!times.length) { $("#at").textContent = "no frames"; return; }
  const frame = frameAt(at), canvas = $("#picture");
  if (!playing) bring(frame);
  const shown = pictures.has(frame) ? frame
    : playing ? Math.max(-1, ...[...pictures.keys()].filter(one => one < frame)) : -1;
  const late = failed.has(frame) ? " cannot be shown" : " is on its way";
  const what = shown < 0 ? late : shown < frame ? `; frame ${frame}${late}` : "";
  $("#at").textContent = `frame ${shown < 0 ? frame : shown} of ${times.length} · ${clockTime(at, 3)}${what}`;
  if (shown < 0) {
    if (failed.has(frame)) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    return;
  }
  canvas.getContext("2d").drawImage(pictures.get(shown), 0, 0, canvas.width, canvas.height);
  canvas.dataset.frame = shown;
}

// --- time ---------------------------------------------------------------------------------------

function draw() {
  const out = session.excluded.map(one => ({from: one.from_s ?? axis.first, to: one.to_s ?? axis.last}));
  drawLanes($("#lanes"), axis, lanes(), {at, chosen, out});
}
function seek(time) {
  at = Math.min(axis.last, Math.max(axis.first, time));
  if (at < axis.from || at > axis.to) { const half = (axis.to - axis.from) / 2; view(at - half, at + half); }
  showPicture(); draw();
}
const step = frames => {
  const frame = Math.min(times.length - 1, Math.max(0, frameAt(at) + frames));
  if (times.length) seek(times[frame]);
};
function view(from, to) { axis.show(from, to); draw(); askCurves(); }
function zoom(factor, around = at) {
  if (around < axis.from || around > axis.to) around = (axis.from + axis.to) / 2;
  axis.zoom(factor, around); draw(); askCurves();
}
let waiting = 0;
function askCurves() {
  clearTimeout(waiting);
  waiting = setTimeout(tried(async () => {
    asked?.abort();
    asked = new AbortController();
    const {from, to} = axis;
    curves = await (await get(`${address}/curves?from=${from}&to=${to}`, asked.signal)).json();
    draw();
  }), 60);
}
function play(isOn) {
  playing = isOn ? {since: performance.now(), from: at >= axis.last ? axis.first : at} : null;
  $("#play").textContent = isOn ? "Stop" : "Play";
  if (!isOn) { showPicture(); return; }
  const mine = playing, next = now => {
    if (playing !== mine) return;
    const speed = Number($("#speed").value), time = mine.from + (now - mine.since) / 1000 * speed;
    seek(time);
    const wanted = frameAt(Math.min(axis.last, time + (takes + .03) * speed));
    bring(wanted); bring(wanted + 1);
    if (time >= axis.last) play(false); else requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}

// --- lanes --------------------------------------------------------------------------------------

const SEVERITIES = {failure: "red", warning: "orange", note: "blue"};
function lanes() {
  const made = [{label: "finger\nPPG", height: 130, curves: of(["ppg", "ink"])}];
  if (curves.pos) made.push({label: "face\npulse", height: 90, curves: of(["pos", "teal"])});
  if (curves.ppg_hr || curves.pos_hr) made.push(
    {label: "bpm", height: 80, curves: of(["ppg_hr", "ink"], ["pos_hr", "teal"])});
  const flags = session.flags.map(flag => ({
    from: flag.from_s ?? axis.first, to: flag.to_s ?? axis.last, colour: SEVERITIES[flag.severity],
    row: Object.keys(SEVERITIES).indexOf(flag.severity),
  }));
  if (flags.length) made.push({label: "flags", height: 34, rows: 3, parts: flags});
  made.push({label: "lost", height: 26, rows: 3, parts: [
    ...session.frame_gaps.map(gap => ({from: gap.from_s, to: gap.to_s, colour: "red", row: 0})),
    ...session.sample_gaps.map(gap => ({from: gap.from_s, to: gap.to_s, colour: "red", row: 1})),
    ...session.without_finger.map(([from, to]) => ({from, to, colour: "orange", row: 2})),
  ]});
  made.push({label: "events", height: 26, rows: 3, parts: [
    ...session.cues.map(cue => ({from: cue.at_s, to: cue.at_s + (cue.duration_s ?? 0), colour: "violet", row: 0})),
    ...session.marks.map(mark => ({from: mark.at_s, to: mark.at_s, colour: "blue", row: 1})),
    ...session.others.map(one => ({from: one.at_s, to: one.at_s, colour: "axis", row: 2})),
  ]});
  return made;
}
const of = (...names) => names.filter(([name]) => curves[name]).map(
  ([name, colour]) => ({x: curves[name].x, y: curves[name].y, colour}));

// --- parts to exclude ---------------------------------------------------------------------------

// To milliseconds, never within the part; an end that is the session's own stays empty, so that the last frame is in.
const form = $("#exclude"), DUST = 1e-6;
function choose(part) {
  chosen = part;
  const isFirst = !part || part.from <= axis.first, isLast = !part || (part.to >= axis.last && !isGrowing());
  form.elements.from.value = isFirst ? "" : String(Math.floor(part.from * 1000 + DUST) / 1000);
  form.elements.to.value = isLast ? "" : String(Math.ceil(part.to * 1000 - DUST) / 1000);
  draw();
}
function chooseEnd(name) {
  const part = {from: axis.first, to: axis.last, ...chosen, [name]: at};
  if (part.from < part.to) choose(part);
  else choose(name === "from" ? {from: at, to: axis.last} : {from: axis.first, to: at});
}
// Seconds, or a time as the page prints it: 12.5, 0:12.5, 1:02:03.
const number = text => {
  const typed = text.trim().replace(",", ".");
  if (!typed) return null;
  const read = /^(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)$/.exec(typed);
  const [hours, minutes, seconds] = (read ?? []).slice(1).map(part => Number(part ?? 0));
  if (!read || (read[2] && seconds >= 60) || (read[1] && minutes >= 60))
    throw new Error(`expected seconds, such as 12.5, or minutes and seconds, such as 0:12.5; found ${text}`);
  return 3600 * hours + 60 * minutes + seconds;
};
// One decision at a time: returns true once it is taken.
let deciding = null, undos = 0;
const take = tried(async (what, body) => {
  const {out_of_date: stale, instead} = await post(`${address}/${what}`, body);
  $("#done").textContent = [...instead, ...stale.map(one => `Made before this: ${one.path}; ${one.mend}.`)].join(" ");
  await load();
  return true;
});
async function decide(what, body) {
  if (deciding) return false;
  const pressed = document.activeElement;
  deciding = take(what, body);
  showDeciding();
  try { return await deciding; } finally {
    deciding = null;
    showDeciding();
    if (document.activeElement === document.body) pressed.focus();     // a button that was disabled lost it
  }
}
// A press while a decision is under way waits for it: two undo two. One that fails takes those after it along.
async function undo() {
  undos += 1;
  if (undos > 1) return;
  for (; undos > 0; undos -= 1) {
    while (deciding) await deciding;
    if (!await decide("undo")) undos = 1;
  }
}
function showDeciding() {
  for (const button of [form.querySelector("button"), ...document.querySelectorAll("#excluded button")]) button.disabled = Boolean(deciding);
  $("#undo").disabled = Boolean(deciding) || !session?.can_undo;
}
// Whether the whole session is meant, where no part is chosen.
function isMeant() {
  const dialog = $("dialog#whole");
  dialog.returnValue = "";
  dialog.showModal();
  // not where it is open again: the word of its last end comes late
  return new Promise(tell => { dialog.onclose = () => { if (!dialog.open) tell(dialog.returnValue === "do"); }; });
}
form.addEventListener("submit", tried(async event => {
  event.preventDefault();
  const {from, to, reason} = form.elements;
  if (!from.value.trim() && !to.value.trim() && !await isMeant()) return;
  const part = {from_s: number(from.value), to_s: number(to.value)};
  if (await decide("exclude", {...part, reason: reason.value})) { reason.value = ""; choose(null); $("#lanes").focus(); }
}));
for (const name of ["from", "to"]) form.elements[name].addEventListener("change", tried(() => {
  const from = number(form.elements.from.value) ?? axis.first, to = number(form.elements.to.value) ?? axis.last;
  chosen = from < to ? {from, to} : null;
  draw();
}));

function listExcluded() {
  $("#excluded").replaceChildren(...session.excluded.map(one => {
    const again = element("button", "Include again");
    again.type = "button";
    again.onclick = () => decide("include", {from_s: one.from_s, to_s: one.to_s});
    return element("li", `${one.part}: ${one.reason} `, element("span", `(${one.decided.slice(0, 10)}) `), again);
  }));
  if (!session.excluded.length) $("#excluded").append(element("li", "nothing"));
  showDeciding();
}

// --- words --------------------------------------------------------------------------------------

function describe() {
  const bound = session.sync_bound_ms === null ? "sync not known" : `times within ${session.sync_bound_ms.toFixed(2)} ms`;
  const lost = `${session.lost_frames} frames and ${session.lost_samples} samples lost`;
  $("#summary").textContent = `subject ${session.subject} · ${clockTime(session.end_s)} · ${session.width}×${session.height} · ${lost} · ${bound}`;
  $("#simulated").hidden = !session.simulated;
  const state = [session.state === "complete" ? "" : session.state, session.grade_problem].filter(Boolean);
  $("#state").hidden = !state.length;
  $("#state").textContent = state.join("; ");
  const grade = element("span", session.grade);
  grade.className = `grade ${session.grade}`;
  $("#grade").replaceChildren(...session.grade ? [grade] : []);
  const key = [["red", "failure, lost frames or samples"], ["orange", "warning, no finger"], ["blue", "note, mark"], ["violet", "cue"]];
  $("#key").replaceChildren(...key.map(([colour, words]) => {
    const swatch = document.createElement("canvas");
    swatch.width = 16; swatch.height = 10;
    const pen = swatch.getContext("2d");
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${colour}`);
    pen.fillRect(0, 0, 16, 10);
    return element("span", undefined, swatch, words);
  }), "hatched: excluded");
}
const isDrawn = one => one.text.startsWith("world: ");      // of virtual people: many, and long
function listNotes() {
  const drawn = session.others.filter(isDrawn), others = session.others.filter(one => !isDrawn(one));
  $("#drawn").hidden = !drawn.length;
  $("#drawn pre").textContent = drawn.map(one => one.text).join("\n");
  const rows = [
    ...session.flags.map(flag => [flag.from_s, flag.to_s, `${flag.severity}: ${flag.kind.replaceAll("_", " ")}`, flag.text]),
    ...session.frame_gaps.map(gap => [gap.from_s, gap.to_s, "frames lost", `${gap.count} frames`]),
    ...session.sample_gaps.map(gap => [gap.from_s, gap.to_s, "samples lost", `${gap.count} samples`]),
    ...session.cues.map(cue => [cue.at_s, cue.duration_s === null ? null : cue.at_s + cue.duration_s, "cue", cue.text]),
    ...session.marks.map(mark => [mark.at_s, mark.at_s, "mark", mark.text]),
    ...others.map(one => [one.at_s, one.at_s, "event", one.text]),
  ].sort((one, other) => (one[0] ?? -1) - (other[0] ?? -1));
  $("#notes").hidden = !rows.length;
  $("#none").hidden = rows.length > 0;
  $("#notes tbody").replaceChildren(...rows.slice(0, 1000).map(([from, to, what, words]) => {
    const go = element("button", from === null ? "start" : clockTime(from, 3));
    go.type = "button";
    go.onclick = () => {
      if (to !== null && to > (from ?? axis.first)) choose({from: from ?? axis.first, to});
      seek(from ?? axis.first);
    };
    const until = to === null ? "end" : to === from ? "" : clockTime(to, 3);
    const cells = [element("td", undefined, go), element("td", until), element("td", what), element("td", words)];
    ["short", "short", "short", "long"].forEach((name, at) => { cells[at].className = name; });
    if (until) cells[1].dataset.is = "to";
    const row = element("tr", undefined, ...cells);
    for (const one of [row, ...cells]) one.setAttribute("role", one === row ? "row" : "cell");
    return row;
  }));
}

// --- pointer and keys ---------------------------------------------------------------------------

const board = $("#lanes"), timeOf = event => axis.time(event.offsetX, board.clientWidth);
let drag = null;
board.addEventListener("pointerdown", event => {
  if (event.button) return;
  board.setPointerCapture(event.pointerId);
  drag = {from: timeOf(event), x: event.offsetX, scrubs: event.offsetY < RULER, moved: false};
  if (drag.scrubs) seek(drag.from);
});
board.addEventListener("pointermove", event => {
  if (!drag) return;
  const time = Math.min(axis.to, Math.max(axis.from, timeOf(event)));
  if (drag.scrubs) { seek(time); return; }
  drag.moved ||= Math.abs(event.offsetX - drag.x) > DRAG_PX;
  const start = Math.min(axis.to, Math.max(axis.from, drag.from));
  if (drag.moved && time !== start) choose({from: Math.min(start, time), to: Math.max(start, time)});
});
board.addEventListener("pointerup", event => {
  if (drag && !drag.moved && !drag.scrubs) seek(timeOf(event));
  if (drag?.moved) form.elements.reason.focus();
  drag = null;
});
board.addEventListener("pointercancel", () => { drag = null; });
board.addEventListener("wheel", event => {
  if (event.ctrlKey || event.altKey) { event.preventDefault(); zoom(event.deltaY < 0 ? 1.25 : .8, timeOf(event)); }
  else if (event.deltaX) {
    event.preventDefault();
    const by = event.deltaX / (board.clientWidth - LEFT - RIGHT) * (axis.to - axis.from);
    view(axis.from + by, axis.to + by);
  }
}, {passive: false});

const KEYS = {
  " ": () => play(!playing), "0": () => view(axis.first, axis.last), "+": () => zoom(1.5), "=": () => zoom(1.5),
  "-": () => zoom(1 / 1.5), "[": () => chooseEnd("from"), "]": () => chooseEnd("to"), Home: () => seek(axis.first),
  End: () => seek(axis.last), e: () => form.elements.reason.focus(), u: event => { if (!event.repeat) undo(); }, Escape: () => choose(null),
  ArrowLeft: event => event.shiftKey ? seek(at - 1) : step(-1), ArrowRight: event => event.shiftKey ? seek(at + 1) : step(1),
};
document.addEventListener("keydown", event => {
  const isTyping = event.target.matches("input, select"), key = event.key;
  if (isTyping && key === "Escape") { event.target.blur(); return; }
  if (!session || isTyping || $("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, key)) return;
  if (key === " " && event.target.matches("button, a")) return;
  event.preventDefault();
  KEYS[key](event);
});
$("#play").onclick = () => play(!playing);
$("#back").onclick = () => step(-1);
$("#on").onclick = () => step(1);
$("#in").onclick = () => zoom(1.5);
$("#out").onclick = () => zoom(1 / 1.5);
$("#all").onclick = () => view(axis.first, axis.last);
$("#undo").onclick = undo;
$("#speed").onchange = () => { if (playing) play(true); };

// --- begin --------------------------------------------------------------------------------------

async function load() {
  session = await (await get(`${address}/timeline`)).json();
  listExcluded(); describe(); listNotes();
  if (axis) draw();
}
// A recording that goes on: what it has by now, seen to its end where the end was seen before.
const isGrowing = () => session.state.startsWith("still recording");
async function grow() {
  await tried(async () => {
    const isAtEnd = times.length > 0 && at >= times.at(-1);
    await load();
    times = new Float64Array(await (await get(`${address}/times`)).arrayBuffer());
    const isWhole = axis.from === axis.first && axis.to === axis.last;
    axis.last = Math.max(axis.last, session.end_s);
    if (isWhole) axis.show(axis.first, axis.last);
    if (isAtEnd && !playing && times.length) seek(times.at(-1)); else draw();
    askCurves();
  })();
  if (isGrowing()) setTimeout(grow, GROWS_MS);
}
async function begin() {
  const [, answer] = await Promise.all([load(), get(`${address}/times`)]);
  times = new Float64Array(await answer.arrayBuffer());
  axis = new Axis(Math.min(0, times[0] ?? 0), session.end_s);
  $("#picture").width = session.width; $("#picture").height = session.height;
  $("#player").style.setProperty("--ratio", session.width / session.height);
  at = axis.first;
  draw(); seek(times[0] ?? 0); askCurves();
  new ResizeObserver(draw).observe(board);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { describe(); draw(); });
  if (isGrowing()) setTimeout(grow, GROWS_MS);
  follow(tried(load), isGone => {
    if (isGone) complain(new Error("the studio does not answer: was it ended?"));
    else if (failed.size) { failed.clear(); showPicture(); }
  }, address.split("/").at(-1));
}
tried(begin)();
