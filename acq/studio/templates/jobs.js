// Jobs: their list in #jobs, wherever a page has one; a page that begins one calls `begin`.
import {complain, element, get, once, post, tried} from "/assets/server.js";

const EVERY_MS = 1000;
const place = document.querySelector("#jobs"), most = Number(place?.dataset.most ?? Infinity);
// on other pages than that of jobs: those that were begun there, also after the page was loaded again
const kept = `begun ${location.pathname}`;
const begunHere = new Set(JSON.parse(sessionStorage.getItem(kept) ?? "[]")), cancelled = new Set(), ended = new Map();
let timer = 0, seen = "";

// Begin a job; `whenDone` gets it once it has ended.
export async function begin(asked, whenDone = () => {}) {
  const job = await post("/jobs", asked);
  begunHere.add(job.id);
  sessionStorage.setItem(kept, JSON.stringify([...begunHere].slice(-most)));
  ended.set(job.id, whenDone);
  await look();
  return job;
}
export const result = async id => (await get(`/jobs/${id}/result`)).json();

async function look() {
  clearTimeout(timer);
  let jobs = [];
  try {
    ({jobs} = await (await get("/jobs/list")).json());
  } catch (error) { complain(error); timer = setTimeout(look, 3 * EVERY_MS); return; }
  show(jobs);
  for (const job of jobs) if (job.state !== "running" && ended.has(job.id)) {
    const then = ended.get(job.id);
    ended.delete(job.id);
    tried(then)(job);
  }
  if (jobs.some(job => job.state === "running")) timer = setTimeout(look, EVERY_MS);
}

function show(jobs) {
  if (!place) return;
  const shown = jobs.filter(job => most === Infinity || job.state === "running" || begunHere.has(job.id)).slice(0, most);
  const text = JSON.stringify(shown);
  if (text === seen) return;
  seen = text;
  const focused = document.activeElement?.dataset?.cancels;
  place.replaceChildren(...shown.map(card));
  if (focused) place.querySelector(`[data-cancels="${focused}"]`)?.focus();
  if (!shown.length && most === Infinity) place.append(element("p", "No job was begun here."));
}

function card(job) {
  const head = element("h3", job.title, " ", named("span", job.state, `state ${job.state.replace(" ", "-")}`));
  const times = element("p", `begun ${job.begun.slice(0, 19)}${job.ended ? `, ended ${job.ended.slice(0, 19)}` : ""}`);
  times.className = "soft";
  const made = element("article", undefined, head, times);
  made.dataset.job = job.id;
  if (job.state === "running") {
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", job.title);
    if (job.total) { bar.max = job.total; bar.value = job.done; }
    const cancel = element("button", "Cancel");
    cancel.type = "button";
    cancel.dataset.cancels = job.id;
    cancel.setAttribute("aria-label", `Cancel: ${job.title}`);
    cancel.disabled = cancelled.has(job.id);
    cancel.onclick = once(async () => {
      await post(`/jobs/${job.id}/cancel`);
      cancelled.add(job.id);
      cancel.disabled = true;
      await look();
    });
    made.append(element("p", undefined, bar, ` ${job.stage ? `${job.stage}: ${job.done} of ${job.total} ` : "begins "}`, cancel));
  }
  const lines = [...job.words, ...job.told];
  if (lines.length) made.append(element("ul", undefined, ...lines.map(line => element("li", line))));
  if (job.has_result && job.state !== "running") made.append(details(job));
  return made;
}

function details(job) {
  const text = document.createElement("pre"), made = element("details", undefined, element("summary", "Result as JSON"), text);
  made.addEventListener("toggle", tried(async () => {
    if (made.open && !text.textContent) text.textContent = JSON.stringify(await result(job.id), null, 1);
  }));
  return made;
}
const named = (name, text, className) => Object.assign(element(name, text), {className});

look();
