// Curves and marked stretches over one axis of time, drawn on a canvas in the colours of the page.

export const LEFT = 74, RIGHT = 8, RULER = 24;
const LEAST_S = 0.2;
const STEPS_S = [.05, .1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

export function clockTime(seconds, digits = 1) {
  const sign = seconds < 0 ? "−" : "", parts = Math.round(Math.abs(seconds) * 10 ** digits);
  const whole = Math.floor(parts / 10 ** digits), rest = parts % 10 ** digits;
  const two = number => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const start = hours ? `${hours}:${two(minutes)}` : String(minutes);
  const fraction = rest ? "." + String(rest).padStart(digits, "0").replace(/0+$/, "") : "";
  return `${sign}${start}:${two(whole % 60)}${fraction}`;
}

// The part of the whole that is shown, and where a time stands on a canvas.
export class Axis {
  // `words` are those of a place on the axis, `steps` what may lie between two of them
  constructor(first, last, {words = time => clockTime(time, 2), steps = STEPS_S, least = LEAST_S} = {}) {
    Object.assign(this, {first, last: Math.max(last, first + least), words, steps, least});
    this.show(this.first, this.last);
  }
  show(from, to) {
    const whole = this.last - this.first, span = Math.min(whole, Math.max(this.least, to - from));
    const middle = (from + to) / 2;
    this.from = Math.min(this.last - span, Math.max(this.first, middle - span / 2));
    this.to = this.from + span;
  }
  zoom(factor, around) {
    const span = (this.to - this.from) / factor, share = (around - this.from) / (this.to - this.from);
    this.show(around - share * span, around + (1 - share) * span);
  }
  x(time, width) { return LEFT + (time - this.from) / (this.to - this.from) * (width - LEFT - RIGHT); }
  time(x, width) { return this.from + (x - LEFT) / (width - LEFT - RIGHT) * (this.to - this.from); }
}

export function pageColours() {
  const style = getComputedStyle(document.documentElement);
  return name => style.getPropertyValue(`--${name}`).trim() || name;
}

// A lane has a label, a height, and either `curves`, each {x, y, colour}, or `parts`, each
// {from, to, colour, row} in `rows` rows. `over` has `out` and `chosen`, parts that are hatched or
// tinted across all lanes, and `at`, a time.
export function drawLanes(canvas, axis, lanes, over = {}) {
  const colour = pageColours(), scale = devicePixelRatio || 1, width = canvas.clientWidth || 900;
  const height = RULER + lanes.reduce((sum, lane) => sum + lane.height, 0);
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale); canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = '12px system-ui, "DejaVu Sans", sans-serif';
  pen.textBaseline = "middle";
  drawRuler(pen, axis, width, height, colour);
  let top = RULER;
  for (const lane of lanes) {
    pen.strokeStyle = colour("line"); pen.lineWidth = 1;
    pen.strokeRect(LEFT, top + .5, width - LEFT - RIGHT, lane.height);
    pen.save();
    pen.beginPath(); pen.rect(LEFT, top, width - LEFT - RIGHT, lane.height); pen.clip();
    const range = lane.curves ? drawCurves(pen, axis, lane, top, width, colour) : null;
    if (lane.parts) drawParts(pen, axis, lane, top, width, colour);
    pen.restore();
    drawLabel(pen, lane, top, range, colour);
    top += lane.height;
  }
  for (const part of over.out ?? []) hatch(pen, axis, part, width, height, colour);
  if (over.chosen) tint(pen, axis, over.chosen, width, height, colour);
  if (over.at !== undefined) {
    const x = axis.x(over.at, width);
    if (x >= LEFT - 1 && x <= width - RIGHT + 1) {
      pen.fillStyle = colour("red"); pen.fillRect(x - 1, 0, 2, height);
    }
  }
}

