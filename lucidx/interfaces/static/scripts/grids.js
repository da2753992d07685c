// Activation grids.

function makeGrid(panel, body) {
  const [rows, columns] = panel.grid,
    picture = panel.picture;
  const box = h(
    "div.map",
    placeable(
      `Activation grid of ${panel.layer}, ${rows} by ${columns} cells, each drawn by what is active there.`,
    ),
  );
  const canvas = h("canvas", { "aria-hidden": true }),
    loupe = h("canvas", { width: 144, height: 144, "aria-hidden": true });
  const words = h("span"),
    most = largest(panel.norms.values);
  box.style.aspectRatio = `${picture.width} / ${picture.height}`;
  box.append(canvas);
  body.append(box, h("div.loupe", {}, loupe, words));
  const image = new Image();
  let drawn = null;
  image.addEventListener("load", () => {
    drawn = null;
    changed();
  });
  image.src = picture.src;
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d"),
    w = picture.width / columns,
    t = picture.height / rows;
  const strength = ([row, column]) => panel.norms.values[row * columns + column];
  const aim = placing(
    box,
    panel.layer,
    panel.grid,
    (place) =>
      `${inWords(cellOf(place, panel.grid))}, strength ${format(strength(cellOf(place, panel.grid)))}`,
  );
  return () => {
    if (image.complete && drawn !== pinned.sized) {
      drawn = pinned.sized;
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (!pinned.sized) context.drawImage(image, 0, 0);
      else
        for (let row = 0; row < rows; row++)
          for (let column = 0; column < columns; column++) {
            const side = Math.sqrt(strength([row, column]) / most),
              x = column * w,
              y = row * t;
            context.drawImage(
              image,
              x,
              y,
              w,
              t,
              x + (w * (1 - side)) / 2,
              y + (t * (1 - side)) / 2,
              w * side,
              t * side,
            );
          }
    }
    const place = now("place");
    loupe.toggleAttribute("hidden", !place);
    words.textContent = place ? "" : "Point at a cell to enlarge it.";
    if (place && image.complete) {
      const [row, column] = cellOf(place, panel.grid);
      loupe.getContext("2d").drawImage(image, column * w, row * t, w, t, 0, 0, 144, 144);
      words.textContent = `${inWords([row, column])} · strength ${format(strength([row, column]))}`;
    }
    aim();
  };
}
