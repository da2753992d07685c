// The map: what of it is seen, and drawing that.

const map = document.getElementById("map");
const paper = map.getContext("2d");
const minimap = document.getElementById("minimap");
const LEGIBLE = 30; // pixels of a cell from which on it is shown rather than those that hold it
const LARGEST = 2.2; // times its own size, that an icon can be seen in
const finest = page.grids[page.grids.length - 1];
const COLORS = { plus: [0, 147, 138], minus: [226, 96, 12] };
let size = [0, 0],
  fitted = 0;

/** The level that is seen: the finest whose cells can be told apart. */
function level() {
  let shown = 0;
  page.grids.forEach((grid, n) => {
    if (view.side / grid.size >= LEGIBLE) shown = n;
  });
  return shown;
}

const farthest = () => Math.max(finest.size * page.icon * LARGEST, fitted * 2);
const corner = () => [view.x - view.side / 2, view.y - view.side / 2];

/** Keep something of the map in sight. */
function settle() {
  view.side = Math.max(fitted, Math.min(farthest(), view.side));
  ["x", "y"].forEach((axis, n) => {
    const room = Math.max(0, (view.side - size[n]) / 2 + Math.min(40, size[n] / 8));
    view[axis] = Math.max(size[n] / 2 - room, Math.min(size[n] / 2 + room, view[axis]));
    if (view.side <= size[n]) view[axis] = size[n] / 2;
  });
  changed();
}

function fit() {
  Object.assign(view, { x: size[0] / 2, y: size[1] / 2, side: fitted });
  settle();
}

/** Zoom, with one point of the screen staying where it is. */
function zoomBy(factor, x = size[0] / 2, y = size[1] / 2) {
  const side = Math.max(fitted, Math.min(farthest(), view.side * factor)),
    ratio = side / view.side;
  view.x = x + (view.x - x) * ratio;
  view.y = y + (view.y - y) * ratio;
  view.side = side;
  settle();
}

function panBy(dx, dy) {
  view.x += dx;
  view.y += dy;
  settle();
}

/** The cell at a point of the screen; null where there is none. */
function cellAt(x, y) {
  const n = level(),
    grid = page.grids[n],
    [left, top] = corner();
  const column = Math.floor(((x - left) / view.side) * grid.size),
    row = Math.floor(((y - top) / view.side) * grid.size);
  if (Math.min(column, row) < 0 || Math.max(column, row) >= grid.size) return null;
  const k = grid.at.get(row * grid.size + column);
  return k === undefined ? null : [n, k];
}

/** Bring a cell into sight. */
function reveal([n, k]) {
  const grid = page.grids[n],
    [left, top] = corner(),
    unit = view.side / grid.size;
  const where = [left + grid.columns.values[k] * unit, top + grid.rows.values[k] * unit];
  const [dx, dy] = where.map((at, axis) => {
    const margin = Math.min(unit, size[axis] / 4);
    if (at < margin) return margin - at;
    return Math.min(0, size[axis] - margin - unit - at);
  });
  panBy(dx, dy);
}

/** Colours of evidence, a pixel for each cell: below icons, and above those that do not matter. */
function evidence(grid) {
  const key = `${state.mode} ${state.pair} ${dark.matches}`;
  if (grid.evidenceKey === key) return grid.evidenceLayers;
  const values = Array.from(grid.counts.values, (_, k) => evidenceOf(grid, k)),
    most = largest(values),
    veil = dark.matches ? [29, 33, 37] : [244, 245, 246];
  grid.evidenceKey = key;
  grid.evidenceLayers = ["below", "above"].map((where) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = grid.size;
    const context = canvas.getContext("2d"),
      image = context.createImageData(grid.size, grid.size);
    values.forEach((value, k) => {
      const share = Math.sqrt(Math.abs(value) / most),
        color = where === "above" ? veil : COLORS[value < 0 ? "minus" : "plus"],
        alpha = where === "above" ? 0.86 * (1 - share) : share;
      image.data.set(
        [...color, Math.round(255 * alpha)],
        4 * (grid.rows.values[k] * grid.size + grid.columns.values[k]),
      );
    });
    context.putImageData(image, 0, 0);
    return canvas;
  });
  return grid.evidenceLayers;
}

