"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const [form, layer, channel, order] = ["choose", "layer", "channel", "order"].map(find);
  const sections = [...document.querySelectorAll("section")];
  const items = new Map(sections.map((section) => [section, [...section.querySelectorAll("li")]]));

  function matches({ channel, name }, text) {
    return text === "" || (name === undefined ? channel === text : name.toLowerCase().includes(text));
  }

  function choose() {
    const text = channel.value.trim().toLowerCase();
    let count = 0;
    for (const section of sections) {
      let here = 0;
      const wanted = layer.value === "" || layer.value === section.dataset.layer;
      for (const item of items.get(section)) {
        item.hidden = !wanted || !matches(item.dataset, text);
        here += item.hidden ? 0 : 1;
      }
      section.hidden = here === 0;
      count += here;
    }
    find("shown").value = `${count} shown`;
    find("none").hidden = count !== 0;
  }

  function sort() {
    const sign = order.value === "objective" ? -1 : 1;
    const value = (item) => sign * Number(item.dataset[order.value]);
    for (const section of sections) {
      const sorted = items.get(section).sort((a, b) => value(a) - value(b));
      section.querySelector("ul").append(...sorted);
    }
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  layer.addEventListener("input", choose);
  channel.addEventListener("input", choose);
  order.addEventListener("input", sort);
  // A browser may keep what was chosen before the page was loaded again.
  sort();
  choose();
})();
