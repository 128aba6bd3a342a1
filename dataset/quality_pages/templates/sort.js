// A row's cell sorts by data-by where it has one, else by its text; numbers as numbers, and the
// same column again turns it round.
for (const button of document.querySelectorAll(".sortable th button")) button.onclick = () => {
  const head = button.parentNode, at = head.cellIndex, body = head.closest("table").tBodies[0];
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const key = row => row.cells[at].dataset.by ?? row.cells[at].textContent;
  const order = (a, b) => a - b || String(a).localeCompare(String(b), "en", {numeric: true});
  const rows = [...body.rows].map(row => [key(row), row]);
  rows.sort(([a], [b]) => up ? order(a, b) : order(b, a));
  body.append(...rows.map(([, row]) => row));
};
