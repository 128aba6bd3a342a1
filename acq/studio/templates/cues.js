// The cues alone, large: read from a chair, in a second browser too.
import {clockTime} from "/assets/curves.js";
import {Elapsed, cueAt, followRig} from "/assets/rig_socket.js";

const text = document.querySelector("#cue-text"), left = document.querySelector("#cue-left");
const next = document.querySelector("#cue-next"), problem = document.querySelector("#problem");
const stage = document.querySelector("#stage"), full = document.querySelector("#full");
const elapsed = new Elapsed();
let recording = null;

function put(where, words) { if (where.textContent !== words) where.textContent = words; }

function show() {
  if (!recording) { put(text, "No recording"); put(left, ""); put(next, ""); return; }
  if (!recording.protocol) { put(text, "Recording"); put(left, clockTime(elapsed.seconds, 0)); put(next, ""); return; }
  const [cue, seconds, after] = cueAt(recording.protocol, elapsed.seconds);
  put(text, cue ? cue.text || cue.name : "The protocol is over");
  put(left, cue ? clockTime(Math.ceil(seconds), 0) : "");
  put(next, !cue ? "" : after ? `next: ${after.text || after.name}` : "the last one");
}

const fill = () => document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen();
full.addEventListener("click", fill);
document.addEventListener("keydown", event => { if (event.key === "f" && !event.ctrlKey && !event.metaKey) fill(); });
followRig({
  onState: state => {
    recording = state.recording ?? null;
    if (state.elapsed_s !== undefined) elapsed.take(state);
    show();
  },
  onGone: gone => { problem.hidden = !gone; problem.textContent = "The studio does not answer."; },
});
setInterval(show, 100);
