// Making elements: always of text, never of markup.

function h(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const svg = ["svg", "path"].includes(name);
  const element = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined && value !== null)
      element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const text = (label) => h("bdi", {}, label);
const className = (k) => page.classes[k].label;

/** One icon of a sheet, or a place for the number of one that was not drawn. */
function icon(sheet, k, label) {
  if (!sheet || k < 0) return h("span.icon.none", { "aria-hidden": true }, "no icon");
  const columns = sheet.columns,
    rows = Math.round((sheet.height * columns) / sheet.width);
  const element = h("span.icon", { role: "img", "aria-label": label });
  const at = (n, count) => (count > 1 ? `${(100 * n) / (count - 1)}%` : "0");
  element.style.backgroundImage = `url("${sheet.src}")`;
  element.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  element.style.backgroundPosition = `${at(k % columns, columns)} ${at(Math.floor(k / columns), rows)}`;
  return element;
}

function bar(value, most, both = false) {
  const fill = h("i"),
    share = Math.min(1, Math.abs(value) / (most || 1)) * (both ? 50 : 100);
  fill.style.width = `${share}%`;
  fill.style.left = both ? `${value < 0 ? 50 - share : 50}%` : "0";
  return h(
    `span.bar${value < 0 ? ".minus" : ""}${both ? ".both" : ""}`,
    { "aria-hidden": true },
    fill,
  );
}

/** Arrow keys move among the buttons of a list, of which one at a time is in the order of Tab. */
function roving(container) {
  const buttons = () => [...container.querySelectorAll("button:not([disabled])")];
  container.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -1e9, End: 1e9 }[
      event.key
    ];
    const all = buttons(),
      at = all.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = all[clamp(at + step, all.length - 1)];
    all.forEach((button) => {
      button.tabIndex = button === next ? 0 : -1;
    });
    next.focus();
  });
  const tidy = () =>
    buttons().forEach((button, k) => {
      button.tabIndex = k ? -1 : 0;
    });
  tidy();
  return tidy;
}

/** A button that points while it is hovered or focused, and pins when it is pressed. */
function pointing(button, what, value, spoken) {
  button.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") point(what, value);
  });
  button.addEventListener("pointerleave", () => point(what, undefined));
  button.addEventListener("focus", () => {
    if (button.matches(":focus-visible")) point(what, value);
  });
  button.addEventListener("blur", () => point(what, undefined));
  button.addEventListener("click", () =>
    say(`${spoken}, ${toggle(what, value) ? "pinned" : "let go"}.`),
  );
  return button;
}

function pressed(button, what, value) {
  button.setAttribute("aria-pressed", String(same(pinned[what], value)));
}
