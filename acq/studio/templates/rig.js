// The rig: the picture with its boxes, the state in words, and a recording from first to last.
import {Axis, clockTime, drawLanes} from "/assets/curves.js";
import {drawLed, listenForCalibration, showCalibration, showChoices} from "/assets/rig_calibration.js";
import {Elapsed, cueAt, followRig} from "/assets/rig_socket.js";
import {complain, element, get, once, post, tried} from "/assets/server.js";

const find = id => document.querySelector(`#${id}`);
const devices = find("devices"), record = find("record"), running = find("running");
const canvas = find("picture"), pen = canvas.getContext("2d");
const elapsed = new Elapsed(), arrivals = [];
const SIGNS = {good: "✓", doubtful: "!", bad: "✗"};
const AGAIN_MS = 5000;                     // within which a second q counts
let state = {phase: "idle", rows: []}, shown = null, stopAsked = -Infinity, isGone = false;

// -- the picture

function drawBox([left, top, right, bottom], colour, label, scale) {
  for (const [ink, width] of [["#000", 4], [colour, 2]]) {
    pen.strokeStyle = ink; pen.lineWidth = width * scale;
    pen.strokeRect(left, top, right - left, bottom - top);
    pen.lineWidth = 3 * scale; pen.font = `${14 * scale}px system-ui, "DejaVu Sans", sans-serif`;
    if (ink === "#000") pen.strokeText(label, left + 6 * scale, bottom - 7 * scale);
    else { pen.fillStyle = colour; pen.fillText(label, left + 6 * scale, bottom - 7 * scale); }
  }
}

function drawPicture(bitmap, age) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width; canvas.height = bitmap.height;
  }
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  const {view} = state, scale = Math.max(1, canvas.width / (canvas.clientWidth || canvas.width));
  if (view) {
    drawBox(view.frame, "#fff", "sit in here", scale);
    if (view.face) drawBox(view.face, view.is_good ? "#5fe07a" : "#ffc233", "face", scale);
  }
  drawLed(pen, state.led);
  const now = performance.now();
  arrivals.push(now);
  while (arrivals[0] < now - 3000) arrivals.shift();
  const rate = (arrivals.length - 1) / Math.max(.1, (now - arrivals[0]) / 1000);
  find("age").textContent = `pictures a second: ${rate.toFixed(0)}; ${age.toFixed(2)} s after the light`;
  canvas.dataset.pictures = Number(canvas.dataset.pictures ?? 0) + 1;
}

// -- the state

function showRows(rows) {
  const body = find("rows").tBodies[0];
  find("no-rows").hidden = rows.length > 0;
  find("no-rows").textContent = AWAITED[state.phase];
  rows.forEach(({name, words, style, advice}, at) => {
    const row = body.rows[at] ?? body.insertRow();
    if (!row.cells.length) {
      const head = element("th");
      head.scope = "row";
      row.append(head, element("td"));
    }
    const text = `${SIGNS[style] ?? ""} ${words}`.trim(), key = `${name}|${text}|${advice ?? ""}`;
    if (row.dataset.key === key) return;
    row.dataset.key = key;
    row.cells[0].textContent = name;
    row.cells[1].className = style;
    row.cells[1].replaceChildren(text);
    if (advice) {
      const more = element("span", advice);
      more.className = "advice";
      row.cells[1].append(more);
    }
  });
  while (body.rows.length > rows.length) body.deleteRow(-1);
}

function drawCurve(id, curve, colour) {
  const target = find(id);
  if (!curve || curve.x.length < 2) { target.hidden = true; return; }
  target.hidden = false;
  const last = curve.x.at(-1), x = curve.x.map(one => one - last);
  drawLanes(target, new Axis(Math.min(-10, x[0]), 0), [{label: "", height: 90, curves: [{x, y: curve.y, colour}]}]);
}

