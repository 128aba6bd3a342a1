// Sessions that are selected in the list, and what is done with them.
import {begin} from "/assets/jobs.js";
import {element, once, post} from "/assets/server.js";
import {listPlan} from "/assets/withdrawal.js";

const KEPT = "selected", $ = name => document.querySelector(name), table = $("#sessions");
if (table) select();

function select() {
  const body = table.tBodies[0], all = $("#all"), rows = [...body.rows].filter(row => row.dataset.name);
  const byName = new Map(rows.map(row => [row.dataset.name, row]));
  const box = row => row.querySelector(".mark input");
  // kept through reloads of this tab: a decision of another page reloads the list
  const chosen = new Set(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]").filter(name => byName.has(name)));
  const subjects = () => [...new Set([...chosen].map(name => byName.get(name).dataset.subject))].sort();
  let shown = rows, last = null;

  const show = () => {
    sessionStorage.setItem(KEPT, JSON.stringify([...chosen]));
    for (const row of rows) box(row).checked = chosen.has(row.dataset.name);
    const those = shown.filter(row => row.dataset.name), count = those.filter(row => chosen.has(row.dataset.name)).length;
    all.checked = count > 0 && count === those.length;
    all.indeterminate = count > 0 && count < those.length;
    const who = subjects();
    $("#selected").value = chosen.size ? `${counted(chosen.size, "session")} of ${counted(who.length, "subject")}` : "none selected";
    $("[data-action=qc]").textContent = chosen.size ? "Grade" : "Grade all";
    $("[data-action=exclude]").disabled = !chosen.size;
    $("[data-action=withdraw]").disabled = who.length !== 1;
    for (const place of document.querySelectorAll("[data-count]")) place.textContent = counted(chosen.size, "session");
    for (const place of document.querySelectorAll("[data-subjects]")) place.textContent = who.join(", ") || "none are selected";
  };
  document.addEventListener("shown", event => { shown = event.detail; show(); });
  body.addEventListener("click", event => {
    const row = event.target.closest("tr");
    if (!event.target.matches(".mark input")) return;
    const isOn = event.target.checked, to = shown.indexOf(row), from = event.shiftKey && last ? shown.indexOf(last) : to;
    for (const one of shown.slice(Math.min(from, to), Math.max(from, to) + 1))
      if (one.dataset.name) { if (isOn) chosen.add(one.dataset.name); else chosen.delete(one.dataset.name); }
    last = row;
    show();
  });
  all.addEventListener("click", () => {
    for (const row of shown) if (row.dataset.name) { if (all.checked) chosen.add(row.dataset.name); else chosen.delete(row.dataset.name); }
    show();
  });

  const later = () => location.reload();
  // While it works, what it changes does not load the list again: that would break it off.
  const whole = work => async (...given) => {
    table.ariaBusy = "true";
    try { await work(...given); } finally { table.ariaBusy = null; }
  };
  const actions = {
    qc: () => begin({verb: "qc", sessions: [...chosen]}, job => { if (job.state === "done") later(); }),
    exclude: whole(async fields => {
      const sessions = [...chosen], {out_of_date: stale, instead} = await post("/exclude", {sessions, reason: fields.reason.value});
      sessionStorage.setItem("done", JSON.stringify({sessions, reason: fields.reason.value, stale, instead}));
      later();
    }),
    split: fields => begin({
      verb: "split", force: fields.force.checked,
      ...{holdout: {holdout: subjects()}, folds: {folds: fields.folds.valueAsNumber}, part: {test_fraction: fields.part.valueAsNumber}}[fields.how.value],
    }, job => { if (job.state === "done") later(); }),
    convert: fields => begin({verb: "convert", to: fields.to.value, tool: fields.tool.value, force: fields.force.checked}),
    withdraw: fields => begin(
      {verb: "withdraw", subject: subjects()[0], typed: fields.typed.value, models: fields.models.checked},
      job => { if (job.state === "done") later(); }),
  };
  for (const button of document.querySelectorAll("[data-action]")) {
    const dialog = $(`dialog#${button.dataset.action}`), act = once(actions[button.dataset.action]);
    if (!dialog) { button.onclick = () => act(); continue; }
    const form = dialog.querySelector("form");
    button.onclick = () => {
      form.reset();
      if (form.elements.how) form.elements.how.value = chosen.size ? "holdout" : "folds";
      dialog.returnValue = "";
      dialog.showModal();
      if (dialog.id === "withdraw") {
        form.elements.typed.focus();  // not by an attribute: a page whose address has a # complains of one
        listPlan(subjects()[0]);
      }
    };
    dialog.addEventListener("close", () => { if (dialog.returnValue === "do") act(form.elements); });
  }
  sayDone();
  show();

  // what the last decision did, and the way back
  function sayDone() {
    const done = JSON.parse(sessionStorage.getItem("done") ?? "null");
    sessionStorage.removeItem("done");
    if (!done) return;
    const undo = element("button", "Undo");
    undo.type = "button";
    undo.onclick = once(whole(async () => {
      await post("/exclude/undo", {sessions: done.sessions, reason: done.reason});
      later();
    }));
    const stale = done.stale.map(one => `Made before this: ${one.path}; ${one.mend}.`);
    $("#done").replaceChildren(
      [`Excluded ${counted(done.sessions.length, "session")}.`, ...done.instead, ...stale].join(" "), " ", undo);
    $("#done").hidden = false;
  }
}

function counted(number, what) { return `${number} ${what}${number === 1 ? "" : "s"}`; }
