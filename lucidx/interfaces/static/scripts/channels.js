// Lists of channels: of a place, for and against a class, and all in a line.

function entries(panel, place) {
  const [row, column] = cellOf(place, panel.grid),
    count = panel.channels.shape[2];
  const start = (row * panel.grid[1] + column) * count;
  return Array.from({ length: count }, (_, k) => [
    panel.channels.values[start + k],
    panel.values.values[start + k],
  ]).filter(([, value]) => value > 0);
}

/** What dictionaries say of a place, for those who listen. */
const entriesAt = (place) =>
  dictionaries
    .map(
      (panel) =>
        entries(panel, place)
          .map(([c, v]) => `channel ${c}: ${format(v)}`)
          .join(", ") || "nothing is active",
    )
    .join(". ");

function channelRow(panel, channel, value, most, hasMap) {
  const k = panel.icons ? panel.icons.members.indexOf(channel) : -1;
  const name = `channel ${channel}`;
  const words = h(
    "span",
    {},
    h(
      "span.label",
      {},
      h("span", {}, name),
      panel.bars
        ? h("span.value", {}, panel.by === "classes" ? signed(value) : format(Math.abs(value)))
        : null,
    ),
    panel.bars ? bar(value, most) : null,
  );
  const button = h(
    "button.row",
    { type: "button", "data-channel": channel, "aria-label": `${name}, ${format(value)}` },
    panel.icons ? icon(panel.icons.sheet, k, `Icon of ${name}`) : h("span"),
    words,
  );
  if (hasMap) pointing(button, "channel", { layer: panel.layer, index: channel }, name);
  else button.disabled = true;
  return button;
}

const mapped = (layer) =>
  page.panels.some(
    (panel) => panel.layer === layer && (panel.maps || []).some((m) => m.of === "channels"),
  );

function makeDictionary(panel, body) {
  const where = h("p.where"),
    list = h("ul.rows"),
    most = largest(panel.values.values);
  body.append(where, list);
  const tidy = roving(list);
  let drawn;
  return () => {
    const place = now("place"),
      at = place && cellOf(place, panel.grid);
    if (!same(at, drawn)) {
      drawn = at;
      where.textContent = at
        ? `At ${inWords(at)} of ${panel.grid.join(" by ")}`
        : "Choose a place in the photo.";
      const found = at ? entries(panel, place) : [];
      list.replaceChildren(
        ...found.map(([channel, value]) =>
          h("li", {}, channelRow(panel, channel, value, most, mapped(panel.layer))),
        ),
      );
      if (at && !found.length) list.replaceChildren(h("li.empty", {}, "Nothing is active here."));
      tidy();
    }
    list
      .querySelectorAll("button")
      .forEach((b) =>
        pressed(b, "channel", { layer: panel.layer, index: Number(b.dataset.channel) }),
      );
  };
}

function makeRanking(panel, body) {
  const most = Math.max(
    ...panel.rankings.flatMap((r) => [...r.supporting, ...r.opposing].map(([, v]) => Math.abs(v))),
    1e-12,
  );
  const sides = h("div.sides");
  body.append(sides);
  let drawn;
  const side = (title, rows, swatch) => {
    const list = h(
      "ul.rows",
      {},
      ...rows.map(([c, v]) => h("li", {}, channelRow(panel, c, v, most, mapped(panel.layer)))),
    );
    if (!rows.length) list.append(h("li.empty", {}, "None."));
    roving(list);
    return h("div", {}, h("h3", {}, swatch, h("span", {}, ...title)), list);
  };
  const swatches = (against) =>
    h(`span.swatch${against ? ".against" : ""}`, { "aria-hidden": true });
  return () => {
    const key = panel.by === "difference" ? pinned.pair : now("cls");
    if (!same(key, drawn)) {
      drawn = structuredClone(key);
      if (panel.by === "difference") {
        const [a, b] = key,
          flip = a > b;
        const found = panel.rankings.find((r) => same(r.label, flip ? [b, a] : [a, b]));
        const turn = (rows) => rows.map(([c, v]) => [c, flip ? -v : v]);
        const [plus, minus] = flip
          ? [found.opposing, found.supporting]
          : [found.supporting, found.opposing];
        sides.replaceChildren(
          side(["Rather ", text(className(a))], turn(plus), swatches(false)),
          side(["Rather ", text(className(b))], turn(minus), swatches(true)),
        );
      } else if (panel.by === "classes") {
        const found = panel.rankings[key];
        sides.replaceChildren(
          side(["For ", text(className(key))], found.supporting, swatches(false)),
          side(["Against ", text(className(key))], found.opposing, swatches(true)),
        );
      } else {
        sides.replaceChildren(side(["Most active"], panel.rankings[0].supporting, null));
      }
    }
    sides
      .querySelectorAll("button")
      .forEach((b) =>
        pressed(b, "channel", { layer: panel.layer, index: Number(b.dataset.channel) }),
      );
  };
}