function showRecording() {
  const {recording, phase} = state, isOn = phase === "recording" || phase === "starting";
  record.hidden = isOn; devices.hidden = isOn; running.hidden = !isOn;
  find("let-go").disabled = phase !== "looking";
  for (const id of ["look", "start"]) find(id).disabled = phase === "calibrating";
  for (const id of ["mark", "undo"]) find(id).disabled = phase !== "recording";
  find("subject").textContent = recording?.subject ?? "";
  const count = state.marks?.length ?? 0;
  find("marks").textContent = count ? `${count} ${count === 1 ? "mark" : "marks"}, the last: ${state.marks.at(-1)}` : "no mark yet";
  find("answer").textContent = isOn ? state.said : "";
  if (!isOn) find("stop").firstChild.textContent = "Stop ";
}

function showEnd(ended) {
  const box = find("ended");
  box.hidden = !ended;
  if (!ended || box.dataset.saved === ended.saved) return;
  box.dataset.saved = ended.saved;
  box.classList.toggle("fine", !ended.shortcomings.length && Boolean(ended.session));
  box.replaceChildren(element("b", ended.saved), ...[ended.marks ?? [], ended.shortcomings].flat().map(words => element("p", words)));
  if (!ended.shortcomings.length) box.append(element("p", "Nothing is missing."));
  if (ended.session) {
    const link = element("a", "Open the session");
    link.href = `/sessions/${encodeURIComponent(ended.session)}`;
    box.append(element("p", undefined, link));
  }
}

const PHASES = {idle: "", looking: "shows the devices, records nothing", starting: "the recording begins", recording: "records", calibrating: "calibrates, with the LED"};

// what stands in the place of the rows as long as there are none
const AWAITED = {
  idle: "Choose the devices, then Show picture.", looking: "Opening the devices; this can take some seconds.",
  starting: "Opening the devices; this can take some seconds.", recording: "Waiting for the recording to answer.",
  calibrating: "The calibration has the devices.",
};

function showState(now) {
  state = now;
  if (state.elapsed_s !== undefined) elapsed.take(state);
  if (["idle", "calibrating"].includes(state.phase) && state.phase !== shown) pen.clearRect(0, 0, canvas.width, canvas.height);
  if (state.phase !== shown) {
    shown = state.phase;
    document.body.dataset.phase = shown;
    find("phase").textContent = shown === "starting" && state.ended ? "the recording ends" : PHASES[shown];
    find("age").textContent = "";
  }
  // while it records the answers to keys stand beside them, so that the page stays where it is
  find("said").hidden = !state.said || state.phase === "recording"; find("said").textContent = state.said;
  const name = state.recording?.camera ?? state.camera ?? "";
  find("simulated").hidden = !(state.is_simulated || name.startsWith("virtual:"));
  showRows(state.rows);
  showRecording();
  showEnd(state.ended);
  showCalibration(state, devices);
  drawCurve("finger", state.finger, "teal");
  drawCurve("face", state.face, "violet");
  const pulse = state.rows.find(row => row.name === "pulse" || row.name === "finger");
  find("finger-words").textContent = pulse?.words ?? "";
  const face = state.face;
  find("face-words").textContent = face ? [face.rate, face.words].filter(Boolean).join(", ")
    : state.phase === "recording" ? "not read in this recording" : "read while the picture is shown";
}

function tick() {
  if (state.phase === "recording") {
    const {duration_s: planned, protocol} = state.recording ?? {};
    find("elapsed").textContent = clockTime(Math.floor(elapsed.seconds), 0) + (planned ? ` of ${clockTime(planned, 0)}` : "");
    if (protocol) {
      const [cue, left, next] = cueAt(protocol, elapsed.seconds);
      find("cue").replaceChildren(cue ? `${clockTime(Math.ceil(left), 0)}  ${cue.text || cue.name}` : "The protocol is over",
        element("span", cue ? next ? `next: ${next.text || next.name}` : "the last one" : ""));
      find("cue").lastChild.className = "soft";
    }
    find("cue").hidden = !protocol;
  } else { find("cue").hidden = true; find("elapsed").textContent = "0:00"; }
  if (performance.now() - stopAsked > AGAIN_MS) find("stop").firstChild.textContent = "Stop ";
}

