// What the reader points at and pins; one state for the whole page.

// What is pointed at, and what is pinned while nothing is. A place is in parts of the photo (u, v
// from 0 to 1), so that it is one place in layers of any resolution.
const pointed = {};
const pinned = { place: null, channel: null, group: null, cls: 0, pair: [0, 1], sized: false };
const views = [];
const now = (what) => (pointed[what] !== undefined ? pointed[what] : pinned[what]);
let drawing = false;

function changed() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    views.forEach((update) => update());
  });
}

function point(what, value) {
  if (value === undefined) delete pointed[what];
  else pointed[what] = value;
  changed();
}

function pin(what, value) {
  pinned[what] = value;
  delete pointed[what];
  changed();
}

/** Pin something, or let go of it if it is pinned; whether it is pinned now. */
function toggle(what, value) {
  pin(what, same(pinned[what], value) ? null : value);
  return pinned[what] !== null;
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const say = (text) => {
  document.getElementById("status").textContent = text;
};

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const what of ["place", "channel", "group"]) {
    delete pointed[what];
    pinned[what] = null;
  }
  say("Nothing is chosen.");
  changed();
});