function makeProfile(panel, body) {
  const count = panel.values.shape[1];
  const paths = {
    zero: h("path.zero", { d: `M0 0H${count}` }),
    plus: h("path.plus"),
    minus: h("path.minus-line"),
    pick: h("path.pick"),
  };
  const up = Math.max(...panel.values.values, 0),
    down = Math.max(...panel.values.values.map((v) => -v), 0);
  const svg = h(
    "svg",
    {
      viewBox: `0 ${-up} ${count} ${up + down || 1}`,
      preserveAspectRatio: "none",
      tabindex: 0,
      role: "slider",
      "aria-label": `Channels of ${panel.layer}`,
      "aria-valuemin": 0,
      "aria-valuemax": count - 1,
    },
    ...Object.values(paths),
  );
  const key = h("div.legend");
  body.append(svg, key);
  let values = [];
  const choose = (index) =>
    point("channel", { layer: panel.layer, index: clamp(index, count - 1) });
  const at = (event) => {
    const area = svg.getBoundingClientRect();
    return Math.floor((count * (event.clientX - area.left)) / area.width);
  };
  svg.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") choose(at(event));
  });
  svg.addEventListener("pointerleave", () => point("channel", undefined));
  svg.addEventListener("blur", () => point("channel", undefined));
  svg.addEventListener("click", (event) =>
    toggle("channel", { layer: panel.layer, index: clamp(at(event), count - 1) }),
  );
  svg.addEventListener("keydown", (event) => {
    const step = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowDown: -1,
      ArrowUp: 1,
      PageUp: 20,
      PageDown: -20,
    }[event.key];
    const channel = now("channel");
    if (step) choose((channel ? channel.index : 0) + step);
    else if (event.key === "Enter" && channel) toggle("channel", channel);
    else return;
    event.preventDefault();
  });
  const spikes = (keep) =>
    Array.from(values, (v, i) => (keep(v) ? `M${i + 0.5} 0V${-v}` : "")).join("");
  let drawn;
  return () => {
    const which = panel.by === "difference" ? pinned.pair : panel.by === "classes" ? now("cls") : 0;
    if (!same(which, drawn)) {
      drawn = structuredClone(which);
      values =
        panel.by === "difference"
          ? part(panel.values, which[0]).map((v, i) => v - part(panel.values, which[1])[i])
          : part(panel.values, which);
      paths.plus.setAttribute(
        "d",
        spikes((v) => v > 0),
      );
      paths.minus.setAttribute(
        "d",
        spikes((v) => v < 0),
      );
    }
    const channel = now("channel"),
      mine = channel && channel.layer === panel.layer;
    paths.pick.setAttribute("d", mine ? `M${channel.index + 0.5} ${-up}V${down}` : "");
    const words = mine
      ? `Channel ${channel.index}: ${signed(values[channel.index])}`
      : `${count} channels, in the order of the layer`;
    svg.setAttribute("aria-valuenow", mine ? channel.index : 0);
    svg.setAttribute("aria-valuetext", words);
    key.replaceChildren(h("span", {}, words));
  };
}
