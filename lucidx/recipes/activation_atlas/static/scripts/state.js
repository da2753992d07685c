// What the reader looks at; one state for the whole page.

// Where the middle of the map's unit square is on the screen, and how many pixels its side has.
const view = { x: 0, y: 0, side: 1 };
// A cell is a level's number and its own. It is pointed at by the mouse, or chosen.
const state = { pointed: null, chosen: null, mode: page.chosen.length, pair: firstPair(), sized: true };
const views = [];
let drawing = false;

function firstPair() {
  const first = page.chosen[0] ?? 0;
  return [first, page.chosen[1] ?? (first === 0 ? 1 : 0)];
}

const current = () => state.pointed ?? state.chosen;
const say = (text) => {
  document.getElementById("status").textContent = text;
};

function changed() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    views.forEach((update) => update());
  });
}

/** What a cell says for what is chosen: for a class, or for one rather than the other. */
function evidenceOf(grid, k) {
  if (!state.mode) return 0;
  const row = k * grid.evidence.shape[1],
    values = grid.evidence.values;
  const first = values[row + state.pair[0]];
  return state.mode === 1 ? first : first - values[row + state.pair[1]];
}

for (const grid of page.grids) {
  grid.at = new Map();
  grid.columns.values.forEach((column, k) =>
    grid.at.set(grid.rows.values[k] * grid.size + column, k),
  );
}
