// What the page was made with: numbers come as base64 of little-endian arrays.
const given = JSON.parse(document.getElementById("data").textContent);

function numbers(text, kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new kind(bytes.buffer);
}

const places = numbers(given.places, Float32Array); // x, y of each item
const nearest = numbers(given.neighbours.items, Uint32Array);
const cosines = numbers(given.neighbours.cosines, Int16Array); // thousandths, as they are shown
const values = numbers(given.colour.values, Float32Array);
const size = given.items.length;
const NONE = 0xffffffff;

// What an item is called: its display name if it has one.
const called = given.items.map((item, index) => (given.names && given.names[index]) || item);

function neighboursOf(index) {
  const found = [];
  for (let place = index * given.neighbours.each; place < (index + 1) * given.neighbours.each; place++) {
    if (nearest[place] !== NONE) found.push({ item: nearest[place], cosine: cosines[place] / 1000 });
  }
  return found;
}

const byId = (id) => document.getElementById(id);

function made(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text; // never as HTML: items may be anything
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// A cell for each small square of the map, with the items in it, so that what is under a pointer is found at once.
const CELLS = 128;
const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
for (let index = 0; index < size; index++) {
  bounds.left = Math.min(bounds.left, places[2 * index]);
  bounds.right = Math.max(bounds.right, places[2 * index]);
  bounds.top = Math.min(bounds.top, places[2 * index + 1]);
  bounds.bottom = Math.max(bounds.bottom, places[2 * index + 1]);
}
const wide = Math.max(bounds.right - bounds.left, bounds.bottom - bounds.top, 1e-9) / CELLS;
const cells = new Map();
const columnOf = (x) => Math.floor((x - bounds.left) / wide);
const rowOf = (y) => Math.floor((y - bounds.top) / wide);
for (let index = 0; index < size; index++) {
  const key = rowOf(places[2 * index + 1]) * 1024 + columnOf(places[2 * index]);
  if (!cells.has(key)) cells.set(key, []);
  cells.get(key).push(index);
}

// The item nearest to a place of the map, within a reach; -1 if there is none. Commoner items win ties.
function itemAt(x, y, reach, allowed) {
  let best = -1;
  let distance = reach * reach;
  const last = { row: Math.min(CELLS, rowOf(y + reach)), column: Math.min(CELLS, columnOf(x + reach)) };
  for (let row = Math.max(0, rowOf(y - reach)); row <= last.row; row++) {
    for (let column = Math.max(0, columnOf(x - reach)); column <= last.column; column++) {
      for (const index of cells.get(row * 1024 + column) || []) {
        const away = (places[2 * index] - x) ** 2 + (places[2 * index + 1] - y) ** 2;
        if (away < distance && allowed(index)) {
          best = index;
          distance = away;
        }
      }
    }
  }
  return best;
}
