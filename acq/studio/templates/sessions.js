// The list of sessions: it comes back while sessions are read, and is filtered at once.
import "/assets/sort.js";
import {follow} from "/assets/server.js";

const progress = document.querySelector("#progress"), form = document.querySelector("#filter");
if (progress) setTimeout(() => location.reload(), 1000);
if (form) {
  const rows = [...document.querySelectorAll("#sessions tbody tr")];
  const texts = rows.map(row => row.textContent.toLowerCase());
  const shown = document.querySelector("#shown"), fields = form.elements;
  const apply = () => {
    const words = fields.text.value.toLowerCase().split(/\s+/);
    let count = 0;
    rows.forEach((row, at) => {
      const {grade, use, lost} = row.dataset;
      row.hidden = !(words.every(word => texts[at].includes(word))
        && (!fields.grade.value || grade === fields.grade.value)
        && (!fields.use.value || use === fields.use.value) && (!fields.lost.checked || lost > 0));
      count += !row.hidden;
    });
    shown.value = count < rows.length ? `${count} of ${rows.length} shown` : "";
    // kept in the address: a reload and the way back from a session find the same rows
    const kept = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    history.replaceState(null, "", kept.size ? `?${kept}` : location.pathname);
  };
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (fields[name]?.type === "checkbox") fields[name].checked = true;
    else if (fields[name]) fields[name].value = value;
  }
  form.addEventListener("input", apply);
  form.addEventListener("submit", event => event.preventDefault());
  apply();
  document.addEventListener("keydown", event => {
    if (event.key !== "/" || event.target.matches("input, select")) return;
    event.preventDefault();
    fields.text.focus();
  });
  follow(() => location.reload(), () => {});
}
