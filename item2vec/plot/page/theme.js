// Light and dark: the colours stand in the style, and are read from there.
const root = document.documentElement;
const darkSystem = matchMedia("(prefers-color-scheme: dark)");
let colours = {};

function readColours() {
  const style = getComputedStyle(root);
  const value = (name) => style.getPropertyValue(name).trim();
  colours = {
    ground: value("--ground"), ink: value("--ink"), faint: value("--faint"), sheet: value("--sheet"),
    edge: value("--edge"), link: value("--link"), none: value("--none"), points: pointColours(value),
  };
}

const SHADES = 24; // of numbers

function pointColours(value) {
  if (given.colour.kind === "category") {
    const last = given.colour.labels.length - 1;
    return given.colour.labels.map((_, index) => value(given.colour.rest && index === last ? "--none" : `--c${index}`));
  }
  if (given.colour.kind === "number") {
    const stops = [0, 1, 2, 3, 4].map((stop) => value(`--g${stop}`));
    return Array.from({ length: SHADES }, (_, shade) => {
      const at = (shade / (SHADES - 1)) * 4;
      const stop = Math.min(3, Math.floor(at));
      return mixed(stops[stop], stops[stop + 1], at - stop);
    });
  }
  return [value("--one")];
}

function mixed(first, second, share) {
  const parts = (colour) => [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
  const [from, to] = [parts(first), parts(second)];
  return `rgb(${from.map((part, index) => Math.round(part + (to[index] - part) * share)).join(" ")})`;
}

// The range of numbers that the colours span: without the outermost hundredth at each end, so that one wild number
// does not leave all others in one colour.
const span = (() => {
  const sorted = Array.from(values).filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return sorted.length ? { low: at(0.01), high: at(0.99) } : { low: 0, high: 1 };
})();

// The number of an item's colour, -1 for none.
function colourOf(index) {
  const value = values[index];
  if (Number.isNaN(value)) return -1;
  if (given.colour.kind !== "number") return value;
  const share = (value - span.low) / (span.high - span.low || 1);
  return Math.round(Math.max(0, Math.min(1, share)) * (SHADES - 1));
}

const isDark = () => (root.dataset.theme || (darkSystem.matches ? "dark" : "light")) === "dark";

function setTheme(theme) {
  root.dataset.theme = theme;
  themeChanged();
}

function themeChanged() {
  readColours();
  byId("theme").setAttribute("aria-pressed", String(isDark()));
  forgetSprites();
  drawLegend();
  redraw();
}