// -- what is asked for

const chosen = () => ({
  camera: devices.elements.camera.value, port: devices.elements.port.value, fps: Number(devices.elements.fps.value),
});

const start = once(() => post("/rig/record", {
  ...chosen(), subject: record.elements.subject.value.trim(), duration: record.elements.duration.value,
  protocol: record.elements.protocol.value, live: record.elements.live.checked,
}));

const ask = once(async () => {
  const subject = record.elements.subject.value.trim();
  const duration = record.elements.duration.value;
  const answer = await get(`/rig/subject?${new URLSearchParams({name: subject, duration})}`);
  if ((await answer.json()).is_noted) return start();
  find("new-subject").textContent = subject;
  find("refused").hidden = true;
  find("noting").showModal();
});

const note = once(async () => {
  const noted = Object.fromEntries(new FormData(find("noted")));
  try {
    await post("/rig/subject", {subject: find("new-subject").textContent, noted});
  } catch (error) {
    find("refused").textContent = error.message; find("refused").hidden = false;
    return;
  }
  find("noting").close();
  find("noted").reset();
  await start();
});

const mark = tried(number => post("/rig/mark", {number}));
const undo = tried(() => post("/rig/undo"));
const stop = tried(async () => {
  if (performance.now() - stopAsked < AGAIN_MS) { stopAsked = -Infinity; await post("/rig/stop"); return; }
  stopAsked = performance.now();
  find("stop").firstChild.textContent = "Press again to stop ";
});

function fill(select, choices) {
  const value = select.value;
  select.replaceChildren(...Object.entries(choices).map(([spec, words]) => {
    const option = element("option", `${spec}: ${words}`);
    option.value = spec;
    return option;
  }));
  select.value = value;
}

function tellFound({cameras, ports, remarks}) {
  const names = choices => Object.keys(choices).filter(spec => spec !== "auto" && spec !== "virtual").join(", ") || "none";
  return [`Cameras: ${names(cameras)}. Ports: ${names(ports)}.`, ...remarks].join(" ");
}

const showUsable = () => showChoices(state.calibration?.asked, devices);
devices.addEventListener("change", showUsable);
showUsable();
const look = once(() => post("/rig/look", chosen()));
devices.addEventListener("submit", event => { event.preventDefault(); look(); });
find("let-go").addEventListener("click", once(() => post("/rig/let-go")));
find("find").addEventListener("click", tried(async () => {
  find("find").disabled = true;
  find("found").textContent = "Looking for devices…";
  try {
    const found = await post("/rig/devices");
    fill(devices.elements.camera, found.cameras);
    fill(devices.elements.port, found.ports);
    find("found").textContent = tellFound(found);
  } catch (error) {
    find("found").textContent = "";
    throw error;
  } finally { find("find").disabled = false; }
}));
record.addEventListener("submit", event => { event.preventDefault(); ask(); });
find("noted").addEventListener("submit", event => { event.preventDefault(); note(); });
find("not-now").addEventListener("click", () => find("noting").close());
find("mark").addEventListener("click", () => mark(null));
find("undo").addEventListener("click", () => undo());
find("stop").addEventListener("click", () => stop());
document.addEventListener("keydown", event => {
  if (state.phase !== "recording" || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches("input, select, textarea")) return;
  const {key} = event;
  if (key === "m") mark(null);
  else if (/^[1-9]$/.test(key)) mark(Number(key));
  else if (key === "u") undo();
  else if (key === "q") stop();
  else if (key === "c") find("cues").click();
});
listenForCalibration(chosen);
followRig({
  onState: showState, onPicture: drawPicture,
  onGone: gone => {
    if (gone) find("age").textContent = "the last picture that came; it may be old";
    if (gone) complain(new Error("The studio does not answer; a recording that runs goes on. If it was started again, open the new link that it printed."));
    else if (isGone) find("problem").hidden = true;     // else it tells what else went wrong
    isGone = gone;
  },
});
setInterval(tick, 200);
