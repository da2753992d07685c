// Pictures of neighbouring cells, drawn once for each size in which they are seen.

const TILE = page.cells_of_tile,
  ICON = page.icon;
const KEPT = 60e6; // pixels of drawn tiles
const PAINTED = 2; // tiles in a frame, while others stand in for them
const SCALES = [0.125, 0.25, 0.5, 1];
const kept = new Map();
let pixels = 0,
  missing = 0,
  toPaint = PAINTED;

/** Paint the icons of a tile, as large as their cells say, in a canvas of `scale` times its size. */
function paint(grid, tile, image, scale) {
  const canvas = document.createElement("canvas"),
    side = Math.min(TILE, grid.size),
    unit = ICON * scale;
  canvas.width = canvas.height = Math.round(side * unit);
  const paper = canvas.getContext("2d");
  paper.imageSmoothingQuality = "high";
  const edge = Math.max(1, Math.round(ICON * 0.02)); // where neighbours shine through
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const k = grid.at.get((tile.row * TILE + row) * grid.size + tile.column * TILE + column);
      if (k === undefined || tile.column * TILE + column >= grid.size) continue;
      const width = unit * 0.96 * (state.sized ? grid.sides.values[k] : 1);
      paper.drawImage(
        image,
        column * ICON + edge,
        row * ICON + edge,
        ICON - 2 * edge,
        ICON - 2 * edge,
        (column + 0.5) * unit - width / 2,
        (row + 0.5) * unit - width / 2,
        width,
        width,
      );
    }
  return canvas;
}

function load(tile) {
  tile.image = new Image();
  tile.image.src = page.sources[tile.source];
  tile.image.decode().then(
    () => {
      tile.ready = true;
      changed();
    },
    () => say("A picture of the map cannot be read."),
  );
}

const keyOf = (tile, scale) => `${tile.source} ${scale} ${state.sized}`;

/** A tile in the size that fits best, or for a moment in another; null until its picture is there. */
function drawn(grid, tile, wanted) {
  if (!tile.ready) {
    if (!tile.image) load(tile);
    missing++;
    return null;
  }
  const best = SCALES.find((scale) => scale * ICON >= wanted) ?? 1;
  const other = SCALES.findLast((scale) => kept.has(keyOf(tile, scale)));
  const canvas = kept.get(keyOf(tile, best));
  if (canvas) return keep(keyOf(tile, best), canvas);
  if (other && toPaint <= 0) {
    changed();
    return keep(keyOf(tile, other), kept.get(keyOf(tile, other)));
  }
  toPaint--;
  return keep(keyOf(tile, best), paint(grid, tile, tile.image, best));
}

/** Keep a tile, and forget those not used for longest. */
function keep(key, canvas) {
  if (!kept.delete(key)) pixels += canvas.width * canvas.height;
  kept.set(key, canvas);
  for (const [old, other] of kept) {
    if (pixels <= KEPT || old === key) break;
    pixels -= other.width * other.height;
    kept.delete(old);
  }
  return canvas;
}

/** One icon alone, in a canvas. */
function drawIcon(canvas, grid, k) {
  const column = grid.columns.values[k],
    row = grid.rows.values[k];
  const tile = grid.tileAt.get(`${Math.floor(column / TILE)} ${Math.floor(row / TILE)}`);
  const paper = canvas.getContext("2d");
  paper.clearRect(0, 0, canvas.width, canvas.height);
  if (!tile.ready) {
    if (!tile.image) load(tile);
    return;
  }
  paper.imageSmoothingQuality = "high";
  const at = [(column % TILE) * ICON + 1, (row % TILE) * ICON + 1, ICON - 2, ICON - 2];
  paper.drawImage(tile.image, ...at, 0, 0, canvas.width, canvas.height);
}

for (const grid of page.grids)
  grid.tileAt = new Map(grid.tiles.map((tile) => [`${tile.column} ${tile.row}`, tile]));
