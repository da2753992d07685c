// What is known of the cell that is pointed at or chosen.

const panel = document.getElementById("cell");
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const portrait = h("canvas", { width: 320, height: 320, role: "img", "aria-label": "Its icon" });
let shownCell;

function strongest(grid, k) {
  if (!grid.strongest) return [];
  const count = grid.strongest.shape[1];
  return Array.from({ length: count }, (_, n) => [
    grid.strongest.values[k * count + n],
    grid.strengths.values[k * count + n],
  ]).filter(([, value]) => value > 0);
}

function described(n, k) {
  const grid = page.grids[n],
    named = strongest(grid, k).slice(0, 3);
  const classes = named.map(([c]) => className(c)).join(", ");
  return (
    `Column ${grid.columns.values[k] + 1}, row ${grid.rows.values[k] + 1} of ${grid.size} by ` +
    `${grid.size}. ${grid.counts.values[k]} activations.${classes && ` Argues for ${classes}.`}`
  );
}

function effect(label, value, most) {
  return h(
    "div.effect",
    {},
    h("span.who", { title: label }, text(label)),
    h("span.value", {}, signed(value)),
    bar(value, most),
  );
}

function effects(title, pairs, most) {
  if (!pairs.length) return null;
  const rows = pairs.map(([c, value]) => effect(className(c), value, most));
  return h("div.effects", {}, h("h3", {}, title), ...rows);
}

function chosenClasses(grid, k) {
  if (!state.mode) return [];
  const row = k * grid.evidence.shape[1];
  return state.pair.slice(0, state.mode).map((c) => [c, grid.evidence.values[row + c]]);
}

function drawCell() {
  const cell = current(),
    key = `${cell} ${state.mode} ${state.pair}`;
  if (cell) drawIcon(portrait, page.grids[cell[0]], cell[1]);
  if (key === shownCell) return;
  shownCell = key;
  if (!cell) {
    panel.replaceChildren(
      h("p.empty", {}, "Point at a cell of the map, or choose one, to see what is in it."),
    );
    return;
  }
  const [n, k] = cell,
    grid = page.grids[n],
    named = strongest(grid, k),
    chosen = chosenClasses(grid, k);
  const most = largest([...named, ...chosen].map(([, value]) => value)),
    count = grid.counts.values[k];
  panel.replaceChildren(
    h(
      "p.where",
      {},
      `Column ${grid.columns.values[k] + 1}, row ${grid.rows.values[k] + 1} of ${grid.size} by ` +
        `${grid.size}: ${count} activation${count === 1 ? "" : "s"}`,
    ),
    portrait,
    h(
      "div",
      {},
      ...[effects("For what is chosen", chosen, most), effects("Argues most for", named, most)].filter(
        Boolean,
      ),
    ),
    h(
      "div.typical",
      {},
      h("h3", {}, "Typical pictures"),
      h("ul.names", {}, ...grid.examples[k].map((name) => h("li", {}, text(name)))),
    ),
  );
}

views.push(drawCell);
