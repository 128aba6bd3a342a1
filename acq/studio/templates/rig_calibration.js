// The calibration with the LED, step by step: the LED looked for in the picture, then measured.
import {once, post} from "/assets/server.js";

const find = id => document.querySelector(`#${id}`);
const form = find("calibration"), toggles = form.elements.toggles;
let blinks = false;                        // told by its row among those of the state

// Draws a ring where the LED was found.
export function drawLed(pen, at) {
  if (!at) return;
  const {width, height} = pen.canvas, radius = width / 25;
  for (const [ink, size] of [["#000", 4], ["#4db8ff", 2]]) {
    pen.strokeStyle = ink; pen.lineWidth = size * width / 640;
    pen.beginPath(); pen.arc(at[1] * width, at[0] * height, radius, 0, 2 * Math.PI); pen.stroke();
  }
}

// What is read aloud is put there only where it is new.
function put(id, words) { if (find(id).textContent !== words) find(id).textContent = words; }

function showKept({words, fault, age, made, of}) {
  const [offset, light] = words;
  put("kept", fault || (offset ? `${offset}; made ${age}` : "None: how late the camera's stamps are after the light is not known."));
  find("kept").title = made ?? "";
  put("kept-more", light ? `${light}. It holds for this camera at ${of}, with the exposure that it had.` : "");
  put("calibrate", words.length ? "Calibrate again, replacing it" : "Calibrate");
}

// While a calibration runs its choices stand there, on every page; they can be changed again once it has ended.
export function showChoices(asked, devices) {
  const {camera, port, fps} = devices.elements;
  for (const field of [camera, fps, toggles]) field.disabled = Boolean(asked);
  port.disabled = Boolean(asked) || camera.value === "virtual";          // it brings its own
  if (!asked) return;
  for (const [field, value] of [[camera, asked.camera], [port, asked.port]]) {
    if (![...field.options].some(option => option.value === value)) field.add(new Option(value, value));
    field.value = value;
  }
  fps.value = asked.fps; toggles.value = asked.toggles;
}

function showRun(run) {
  const isOn = Boolean(run?.is_running), fault = run?.fault;
  for (const id of ["switched", "switching", "not-calibrate"]) find(id).hidden = !isOn;
  if (isOn) {
    find("steps").open = true;
    find("switched").max = run.total || 1; find("switched").value = run.done;
    put("switching", run.total ? `The LED was switched ${run.done} of ${run.total} times.` : "Opening the devices.");
  }
  put("calibrated", isOn || !run ? "" : fault ? `✗ not done: ${fault}`
    : "✓ done: each recording of this camera gets the offset from now on. Show picture goes on.");
  find("calibrated").className = fault ? "bad" : "good";
}

export function showCalibration(state, devices) {
  const isShown = state.phase === "looking", row = state.rows.find(({name}) => name === "LED");
  form.hidden = ["starting", "recording"].includes(state.phase);
  blinks = Boolean(row);
  find("blink").disabled = !isShown;
  put("blink", blinks ? "Stop blinking" : "Blink the LED");
  find("blink").setAttribute("aria-pressed", blinks);
  put("led", row ? [row.style === "good" ? `✓ ${row.words}` : row.words, row.advice].filter(Boolean).join("; ")
    : isShown ? "" : "Show picture first.");
  showChoices(state.calibration?.asked, devices);
  const {beside, frames} = find("takes").dataset;
  const seconds = Number(beside) + toggles.value * frames / devices.elements.fps.value;
  put("takes", Number.isFinite(seconds) ? `It takes about ${seconds.toFixed(0)} s.` : "");
  find("calibrate").disabled = state.phase === "calibrating";
  showKept(state.kept);
  showRun(state.calibration);
}

export function listenForCalibration(chosen) {
  find("blink").addEventListener("click", once(() => post("/rig/blink", {on: !blinks})));
  const calibrate = once(() => post("/rig/calibrate", {...chosen(), toggles: Number(toggles.value)}));
  form.addEventListener("submit", event => { event.preventDefault(); calibrate(); });
  find("not-calibrate").addEventListener("click", once(() => post("/rig/calibrate/stop")));
}
