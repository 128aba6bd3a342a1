// The subject's other sessions beside this one: rates and grades in a table, rates over time drawn.
import {Axis, clockTime, drawLanes} from "/assets/curves.js";
import {element, get, tried} from "/assets/server.js";

const COLOURS = ["teal", "orange", "violet", "blue", "red", "soft", "axis"], HERE = "ink";
const place = document.querySelector("#days"), player = document.querySelector("#player");

async function look() {
  const {progress, days} = await (await get(`${player.dataset.address}/days`)).json();
  if (progress) { setTimeout(tried(look), 1000); return; }
  let others = 0;
  for (const day of days) day.colour = day.is_here ? HERE : COLOURS[others++ % COLOURS.length];
  place.querySelector("tbody").replaceChildren(...days.map(line));
  const drawn = days.filter(day => day.hr_s.length), canvas = place.querySelector("#rates");
  canvas.hidden = !drawn.length;
  if (!drawn.length) return;
  const axis = new Axis(0, Math.max(...drawn.map(day => day.hr_s.at(-1))));
  // this one last, on top of the others
  const curves = [...drawn.filter(day => !day.is_here), ...drawn.filter(day => day.is_here)]
    .map(day => ({x: day.hr_s, y: day.hr_bpm, colour: day.colour}));
  const draw = () => drawLanes(canvas, axis, [{label: "finger\nbpm", height: 130, curves}]);
  new ResizeObserver(draw).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { days.forEach(paint); draw(); });
}

function line(day) {
  const {row} = day, name = day.is_here ? element("b", day.name) : element("a", day.name);
  if (!day.is_here) name.href = `/sessions/${day.name}`;
  day.swatch = document.createElement("canvas");
  Object.assign(day.swatch, {width: 16, height: 10, className: "swatch"});
  if (day.hr_s.length) paint(day);
  const grade = element("span", row.grade || "–");
  if (row.grade) grade.className = `grade ${row.grade}`;
  const known = (value, digits) => value === null ? "–" : value.toFixed(digits);
  const cells = [
    [undefined, day.swatch, name], [(row.started ?? "–").slice(0, 16).replace("T", " ")],
    [row.duration_s === null ? "–" : clockTime(row.duration_s, 0)], [known(row.hr_bpm, 1)], [undefined, grade],
    [row.lost_frames === null ? "–" : `${row.lost_frames}+${row.lost_samples}`], [known(row.sync_bound_ms, 2)],
    [row.use + (row.reasons ? `: ${row.reasons}` : "")],
  ].map(parts => element("td", ...parts));
  const names = ["", "started", "length", "bpm", "", "lost", "sync ms", "use"];
  cells.forEach((cell, at) => {
    cell.setAttribute("role", "cell");
    cell.className = at === 7 ? "long" : at === 0 ? "" : [2, 3, 5, 6].includes(at) ? "short n" : "short";
    const name = names[at] || (at === 4 && !row.grade ? "grade" : "");        // a grade says itself what it is
    if (name) cell.dataset.is = name;
  });
  const made = element("tr", undefined, ...cells);
  made.setAttribute("role", "row");
  if (day.is_here) made.className = "here";
  return made;
}
function paint(day) {
  if (!day.swatch) return;
  const pen = day.swatch.getContext("2d");
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${day.colour}`);
  pen.clearRect(0, 0, 16, 10);
  pen.fillRect(0, 3, 16, 4);
}

if (place) tried(look)();
