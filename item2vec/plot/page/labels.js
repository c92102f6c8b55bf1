// Names beside points, the commonest first, none over another.
const context = canvas.getContext("2d");
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const HEIGHT = 15;
const LONGEST = 32; // letters
const widths = new Map();

function short(text) {
  const letters = Array.from(text);
  return letters.length > LONGEST ? letters.slice(0, LONGEST - 1).join("") + "…" : text;
}

function widthOf(text) {
  if (!widths.has(text)) widths.set(text, context.measureText(text).width);
  return widths.get(text);
}

// Rectangles already taken, by bands of one label's height.
function makeTaken() {
  const bands = new Map();
  return {
    take(left, top, right, bottom) {
      for (let band = Math.floor(top / HEIGHT); band <= Math.floor(bottom / HEIGHT); band++) {
        if (!bands.has(band)) bands.set(band, []);
        bands.get(band).push([left, top, right, bottom]);
      }
    },
    free(left, top, right, bottom) {
      for (let band = Math.floor(top / HEIGHT); band <= Math.floor(bottom / HEIGHT); band++) {
        for (const box of bands.get(band) || []) {
          if (left < box[2] && right > box[0] && top < box[3] && bottom > box[1]) return false;
        }
      }
      return true;
    },
  };
}

// Where the label of an item goes, right of its point or else left, at the right edge the other way round; null if there
// is no room.
function placed(index, taken, radius, forced) {
  const x = toScreenX(places[2 * index]);
  const y = toScreenY(places[2 * index + 1]);
  const text = short(called[index]);
  const width = widthOf(text);
  const sides = [x + radius + 3, x - radius - 3 - width];
  if (sides[0] + width > view.width && x <= view.width) sides.reverse();
  for (const left of sides) {
    const box = [left - 2, y - HEIGHT / 2, left + width + 2, y + HEIGHT / 2];
    if (forced || taken.free(...box)) {
      taken.take(...box);
      return { text, left, y, index };
    }
  }
  return null;
}

function chooseLabels(first, radiusOf, allowed) {
  context.font = FONT;
  const taken = makeTaken();
  for (const id of ["search", "heading", "legend", "panel", "view"]) {
    const { left, top, right, bottom } = byId(id).getBoundingClientRect();
    if (right > left) taken.take(left, top, right, bottom);
  }
  const labels = [];
  first.forEach((index, order) => {
    const label = placed(index, taken, radiusOf(index), order === 0);
    if (label) labels.push(label);
  });
  const done = new Set(first);
  // Further out than the edge, so that labels do not come and go as the map is moved.
  const margin = 120;
  const most = (view.width * view.height) / 4500;
  for (let index = 0; index < size && labels.length < most; index++) {
    const x = toScreenX(places[2 * index]);
    const y = toScreenY(places[2 * index + 1]);
    if (x < -margin || y < -margin || x > view.width + margin || y > view.height + margin) continue;
    if (done.has(index) || !allowed(index)) continue;
    const label = placed(index, taken, radiusOf(index), false);
    if (label) labels.push(label);
  }
  return labels;
}

function drawLabel(label, ink, bold) {
  context.font = bold ? `600 ${FONT}` : FONT;
  context.lineJoin = "round";
  context.lineWidth = 3.5;
  context.strokeStyle = colours.ground;
  context.strokeText(label.text, label.left, label.y);
  context.fillStyle = ink;
  context.fillText(label.text, label.left, label.y);
}
