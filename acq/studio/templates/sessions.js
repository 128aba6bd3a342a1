// The list of sessions: it comes back while sessions are read; it is sorted and filtered at once.
// Of many rows only the first are laid out: a table of a thousand takes a browser half a second.
import {follow} from "/assets/server.js";

const AT_ONCE = 200;
const progress = document.querySelector("#progress"), form = document.querySelector("#filter");
if (progress) setTimeout(() => location.reload(), 1000);
if (form) list();

function list() {
  const body = document.querySelector("#sessions").tBodies[0], more = document.querySelector("#more");
  const shown = document.querySelector("#shown"), fields = form.elements;
  let rows = [...body.rows], most = AT_ONCE;
  const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));

  const show = () => {
    const words = fields.text.value.toLowerCase().split(/\s+/);
    const fits = row => {
      const {grade, use, lost} = row.dataset;
      return words.every(word => texts.get(row).includes(word))
        && (!fields.grade.value || grade === fields.grade.value)
        && (!fields.use.value || use === fields.use.value) && (!fields.lost.checked || lost > 0);
    };
    const fitting = rows.filter(fits);
    body.replaceChildren(...fitting.slice(0, most));
    more.hidden = fitting.length <= most;
    more.textContent = `Show all ${fitting.length}`;
    document.dispatchEvent(new CustomEvent("shown", {detail: fitting}));
    shown.value = fitting.length < rows.length ? `${fitting.length} of ${rows.length}` : "";
  };
  const remember = () => {
    // kept in the address: a reload and the way back from a session find the same rows
    const kept = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    history.replaceState(null, "", kept.size ? `?${kept}` : location.pathname);
  };
  // by data-by where a cell has one, else by its text; numbers as numbers; again: the other way
  const sort = head => {
    const before = head.getAttribute("aria-sort"), at = head.cellIndex;
    const up = before ? before !== "ascending" : head.dataset.first !== "down";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const order = new Intl.Collator("en", {numeric: true}).compare;
    const keyed = rows.map(row => [row.cells[at].dataset.by ?? row.cells[at].textContent, row]);
    keyed.sort(([a], [b]) => (up ? 1 : -1) * (a - b || order(a, b)));
    rows = keyed.map(([, row]) => row);
    show();
  };

  for (const [name, value] of new URLSearchParams(location.search)) {
    if (fields[name]?.type === "checkbox") fields[name].checked = true;
    else if (fields[name]) fields[name].value = value;
  }
  show();
  form.addEventListener("input", () => { show(); remember(); });
  form.addEventListener("submit", event => event.preventDefault());
  more.addEventListener("click", () => { most = Infinity; show(); });
  for (const button of document.querySelectorAll("#sessions th button"))
    button.addEventListener("click", () => sort(button.parentNode));
  document.addEventListener("keydown", event => {
    if (event.key !== "/" || event.target.matches("input:not([type=checkbox]), select")) return;
    event.preventDefault();
    fields.text.focus();
  });
  follow(() => { if (!document.querySelector("#sessions[aria-busy]")) location.reload(); }, () => {});
}
