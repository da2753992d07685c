// What is on top of the page, and putting everything in its place.

const uses = (test) => page.panels.some((panel) => test(panel) || (panel.maps || []).some(test));

function makeClassChips() {
  const chips = page.classes.map((c, k) => {
    const chip = h(
      "button.chip",
      { type: "button", role: "radio" },
      text(c.label),
      h("small", {}, percent(c.probability)),
    );
    chip.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") point("cls", k);
    });
    chip.addEventListener("pointerleave", () => point("cls", undefined));
    chip.addEventListener("focus", () => {
      if (chip.matches(":focus-visible")) choose(k);
    });
    chip.addEventListener("click", () => choose(k));
    return chip;
  });
  const choose = (k) => {
    pinned.cls = k;
    changed();
  };
  const group = h("fieldset", { role: "radiogroup" }, h("legend", {}, "Evidence for"), ...chips);
  roving(group);
  return [
    group,
    () =>
      chips.forEach((chip, k) => {
        chip.setAttribute("aria-checked", String(pinned.cls === k));
        chip.tabIndex = pinned.cls === k ? 0 : -1;
      }),
  ];
}

function makePairChoice() {
  const select = (side) => {
    const list = h(
      "select",
      { "aria-label": side ? "Second class" : "First class" },
      ...page.classes.map((c, k) =>
        h("option", { value: k }, `${c.label} (${percent(c.probability)})`),
      ),
    );
    list.addEventListener("change", () => {
      const chosen = Number(list.value),
        pair = [...pinned.pair];
      if (pair[1 - side] === chosen) pair[1 - side] = pair[side];
      pair[side] = chosen;
      pinned.pair = pair;
      changed();
    });
    return list;
  };
  const lists = [select(0), select(1)];
  const group = h(
    "fieldset",
    {},
    h("legend", {}, "Compare"),
    ...lists.map((list, side) =>
      h(
        "label.choice",
        {},
        h(`span.swatch${side ? ".against" : ""}`, { "aria-hidden": true }),
        list,
      ),
    ),
  );
  return [
    group,
    () =>
      lists.forEach((list, side) => {
        list.value = pinned.pair[side];
        [...list.options].forEach((option, k) => {
          option.disabled = k === pinned.pair[1 - side] && page.classes.length > 2;
        });
      }),
  ];
}

function makeSizeSwitch() {
  const box = h("input", { type: "checkbox" });
  box.addEventListener("change", () => {
    pinned.sized = box.checked;
    changed();
  });
  return [
    h("label.choice", {}, box, "Size of cells by strength of activation"),
    () => {
      box.checked = pinned.sized;
    },
  ];
}

const MAKERS = {
  map: makeMap,
  dictionary: makeDictionary,
  ranking: makeRanking,
  groups: makeGroups,
  grid: makeGrid,
  profile: makeProfile,
  total: makeTotal,
  answer: makeAnswer,
  flow: makeFlow,
};

const tools = [
  [uses((p) => p.by === "classes" || p.of === "classes"), makeClassChips],
  [uses((p) => p.by === "difference" || p.of === "difference"), makePairChoice],
  [uses((p) => p.type === "grid"), makeSizeSwitch],
];
for (const [wanted, make] of tools) {
  if (!wanted) continue;
  const [element, update] = make();
  document.getElementById("toolbar").append(element);
  views.push(update);
}
const list = document.getElementById("panels");
const isWide = (panel) => ["flow", "profile"].includes(panel.type);
const many = page.panels.length > 2 && page.panels.every((panel) => panel.type === "map");
const others = page.panels.filter((panel) => !isWide(panel)).length - 1;
list.classList.toggle("many", many);
// A map that comes first, and is the only one, stays in sight beside what explains it.
const maps = page.panels.filter((panel) => panel.type === "map");
list.classList.toggle("led", maps.length === 1 && maps[0] === page.panels[0] && others > 0);
list.style.setProperty("--others", others);
page.panels.forEach((panel, k) => {
  const body = document.getElementById(`panel-${k}`);
  if (isWide(panel)) body.parentElement.classList.add("wide");
  views.push(MAKERS[panel.type](panel, body));
});

if (dictionaries.length) {
  const { grid, values } = dictionaries[0],
    count = values.shape[2];
  const firsts = Array.from({ length: grid[0] * grid[1] }, (_, i) => values.values[i * count]);
  const best = firsts.indexOf(Math.max(...firsts));
  pinned.place = {
    layer: dictionaries[0].layer,
    u: ((best % grid[1]) + 0.5) / grid[1],
    v: (Math.floor(best / grid[1]) + 0.5) / grid[0],
  };
}
changed();
// After the frame in which everything is drawn for the first time.
requestAnimationFrame(() => {
  document.documentElement.dataset.ready = "true";
});
