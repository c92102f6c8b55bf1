// The picture: points as small stamps made once for each colour and size, then lines, then names.
const state = { selected: -1, hovered: -1, category: -1 };
let sprites = new Map();
let asked = false;

function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
  });
}

function forgetSprites() {
  sprites = new Map();
}

// Commoner items are larger; all grow a little as one comes closer.
function radiusOf(index) {
  const base = size > 8000 ? 1.6 : size > 2500 ? 2.1 : 2.9;
  const rank = index < size * 0.01 ? 1.7 : index < size * 0.1 ? 1.3 : 1;
  return Math.min(7, base * rank * Math.max(1, zoom()) ** 0.3);
}

function sprite(colour, radius) {
  const key = `${colour} ${radius.toFixed(2)}`;
  if (!sprites.has(key)) {
    const ratio = canvas.width / view.width;
    const stamp = document.createElement("canvas");
    const half = Math.ceil((radius + 1) * ratio);
    stamp.width = stamp.height = 2 * half;
    const pen = stamp.getContext("2d");
    pen.fillStyle = colour < 0 ? colours.none : colours.points[colour];
    pen.beginPath();
    pen.arc(half, half, radius * ratio, 0, 7);
    pen.fill();
    sprites.set(key, { stamp, half: half / ratio, width: (2 * half) / ratio });
  }
  return sprites.get(key);
}

const allowed = (index) => state.category < 0 || values[index] === state.category;

function drawPoint(index) {
  const { stamp, half, width } = sprite(colourOf(index), radiusOf(index));
  const x = toScreenX(places[2 * index]);
  const y = toScreenY(places[2 * index + 1]);
  if (x < -half || y < -half || x > view.width + half || y > view.height + half) return;
  context.drawImage(stamp, x - half, y - half, width, width);
}

function draw() {
  const ratio = canvas.width / view.width;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.textBaseline = "middle";
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, view.width, view.height);
  const focus = state.selected >= 0 ? state.selected : -1;
  const near = focus < 0 ? [] : neighboursOf(focus).filter(({ item }) => item < size);
  const bright = size > 8000 ? 0.75 : 0.85;
  // The rarest first, so that the commonest lie on top.
  for (let index = size - 1; index >= 0; index--) {
    context.globalAlpha = allowed(index) ? (focus < 0 ? bright : 0.28) : 0.07;
    drawPoint(index);
  }
  drawLinks(focus, near);
  context.globalAlpha = 1;
  for (const { item } of near) drawPoint(item);
  if (focus >= 0) drawFocus(focus);
  drawLabels(focus, near);
  if (state.hovered >= 0 && state.hovered !== focus) drawHovered();
}

function drawLinks(focus, near) {
  if (focus < 0) return;
  context.strokeStyle = colours.link;
  for (const { item, cosine } of near) {
    context.globalAlpha = 0.35 + 0.5 * Math.max(0, cosine);
    context.lineWidth = 0.8 + 1.6 * Math.max(0, cosine);
    context.beginPath();
    context.moveTo(toScreenX(places[2 * focus]), toScreenY(places[2 * focus + 1]));
    context.lineTo(toScreenX(places[2 * item]), toScreenY(places[2 * item + 1]));
    context.stroke();
  }
}

function drawFocus(index) {
  context.fillStyle = colourOf(index) < 0 ? colours.none : colours.points[colourOf(index)];
  context.strokeStyle = colours.ink;
  context.lineWidth = 2;
  context.beginPath();
  context.arc(toScreenX(places[2 * index]), toScreenY(places[2 * index + 1]), radiusOf(index) + 2.5, 0, 7);
  context.fill();
  context.stroke();
}

function drawLabels(focus, near) {
  const first = focus < 0 ? [] : [focus, ...near.map(({ item }) => item)];
  const inFront = new Set(first);
  const labels = chooseLabels(first, radiusOf, allowed);
  context.globalAlpha = focus < 0 ? 1 : 0.3;
  for (const label of labels) if (!inFront.has(label.index)) drawLabel(label, colours.ink, false);
  context.globalAlpha = 1;
  for (const label of labels) if (inFront.has(label.index)) drawLabel(label, colours.ink, label.index === focus);
}

function drawHovered() {
  const index = state.hovered;
  const text = short(called[index]);
  context.globalAlpha = 1;
  context.font = `600 ${FONT}`;
  const width = context.measureText(text).width + 12;
  const x = toScreenX(places[2 * index]);
  const y = toScreenY(places[2 * index + 1]);
  const left = Math.max(4, Math.min(view.width - width - 4, x + radiusOf(index) + 5));
  const top = Math.max(4, Math.min(view.height - 26, y - 11));
  drawFocus(index);
  context.fillStyle = colours.sheet;
  context.strokeStyle = colours.edge;
  context.lineWidth = 1;
  context.beginPath();
  context.roundRect(left, top, width, 22, 5);
  context.fill();
  context.stroke();
  context.fillStyle = colours.ink;
  context.fillText(text, left + 6, top + 11.5);
}
