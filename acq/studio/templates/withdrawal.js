// The dialog that deletes a subject: what goes is listed first, and only its name, typed, deletes it.
import {element, get} from "/assets/server.js";

const dialog = document.querySelector("dialog#withdraw"), find = selector => dialog.querySelector(selector);
const size = rows => `${(rows.reduce((sum, one) => sum + one.bytes, 0) / 1e6).toFixed(3)} MB`;
const listed = (title, lines) => lines.length ? [element("h3", title), element("ul", undefined, ...lines.map(line => element("li", line)))] : [];
let subject = "", plan = null, asked = null;

// Begin to list what goes with a subject, each time that the dialog is opened.
export async function listPlan(name) {
  asked?.abort();
  asked = new AbortController();
  [subject, plan] = [name, null];
  show("Looking for everything of the subject …");
  try {
    const answer = await get(`/withdraw/plan?${new URLSearchParams({subject: name})}`, asked.signal);
    plan = await answer.json();
    show();
  } catch (error) { if (error.name !== "AbortError") show(`It cannot be deleted now: ${error.message}`); }
}

function show(words) {
  const {typed, models} = find("form").elements, {removed, rewritten, runs, rest} = plan ?? {};
  find("[value=do]").disabled = !plan || typed.value !== subject;
  find("#models").hidden = !runs?.length;
  const row = one => `${one.path} (${one.what}, ${size([one])})`;
  const going = plan ? [...removed, ...(models.checked ? runs : [])] : [];
  find("#plan-size").textContent = words ?? `${going.length} ${going.length === 1 ? "place" : "places"}, ${size(going)}:`;
  find("#plan").hidden = !plan;
  find("#plan").replaceChildren(...plan ? [
    ...listed("To be deleted", going.map(row)), ...listed("To be written anew, without the subject", rewritten),
    ...listed("Left", [...(models.checked ? [] : runs.map(one => `${row(one)}: it saw the subject, and its files name it`)), ...rest]),
  ] : []);
}
dialog?.addEventListener("input", () => { if (plan) show(); });
