// Draws the points on one canvas. Coordinates: map units 0..65535, screen = map * scale + offset.
const data = JSON.parse(document.getElementById("data").textContent);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const positions = new Uint16Array(bytes(data.positions).buffer);
const codes = new Uint16Array(bytes(data.codes).buffer);
const count = codes.length;

const canvas = document.getElementById("map");
const context = canvas.getContext("2d");
const tip = document.getElementById("tip");
const shownClass = data.names.map(() => true);
const shownPart = [true, true]; // fitted rows, rows placed afterwards
const view = { scale: 1, x: 0, y: 0, home: 1 };
let hovered = -1;

// Rows grouped by part and class: one colour change per group instead of one per point.
const groups = [];
for (const part of [0, 1]) {
  for (let code = 0; code < data.names.length; code++) groups.push({ part, code, rows: [] });
}
for (let i = 0; i < count; i++) {
  groups[(i < data.fitted ? 0 : data.names.length) + codes[i]].rows.push(i);
}

// A grid of map cells makes the search for the point under the pointer cheap.
const CELLS = 128;
const grid = Array.from({ length: CELLS * CELLS }, () => []);
const cellOf = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor((value / 65536) * CELLS)));
for (let i = 0; i < count; i++) {
  grid[cellOf(positions[2 * i + 1]) * CELLS + cellOf(positions[2 * i])].push(i);
}

const isShown = (i) => shownClass[codes[i]] && shownPart[i < data.fitted ? 0 : 1];
// The map's second axis points up, the screen's down.
const screenX = (i) => positions[2 * i] * view.scale + view.x;
const screenY = (i) => (65535 - positions[2 * i + 1]) * view.scale + view.y;

function pointRadius(part) {
  const base = Math.min(4, Math.max(0.7, 90 / Math.sqrt(count)));
  return base * Math.min(6, Math.sqrt(view.scale / view.home)) * (part === 1 ? 1.35 : 1);
}

function draw() {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  for (const group of groups) {
    if (shownClass[group.code] && shownPart[group.part]) drawGroup(group, width, height);
  }
  if (hovered >= 0) ring(hovered);
}

function drawGroup({ part, code, rows }, width, height) {
  const radius = pointRadius(part);
  context.fillStyle = data.colours[code];
  context.globalAlpha = part === 1 ? 1 : 0.65;
  const round = radius > 1.1;
  context.strokeStyle = getComputedStyle(document.body).color;
  context.lineWidth = 1;
  for (const i of rows) {
    const x = screenX(i);
    const y = screenY(i);
    if (x < -radius || y < -radius || x > width + radius || y > height + radius) continue;
    if (round) {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
      if (part === 1) context.stroke();
    } else {
      context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    }
  }
  context.globalAlpha = 1;
}

function ring(i) {
  context.strokeStyle = getComputedStyle(document.body).color;
  context.lineWidth = 2;
  context.beginPath();
  context.arc(screenX(i), screenY(i), pointRadius(1) + 4, 0, 2 * Math.PI);
  context.stroke();
}

let drawPending = false;
function redraw() {
  if (drawPending) return;
  drawPending = true;
  requestAnimationFrame(() => {
    drawPending = false;
    draw();
  });
}

function showAll() {
  const { width, height, left: spaceLeft, top: spaceTop } = freeSpace();
  let right = 0;
  let top = 0;
  for (let i = 0; i < count; i++) {
    right = Math.max(right, positions[2 * i]);
    top = Math.max(top, positions[2 * i + 1]);
  }
  view.scale = view.home = 0.95 * Math.min(width / (right || 1), height / (top || 1));
  view.x = spaceLeft + (width - right * view.scale) / 2;
  view.y = spaceTop + (height - top * view.scale) / 2 - (65535 - top) * view.scale;
  redraw();
}

// What the title and the legend leave of the window; all of it where that would be too little.
function freeSpace() {
  const { clientWidth: width, clientHeight: height } = canvas;
  const under = document.querySelector("header").getBoundingClientRect().bottom;
  const beside = document.getElementById("legend").getBoundingClientRect().left;
  if (width < 800 || height < 500) return { width, height, left: 0, top: 0 };
  return { width: beside, height: height - under, left: 0, top: under };
}

function zoom(factor, x, y) {
  const bounded = Math.min(view.home * 400, Math.max(view.home * 0.5, view.scale * factor));
  view.x = x - ((x - view.x) * bounded) / view.scale;
  view.y = y - ((y - view.y) * bounded) / view.scale;
  view.scale = bounded;
  redraw();
}

function nearest(x, y, reach) {
  const mapX = (x - view.x) / view.scale;
  const mapY = 65535 - (y - view.y) / view.scale;
  const far = reach / view.scale;
  let best = -1;
  let bestSquared = far * far;
  for (let row = cellOf(mapY - far); row <= cellOf(mapY + far); row++) {
    for (let column = cellOf(mapX - far); column <= cellOf(mapX + far); column++) {
      for (const i of grid[row * CELLS + column]) {
        const squared = (positions[2 * i] - mapX) ** 2 + (positions[2 * i + 1] - mapY) ** 2;
        if (squared <= bestSquared && isShown(i)) {
          best = i;
          bestSquared = squared;
        }
      }
    }
  }
  return best;
}