function drawRuler(pen, axis, width, height, colour) {
  const wanted = (axis.to - axis.from) / Math.max(2, (width - LEFT) / 110);
  const step = axis.steps.find(one => one >= wanted) ?? Math.ceil(wanted / 3600) * 3600;
  pen.textAlign = "center";
  for (let n = Math.ceil(axis.from / step); n * step <= axis.to; n++) {
    const x = axis.x(n * step, width);
    pen.fillStyle = colour("grid"); pen.fillRect(x, RULER, 1, height);
    pen.fillStyle = colour("soft");
    const words = axis.words(n * step), half = pen.measureText(words).width / 2;
    pen.fillText(words, Math.min(Math.max(x, LEFT + half), width - half), RULER / 2);
  }
}

function drawLabel(pen, lane, top, range, colour) {
  pen.fillStyle = colour("soft"); pen.textAlign = "right";
  const lines = lane.label.split("\n");
  lines.forEach((line, at) => pen.fillText(
    line, LEFT - 6, top + lane.height / 2 + (at - (lines.length - 1) / 2) * 14, LEFT - 8));
  if (!range || lane.height < 70) return;
  const digits = range[1] - range[0] < 20 ? 1 : 0;
  pen.fillText(range[1].toFixed(digits), LEFT - 6, top + 10, LEFT - 8);
  pen.fillText(range[0].toFixed(digits), LEFT - 6, top + lane.height - 8, LEFT - 8);
}

function drawCurves(pen, axis, lane, top, width, colour) {
  let low = Infinity, high = -Infinity;
  for (const {x, y} of lane.curves) for (let at = 0; at < x.length; at++) {
    if (y[at] === null || x[at] < axis.from || x[at] > axis.to) continue;
    if (y[at] < low) low = y[at];
    if (y[at] > high) high = y[at];
  }
  if (low > high) return null;
  const span = high - low || 1, inner = lane.height - 8;
  for (const {x, y, colour: name} of lane.curves) {
    pen.strokeStyle = colour(name); pen.lineWidth = 1.2; pen.lineJoin = "round";
    pen.beginPath();
    let isDown = false;
    for (let at = 0; at < x.length; at++) {
      if (y[at] === null) { isDown = false; continue; }
      const px = axis.x(x[at], width), py = top + 4 + (high - y[at]) / span * inner;
      if (isDown) pen.lineTo(px, py); else pen.moveTo(px, py);
      isDown = true;
    }
    pen.stroke();
  }
  return [low, high];
}

function drawParts(pen, axis, lane, top, width, colour) {
  const row = (lane.height - 4) / (lane.rows ?? 1);
  for (const part of lane.parts) {
    const from = axis.x(part.from, width), to = Math.max(from + 2, axis.x(part.to, width));
    pen.fillStyle = colour(part.colour);
    pen.fillRect(from, top + 2 + (part.row ?? 0) * row, to - from, Math.max(3, row - 2));
  }
}

function hatch(pen, axis, part, width, height, colour) {
  const from = Math.max(LEFT, axis.x(part.from, width)), to = Math.min(width - RIGHT, axis.x(part.to, width));
  if (to <= from) return;
  pen.save();
  pen.beginPath(); pen.rect(from, RULER, to - from, height - RULER); pen.clip();
  pen.strokeStyle = colour("axis"); pen.lineWidth = 1.5;
  pen.beginPath();
  for (let x = from - height; x < to; x += 8) { pen.moveTo(x, height); pen.lineTo(x + height, 0); }
  pen.stroke();
  pen.restore();
}

function tint(pen, axis, part, width, height, colour) {
  const from = axis.x(part.from, width), to = axis.x(part.to, width);
  pen.fillStyle = colour("blue"); pen.globalAlpha = .22;
  pen.fillRect(from, RULER, Math.max(1, to - from), height - RULER);
  pen.globalAlpha = 1;
  pen.fillRect(from - 1, RULER, 2, height - RULER); pen.fillRect(to - 1, RULER, 2, height - RULER);
}
