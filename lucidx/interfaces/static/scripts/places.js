// Places in a grid: pointing at them with mouse, fingers and keys.

const cellOf = (place, [rows, columns]) => [
  clamp(Math.floor(place.v * rows), rows - 1),
  clamp(Math.floor(place.u * columns), columns - 1),
];
const inWords = ([row, column]) => `row ${row + 1}, column ${column + 1}`;

/** Let a box be pointed at in places of a grid, with pointer and keys. */
function placing(box, layer, grid, describe) {
  const [rows, columns] = grid;
  const placeOf = (row, column) => ({ layer, u: (column + 0.5) / columns, v: (row + 0.5) / rows });
  const under = (event) => {
    const area = box.getBoundingClientRect();
    return placeOf(
      ...cellOf(
        {
          u: (event.clientX - area.left) / area.width,
          v: (event.clientY - area.top) / area.height,
        },
        grid,
      ),
    );
  };
  const tell = (place) => say(describe(place));
  box.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") point("place", under(event));
  });
  box.addEventListener("pointerleave", () => point("place", undefined));
  box.addEventListener("click", (event) => {
    pin("place", under(event));
    tell(pinned.place);
  });
  box.addEventListener("blur", () => point("place", undefined));
  box.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
      event.key
    ];
    const place = now("place");
    if (step) {
      const at = place ? cellOf(place, grid) : [Math.floor(rows / 2), Math.floor(columns / 2)];
      const next = placeOf(clamp(at[0] + step[0], rows - 1), clamp(at[1] + step[1], columns - 1));
      point("place", next);
      tell(next);
    } else if ((event.key === "Enter" || event.key === " ") && place) {
      pin("place", placeOf(...cellOf(place, grid)));
      say(`${inWords(cellOf(place, grid))}, pinned.`);
    } else return;
    event.preventDefault();
  });
  const reticle = h("div.reticle", { hidden: true, "aria-hidden": true });
  box.append(reticle);
  return () => {
    const place = now("place");
    reticle.hidden = !place;
    if (!place) return;
    const [row, column] = cellOf(place, grid);
    reticle.classList.toggle("echo", place.layer !== layer);
    Object.assign(reticle.style, {
      left: `${(100 * column) / columns}%`,
      top: `${(100 * row) / rows}%`,
      width: `${100 / columns}%`,
      height: `${100 / rows}%`,
    });
  };
}

function placeable(label) {
  return {
    tabindex: 0,
    role: "application",
    "aria-roledescription": "map of places",
    "aria-label": `${label} Arrow keys move, Enter pins.`,
  };
}

const dictionaries = page.panels.filter((panel) => panel.type === "dictionary");
