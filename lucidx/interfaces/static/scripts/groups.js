// Groups, their effects, and what flows through them.

function swatchOf(k) {
  const swatch = h("span.swatch", { "aria-hidden": true });
  swatch.style.background = hue(k);
  return swatch;
}

function makeGroups(panel, body) {
  const list = h("ul.rows"),
    rows = [];
  const most = panel.effects ? largest([...panel.effects.values, ...panel.rest]) : 1;
  const effectsOf = (k) => {
    const value = (c) => (k < panel.number ? part(panel.effects, c)[k] : panel.rest[c]);
    if (panel.by === "difference") {
      const [a, b] = pinned.pair;
      return [
        [
          h("span", {}, text(className(a)), " rather than ", text(className(b))),
          value(a) - value(b),
          true,
        ],
      ];
    }
    return page.classes.map((_, c) => [text(className(c)), value(c), c === now("cls")]);
  };
  for (let k = 0; k < panel.number + (panel.effects ? 1 : 0); k++) {
    const rest = k === panel.number,
      effects = h("span.effects");
    const name = rest ? "In no group" : `Group ${k}`;
    const title = h("span.name", {}, rest ? null : swatchOf(k), name);
    const value = { key: panel.key, layer: panel.layer, index: k };
    const words = h("span", {}, title, effects);
    const row = rest
      ? h("div.row", {}, h(panel.icons ? "span.icon" : "span", { "aria-hidden": true }), words)
      : pointing(
          h(
            "button.row",
            { type: "button" },
            panel.icons ? icon(panel.icons, k, `Icon of group ${k}`) : h("span"),
            words,
          ),
          "group",
          value,
          name,
        );
    if (rest) {
      row.firstChild.style.visibility = "hidden";
      row.firstChild.style.height = "0";
    }
    list.append(h("li", {}, row));
    rows.push({ k, row, effects, value, rest });
  }
  roving(list);
  body.append(list);
  const mostAmount = panel.amounts ? largest(panel.amounts.values) : 1;
  return () =>
    rows.forEach(({ k, row, effects, value, rest }) => {
      if (!rest) pressed(row, "group", value);
      const found = panel.effects ? effectsOf(k) : [];
      effects.replaceChildren(
        ...found.map(([who, x, current]) =>
          h(
            `span.effect${current ? ".now" : ""}`,
            {},
            h("span.who", {}, who),
            bar(x, most, true),
            h("span.value", {}, signed(x)),
          ),
        ),
      );
      if (!panel.effects && panel.amounts)
        effects.replaceChildren(bar(panel.amounts.values[k], mostAmount));
    });
}