const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", changed);

function drawLayer(canvas) {
  paper.imageSmoothingEnabled = false;
  paper.drawImage(canvas, ...corner(), view.side, view.side);
  paper.imageSmoothingEnabled = true;
}

function drawTiles(grid) {
  const ratio = devicePixelRatio || 1,
    unit = view.side / grid.size,
    [left, top] = corner();
  for (const tile of grid.tiles) {
    const x = left + tile.column * TILE * unit,
      y = top + tile.row * TILE * unit,
      width = Math.min(TILE, grid.size) * unit;
    if (x > size[0] || y > size[1] || x + width < 0 || y + width < 0) continue;
    const canvas = drawn(grid, tile, unit * ratio);
    if (canvas) paper.drawImage(canvas, x, y, width, width);
  }
}

function outline([n, k], color, width) {
  const grid = page.grids[n],
    unit = view.side / grid.size,
    [left, top] = corner();
  paper.strokeStyle = color;
  paper.lineWidth = width;
  paper.strokeRect(
    left + grid.columns.values[k] * unit,
    top + grid.rows.values[k] * unit,
    unit,
    unit,
  );
}

function drawMap() {
  const ratio = devicePixelRatio || 1,
    shown = level(),
    grid = page.grids[shown];
  missing = 0;
  toPaint = PAINTED;
  paper.setTransform(ratio, 0, 0, ratio, 0, 0);
  paper.clearRect(0, 0, ...size);
  const [below, above] = state.mode ? evidence(grid) : [];
  if (below) drawLayer(below);
  drawTiles(grid);
  if (above) drawLayer(above);
  const ink = dark.matches ? "#ffffff" : "#000000";
  for (const cell of new Set([state.chosen, state.pointed])) {
    if (!cell) continue;
    outline(cell, dark.matches ? "#000000" : "#ffffff", 5);
    outline(cell, ink, cell === state.chosen ? 2.5 : 1.5);
  }
  map.dataset.grid = grid.size;
  map.dataset.missing = missing;
  drawMinimap();
}

/** All cells, small. */
function overview(color) {
  const grid = page.grids[0];
  if (grid.overviewColor === color) return grid.overview;
  const canvas = document.createElement("canvas"),
    context = canvas.getContext("2d"),
    side = (canvas.width = canvas.height = minimap.width),
    unit = side / grid.size;
  context.fillStyle = color;
  grid.counts.values.forEach((_, k) => {
    context.globalAlpha = 0.7 * grid.sides.values[k];
    context.fillRect(grid.columns.values[k] * unit, grid.rows.values[k] * unit, unit, unit);
  });
  Object.assign(grid, { overview: canvas, overviewColor: color });
  return canvas;
}

function drawMinimap() {
  minimap.hidden = view.side <= fitted * 1.01;
  if (minimap.hidden) return;
  const context = minimap.getContext("2d"),
    side = minimap.width,
    [left, top] = corner();
  context.clearRect(0, 0, side, side);
  context.drawImage(overview(dark.matches ? "#9ba5af" : "#5d6670"), 0, 0);
  context.strokeStyle = dark.matches ? "#43c2b7" : "#08746f";
  context.lineWidth = 2;
  context.strokeRect(
    (-left / view.side) * side,
    (-top / view.side) * side,
    (size[0] / view.side) * side,
    (size[1] / view.side) * side,
  );
}

new ResizeObserver(() => {
  const ratio = devicePixelRatio || 1,
    before = size,
    wasFitted = view.side <= fitted * 1.001;
  size = [map.clientWidth, map.clientHeight];
  map.width = Math.round(size[0] * ratio);
  map.height = Math.round(size[1] * ratio);
  fitted = Math.min(...size) * 0.97;
  if (!before[0] || wasFitted) fit();
  else panBy((size[0] - before[0]) / 2, (size[1] - before[1]) / 2);
}).observe(map);

views.push(drawMap);