function hover(x, y) {
  const found = nearest(x, y, 10);
  if (found !== hovered) {
    hovered = found;
    redraw();
    if (found >= 0) describe(found);
  }
  tip.style.display = found >= 0 ? "flex" : "none";
  if (found < 0) return;
  const { offsetWidth: width, offsetHeight: height } = tip;
  tip.style.left = `${x + 16 + width > innerWidth ? x - width - 16 : x + 16}px`;
  tip.style.top = `${Math.max(4, Math.min(innerHeight - height - 4, y - height / 2))}px`;
}

function describe(i) {
  const fitted = i < data.fitted;
  tip.querySelector("b").textContent = data.names.length > 1 ? data.names[codes[i]] : `row ${i}`;
  tip.querySelector("small").textContent = fitted ? `fitted row ${i}` : `new row ${i - data.fitted}, placed afterwards`;
  thumbnail(i);
}

const sheets = []; // decoded when first looked at
function thumbnail(i) {
  const target = tip.querySelector("canvas");
  target.style.display = data.sheets ? "block" : "none";
  if (!data.sheets) return;
  const { side, pixels, urls } = data.sheets;
  const number = Math.floor(i / (side * side));
  if (!sheets[number]) {
    sheets[number] = new Image();
    sheets[number].src = urls[number];
  }
  const cell = i % (side * side);
  const paint = () => {
    if (hovered !== i) return;
    const x = (cell % side) * pixels;
    const y = Math.floor(cell / side) * pixels;
    const { width, height } = target;
    target.getContext("2d").drawImage(sheets[number], x, y, pixels, pixels, 0, 0, width, height);
  };
  if (sheets[number].complete) paint();
  else sheets[number].addEventListener("load", paint, { once: true });
}

const pointers = new Map();
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  canvas.classList.add("dragging");
});
canvas.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return hover(event.clientX, event.clientY);
  const now = { x: event.clientX, y: event.clientY };
  if (pointers.size === 2) pinch(event.pointerId, before, now);
  else {
    view.x += now.x - before.x;
    view.y += now.y - before.y;
    redraw();
  }
  pointers.set(event.pointerId, now);
});
function pinch(id, before, now) {
  const [other] = [...pointers].filter(([key]) => key !== id).map(([, value]) => value);
  const was = Math.hypot(before.x - other.x, before.y - other.y);
  const is = Math.hypot(now.x - other.x, now.y - other.y);
  if (was > 0) zoom(is / was, (now.x + other.x) / 2, (now.y + other.y) / 2);
}
for (const name of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(name, (event) => {
    pointers.delete(event.pointerId);
    canvas.classList.toggle("dragging", pointers.size > 0);
  });
}
canvas.addEventListener("pointerleave", () => {
  hovered = -1;
  tip.style.display = "none";
  redraw();
});
canvas.addEventListener(
  "wheel",
  (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), event.clientX, event.clientY);
    hover(event.clientX, event.clientY);
  },
  { passive: false },
);
canvas.addEventListener("dblclick", showAll);
const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
canvas.addEventListener("keydown", (event) => {
  const centre = [canvas.clientWidth / 2, canvas.clientHeight / 2];
  if (event.key === "+" || event.key === "=") zoom(1.3, ...centre);
  else if (event.key === "-") zoom(1 / 1.3, ...centre);
  else if (event.key === "0") showAll();
  else if (moves[event.key]) {
    view.x += moves[event.key][0];
    view.y += moves[event.key][1];
    redraw();
  } else return;
  event.preventDefault();
});

function toggle(label, colour, number, list, index) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "true");
  const dot = document.createElement("span");
  dot.className = "dot";
  if (colour) dot.style.background = colour;
  else dot.classList.add(list === shownPart && index === 1 ? "new" : "fitted");
  const amount = document.createElement("span");
  amount.className = "count";
  amount.textContent = number.toLocaleString("en").replaceAll(",", " ");
  button.append(dot, label, amount);
  button.addEventListener("click", () => {
    list[index] = !list[index];
    button.setAttribute("aria-pressed", String(list[index]));
    redraw();
  });
  return button;
}

function buildLegend() {
  const legend = document.getElementById("legend");
  legend.append(toggle("fitted rows", null, data.fitted, shownPart, 0));
  legend.append(toggle("new rows", null, count - data.fitted, shownPart, 1));
  if (data.names.length < 2) return;
  legend.append(document.createElement("hr"));
  const totals = new Array(data.names.length).fill(0);
  for (const code of codes) totals[code]++;
  data.names.forEach((name, code) => {
    legend.append(toggle(name, data.colours[code], totals[code], shownClass, code));
  });
}

buildLegend();
new ResizeObserver(redraw).observe(canvas);
showAll();