function makeFlow(panel, body) {
  const svg = h("svg", { "aria-hidden": true });
  const stage = h("div.stage", {}, svg),
    words = h("div.legend");
  body.append(stage, words);
  const nameOf = (c, k) =>
    panel.columns[c].layer === "output" ? className(k) : `group ${k} of ${panel.columns[c].layer}`;
  const nodes = panel.columns.map((column, c) => {
    const isClasses = column.layer === "output";
    const box = h("div.nodes");
    const made = Array.from({ length: column.number }, (_, k) => {
      const name = isClasses ? className(k) : `Group ${k} of ${column.layer}`;
      const given = panel.links
        .filter((l) => l.from === c)
        .map((l) => strongestOf(l, k))
        .join(", ");
      const button = h(`button.node${isClasses || !column.icons ? ".named" : ""}`, {
        type: "button",
        "aria-label": given ? `${name}, gives most to ${given}` : name,
      });
      if (isClasses) button.append(text(name));
      else {
        const number = h("span.number", {}, String(k));
        number.style.background = hue(k);
        button.append(
          column.icons ? icon(column.icons, k, `Icon of ${name}`) : text(name),
          column.icons ? number : "",
        );
      }
      const value = isClasses ? k : { key: column.key, layer: column.layer, index: k };
      if (isClasses) {
        button.addEventListener("pointerenter", (event) => {
          if (event.pointerType === "mouse") {
            focus = [c, k];
            point("cls", k);
          }
        });
        button.addEventListener("pointerleave", () => {
          focus = null;
          point("cls", undefined);
        });
        button.addEventListener("focus", () => {
          focus = [c, k];
          changed();
        });
        button.addEventListener("blur", () => {
          focus = null;
          changed();
        });
        button.addEventListener("click", () => {
          pinned.cls = k;
          say(name);
          changed();
        });
      } else pointing(button, "group", value, name);
      box.append(button);
      return { button, value, isClasses };
    });
    roving(box);
    stage.append(h("div.column", {}, h("h3", {}, isClasses ? "Classes" : text(column.layer)), box));
    return made;
  });
  let focus = null;

  function strongestOf(link, k) {
    const values = part(link.values, k),
      best = values.reduce((b, v, i) => (v > values[b] ? i : b), 0);
    return nameOf(link.to, best);
  }

  /** What a group or class was given and gave, the strongest first. */
  function valuesAt(link, c, k) {
    const columns = link.values.shape[1];
    const found = Array.from(link.values.values, (value, i) => [
      Math.floor(i / columns),
      i % columns,
      value,
    ]);
    const given = found
      .filter(([, to]) => link.to === c && to === k)
      .map(([from, , value]) => ["from ", nameOf(link.from, from), value]);
    const gave = found
      .filter(([from]) => link.from === c && from === k)
      .map(([, to, value]) => ["to ", nameOf(link.to, to), value]);
    return [...given, ...gave].sort(([, , a], [, , b]) => Math.abs(b) - Math.abs(a));
  }

  const bands = panel.links.flatMap((link) => {
    const most = largest(link.values.values),
      columns = link.values.shape[1];
    return Array.from(link.values.values, (value, i) => ({
      link,
      from: Math.floor(i / columns),
      to: i % columns,
      value,
      share: Math.abs(value) / most,
    }))
      .filter((band) => band.share > 0.03)
      .map((band) => ({ ...band, path: h(`path${band.value < 0 ? ".minus" : ""}`) }));
  });
  svg.append(...bands.map((band) => band.path));

  function layOut() {
    const area = stage.getBoundingClientRect();
    if (!area.width) return;
    for (const band of bands) {
      const a = nodes[band.link.from][band.from].button.getBoundingClientRect();
      const b = nodes[band.link.to][band.to].button.getBoundingClientRect();
      const [x0, y0] = [a.right - area.left + 2, a.top + a.height / 2 - area.top];
      const [x1, y1] = [b.left - area.left - 2, b.top + b.height / 2 - area.top];
      const bend = (x1 - x0) * 0.5;
      band.path.setAttribute("d", `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`);
      band.path.setAttribute("stroke-width", Math.max(1, 16 * band.share).toFixed(1));
    }
  }
  new ResizeObserver(layOut).observe(stage);

  return () => {
    const group = now("group");
    let chosen = focus;
    if (group)
      panel.columns.forEach((column, c) => {
        if (column.key === group.key)
          chosen = [c, group.index];
      });
    for (const { link, from, to, path } of bands) {
      const touches =
        chosen &&
        ((link.from === chosen[0] && from === chosen[1]) ||
          (link.to === chosen[0] && to === chosen[1]));
      path.classList.toggle("faint", Boolean(chosen) && !touches);
      path.classList.toggle("strong", Boolean(touches));
    }
    const numbers = chosen ? panel.links.flatMap((link) => valuesAt(link, ...chosen)) : [];
    words.replaceChildren(
      ...(chosen ? [h("strong", {}, text(nameOf(...chosen)))] : []),
      ...numbers.map(([way, name, value]) =>
        h("span", {}, way, text(name), h("span.number", {}, signed(value))),
      ),
    );
    nodes
      .flat()
      .forEach(({ button, value, isClasses }) =>
        pressed(button, isClasses ? "none" : "group", value),
      );
  };
}
