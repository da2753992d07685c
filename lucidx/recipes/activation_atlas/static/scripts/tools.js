// What is around the map: classes to choose, zoom buttons, and what colours mean.

const legend = document.getElementById("legend");

function zoomButton(label, sign, act, atEnd) {
  const button = h("button", { type: "button", "aria-label": label, title: label }, sign);
  button.addEventListener("click", act);
  views.push(() => {
    button.disabled = atEnd();
  });
  return button;
}

document
  .getElementById("zoom")
  .append(
    zoomButton(
      "Zoom in",
      "+",
      () => zoomBy(1.6),
      () => view.side >= farthest() * 0.999,
    ),
    zoomButton(
      "Zoom out",
      "\u2212",
      () => zoomBy(1 / 1.6),
      () => view.side <= fitted * 1.001,
    ),
    zoomButton("Show all of it", "\u2922", fit, () => view.side <= fitted * 1.001),
  );

function makeModes() {
  const chips = ["All", "One class", "Two classes"].map((label, mode) => {
    const chip = h("button.chip", { type: "button", role: "radio" }, label);
    chip.addEventListener("click", () => setMode(mode));
    chip.addEventListener("focus", () => {
      if (chip.matches(":focus-visible")) setMode(mode);
    });
    return chip;
  });
  const setMode = (mode) => {
    state.mode = mode;
    changed();
  };
  views.push(() =>
    chips.forEach((chip, mode) => {
      chip.setAttribute("aria-checked", String(state.mode === mode));
      chip.tabIndex = state.mode === mode ? 0 : -1;
    }),
  );
  const group = h("fieldset", { role: "radiogroup" }, h("legend", {}, "Show"), ...chips);
  roving(group);
  return group;
}

function makeList(side) {
  const named = page.classes.slice(0, page.listed).map((c, k) => [c.label, k]);
  named.sort(([a], [b]) => a.localeCompare(b));
  const list = h(
    "select",
    { "aria-label": side ? "Second class" : "First class" },
    ...named.map(([label, k]) => h("option", { value: k }, label || "(no name)")),
  );
  const swatch = h(`span.swatch${side ? ".against" : ""}`, { "aria-hidden": true });
  const choice = h("label.choice", {}, swatch, list);
  list.addEventListener("change", () => {
    const chosen = Number(list.value),
      pair = [...state.pair];
    if (pair[1 - side] === chosen) pair[1 - side] = pair[side];
    pair[side] = chosen;
    state.pair = pair;
    changed();
  });
  views.push(() => {
    choice.hidden = state.mode <= side;
    list.value = state.pair[side];
  });
  return choice;
}

function makeSizes() {
  const box = h("input", { type: "checkbox" });
  box.checked = state.sized;
  box.addEventListener("change", () => {
    state.sized = box.checked;
    changed();
  });
  return h("label.choice", {}, box, "Size by number of activations");
}

const mark = (color, ...words) =>
  h("span", {}, h(`span.swatch${color}`, { "aria-hidden": true }), ...words);

function drawLegend() {
  const grid = page.grids[level()],
    cells = `${grid.size} by ${grid.size} cells, ${grid.counts.values.length} of them filled`;
  const key = `${cells} ${state.mode} ${state.pair}`;
  if (legend.dataset.key === key) return;
  legend.dataset.key = key;
  const name = (side) => text(className(state.pair[side]));
  const marks = [
    () => [],
    () => [mark("", "argues for ", name(0)), mark(".against", "argues against it")],
    () => [mark("", "more for ", name(0)), mark(".against", "more for ", name(1))],
  ];
  legend.replaceChildren(...marks[state.mode](), h("span", {}, cells));
}
views.push(drawLegend);

const toolbar = document.getElementById("toolbar");
if (page.listed > 1) toolbar.append(makeModes(), makeList(0), makeList(1));
toolbar.append(makeSizes());
