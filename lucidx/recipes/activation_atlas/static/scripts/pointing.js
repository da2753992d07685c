// Moving about the map with mouse, wheel, fingers and keys.

const fingers = new Map();
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let moved = false;

const where = (event) => {
  const box = map.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

/** Middle of what is touched, and how far apart that is. */
function grip() {
  const points = [...fingers.values()],
    middle = [0, 1].map((n) => points.reduce((sum, p) => sum + p[n], 0) / points.length);
  const apart = Math.hypot(...[0, 1].map((n) => points[0][n] - points[points.length - 1][n]));
  return [...middle, apart];
}

map.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  map.setPointerCapture(event.pointerId);
  if (!fingers.size) moved = false;
  fingers.set(event.pointerId, where(event));
  map.classList.add("dragging");
});

map.addEventListener("pointermove", (event) => {
  const now = where(event);
  if (!fingers.has(event.pointerId)) {
    point(cellAt(...now));
    return;
  }
  const start = fingers.get(event.pointerId);
  if (!moved && Math.hypot(now[0] - start[0], now[1] - start[1]) < 5) return;
  moved = true;
  const [x, y, apart] = grip();
  fingers.set(event.pointerId, now);
  const [newX, newY, newApart] = grip();
  if (apart && newApart) zoomBy(newApart / apart, x, y);
  panBy(newX - x, newY - y);
  point(null);
});

function released(event) {
  if (!fingers.delete(event.pointerId)) return;
  if (!fingers.size) map.classList.remove("dragging");
  if (event.type === "pointerup" && !moved) choose(cellAt(...where(event)));
}
map.addEventListener("pointerup", released);
map.addEventListener("pointercancel", released);
map.addEventListener("pointerleave", () => point(null));

map.addEventListener(
  "wheel",
  (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    zoomBy(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0015)), ...where(event));
    point(cellAt(...where(event)));
  },
  { passive: false },
);
map.addEventListener("dblclick", (event) => zoomBy(2, ...where(event)));

function point(cell) {
  if (same(cell, state.pointed)) return;
  state.pointed = cell;
  changed();
}

function choose(cell) {
  state.chosen = same(cell, state.chosen) ? null : cell;
  say(state.chosen ? described(...state.chosen) : "Nothing is chosen.");
  changed();
}

/** The nearest cell in a direction, from the one that is chosen or from the middle of the screen. */
function neighbour([dx, dy]) {
  const n = level(),
    grid = page.grids[n];
  let from = state.chosen;
  if (from && from[0] !== n) from = nearestTo(n, placeOf(from));
  if (!from) {
    const [left, top] = corner();
    return nearestTo(n, [(size[0] / 2 - left) / view.side, (size[1] / 2 - top) / view.side]);
  }
  let best = null,
    least = Infinity;
  const [column, row] = [grid.columns.values[from[1]], grid.rows.values[from[1]]];
  grid.columns.values.forEach((other, k) => {
    const along = (other - column) * dx + (grid.rows.values[k] - row) * dy,
      across = Math.abs((other - column) * dy) + Math.abs((grid.rows.values[k] - row) * dx),
      cost = along + 2 * across;
    if (along > 0 && across <= 2 * along && cost < least) [best, least] = [[n, k], cost];
  });
  return best ?? from;
}

function placeOf([n, k]) {
  const grid = page.grids[n];
  return [grid.columns, grid.rows].map((places) => (places.values[k] + 0.5) / grid.size);
}

function nearestTo(n, [x, y]) {
  const grid = page.grids[n];
  let best = null,
    least = Infinity;
  grid.columns.values.forEach((_, k) => {
    const [u, v] = placeOf([n, k]),
      distance = Math.hypot(u - x, v - y);
    if (distance < least) [best, least] = [[n, k], distance];
  });
  return best;
}

map.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const zooms = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, _: 1 / 1.5 };
  if (event.key in STEPS) {
    state.pointed = null;
    state.chosen = neighbour(STEPS[event.key]);
    say(described(...state.chosen));
    reveal(state.chosen);
  } else if (event.key in zooms)
    zoomBy(zooms[event.key], ...(state.chosen ? onScreen(state.chosen) : []));
  else if (event.key === "0") fit();
  else return;
  event.preventDefault();
});

function onScreen(cell) {
  const [left, top] = corner(),
    [u, v] = placeOf(cell);
  return [clamp(left + u * view.side, size[0]), clamp(top + v * view.side, size[1])];
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  Object.assign(state, { pointed: null, chosen: null });
  say("Nothing is chosen.");
  changed();
});
