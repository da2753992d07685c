// Maps over the photo.

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const FOR = rgb("#00938a"),
  AGAINST = rgb("#e2600c");
const hue = (k) => HUES[k % HUES.length];

/** Draw values on a canvas of one pixel for each place, which the browser smooths. */
function paint(canvas, [rows, columns], colour) {
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  const context = canvas.getContext("2d"),
    image = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const [r, g, b, a] = colour(i);
    image.data.set([r, g, b, 255 * a], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

const shade = (values, most, depth) => (i) => [
  8,
  10,
  12,
  depth * (1 - Math.pow(Math.max(0, values[i]) / most, 0.7)),
];
const bothWays = (values, most) => (i) => [
  ...(values[i] < 0 ? AGAINST : FOR),
  0.9 * Math.pow(Math.min(1, Math.abs(values[i]) / most), 0.75),
];

function mixed(array) {
  const hues = Array.from({ length: array.shape[0] }, (_, k) => rgb(hue(k)));
  const size = array.values.length / hues.length;
  const totals = Float32Array.from({ length: size }, (_, i) =>
    hues.reduce((sum, _, k) => sum + Math.max(0, array.values[k * size + i]), 0),
  );
  const most = largest(totals);
  return (i) => {
    const colour = [0, 0, 0];
    let weights = 0;
    hues.forEach((channels, k) => {
      const weight = Math.pow(Math.max(0, array.values[k * size + i]), 2);
      weights += weight;
      channels.forEach((c, j) => {
        colour[j] += weight * c;
      });
    });
    return [...colour.map((c) => c / (weights || 1)), 0.8 * Math.pow(totals[i] / most, 0.75)];
  };
}

// Attribution between layers, wherever it is kept: maps of the layer below hold it.
const links = page.panels.flatMap((panel) =>
  (panel.maps || []).filter((m) => m.of === "links").map((m) => ({ ...m, below: panel.layer })),
);

/** What a place of another layer has to do with a layer: a map, and words for it. */
function linked(layer, place) {
  for (const link of links) {
    const size = link.grid[0] * link.grid[1];
    if (link.below === layer && link.to === place.layer) {
      const [row, column] = cellOf(place, link.above);
      const values = part(link.values, row * link.above[1] + column);
      return { grid: link.grid, values, words: `what made this place of ${place.layer}` };
    }
    if (link.to === layer && link.below === place.layer) {
      const [row, column] = cellOf(place, link.grid);
      const values = Float32Array.from(
        { length: link.above[0] * link.above[1] },
        (_, k) => link.values.values[k * size + row * link.grid[1] + column],
      );
      return { grid: link.above, values, words: `what this place of ${place.layer} went into` };
    }
  }
  return null;
}

/** What a map shows now: a function for colours, whether the photo is grey, a key in words. */
function shown(panel) {
  const find = (of) => panel.maps.find((m) => m.of === of);
  const channel = now("channel"),
    group = now("group"),
    place = now("place");
  const channels = find("channels");
  if (channel && channel.layer === panel.layer && channels) {
    const k = channels.members.indexOf(channel.index);
    if (k >= 0) {
      const values = part(channels.values, k);
      return {
        values,
        grid: channels.grid,
        colour: shade(values, largest(values), 0.86),
        key: [
          [null, `Lit where channel ${channel.index} is active, most ${format(largest(values))}`],
        ],
      };
    }
  }
  const groups =
    panel.maps.find((m) => m.of === "groups" && (!group || group.key === m.key)) ||
    find("groups");
  if (group && groups && group.key === groups.key) {
    const values = part(groups.values, group.index);
    if (values.some((value) => value < 0))
      return {
        ...coloured(groups.grid, values, largest(values)),
        key: [
          ["plus", `group ${group.index}`],
          ["against", "its opposite"],
        ],
      };
    return {
      values,
      grid: groups.grid,
      colour: shade(values, largest(values), 0.86),
      key: [[hue(group.index), `Lit where group ${group.index} is active`]],
    };
  }
  const link = place && place.layer !== panel.layer && linked(panel.layer, place);
  if (link)
    return {
      ...coloured(link.grid, link.values, largest(link.values)),
      key: [
        ["plus", link.words],
        ["against", "held back"],
      ],
    };
  const classes = find("classes"),
    difference = find("difference");
  if (classes) {
    return {
      ...coloured(classes.grid, part(classes.values, now("cls")), largest(classes.values.values)),
      key: [
        ["plus", `for ${className(now("cls"))}`],
        ["against", "against it"],
      ],
    };
  }
  if (difference) {
    const [a, b] = pinned.pair,
      other = part(difference.values, b);
    const values = part(difference.values, a).map((x, i) => x - other[i]);
    return {
      ...coloured(difference.grid, values, largest(values)),
      key: [
        ["plus", `for ${className(a)}`],
        ["against", `for ${className(b)}`],
      ],
    };
  }
  if (groups) {
    const key = Array.from({ length: groups.number }, (_, k) => [hue(k), String(k)]);
    return { grid: groups.grid, colour: mixed(groups.values), grey: true, key };
  }
  const positions = find("positions");
  if (positions) {
    const values = positions.values.values;
    return {
      values,
      grid: positions.grid,
      colour: shade(values, largest(values), 0.62),
      key: [[null, "Lighter: more is active"]],
    };
  }
  const what = channels
    ? "a channel to see where it is active"
    : "a place in another layer to see its ties here";
  return { key: [[null, `Choose ${what}`]] };
}

const coloured = (grid, values, most) => ({
  values,
  grid,
  colour: bothWays(values, most),
  grey: true,
});

function valueAt({ values, grid, grey }, place) {
  if (!values) return "";
  const [row, column] = cellOf(place, grid),
    value = values[row * grid[1] + column];
  return `here ${grey ? signed(value) : format(value)}`;
}

function keyOf(entries) {
  return entries.map(([colour, words]) => {
    if (colour === null) return h("span", {}, text(words));
    const swatch = h(`span.swatch${colour === "against" ? ".against" : ""}`, {
      "aria-hidden": true,
    });
    if (colour.startsWith("#")) swatch.style.background = colour;
    return h("span", {}, swatch, text(words));
  });
}

function makeMap(panel, body) {
  // Places that a dictionary averages are chosen together.
  const grid = (dictionaries.find((d) => d.layer === panel.layer) || panel).grid;
  const label = `The photo ${page.photo_name}, as a map of ${grid[0]} by ${grid[1]} places of ${panel.layer}.`;
  const box = h(
    "div.map",
    placeable(label),
    h("img", { src: page.photo.src, alt: `The photo ${page.photo_name}`, draggable: "false" }),
  );
  box.style.aspectRatio = `${page.photo.width} / ${page.photo.height}`;
  const canvas = h("canvas", { "aria-hidden": true }),
    key = h("div.legend");
  box.append(canvas);
  body.append(box, key);
  const aim = placing(box, panel.layer, grid, (place) => {
    const show = shown(panel);
    return `${inWords(cellOf(place, grid))}. ${entriesAt(place) || valueAt(show, place)}`;
  });
  return () => {
    const show = shown(panel),
      place = now("place");
    box.classList.toggle("grey", Boolean(show.grey));
    canvas.hidden = !show.colour;
    canvas.style.opacity = show.colour ? 1 : 0;
    if (show.colour) paint(canvas, show.grid, show.colour);
    key.replaceChildren(...keyOf(show.key));
    if (place && show.values) key.append(h("span", {}, valueAt(show, place)));
    aim();
  };
}
