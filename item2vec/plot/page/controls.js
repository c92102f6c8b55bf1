// Pointers, wheel and keys.
const pointers = new Map();
let moved = 0; // pixels since a pointer went down: a click moves less than a drag
const REACH = 12; // pixels within which an item is meant

const under = (x, y) => itemAt(toMapX(x), toMapY(y), REACH / camera.scale, allowed);

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pointers.size === 1) moved = 0;
  canvas.classList.add("held");
});

canvas.addEventListener("pointermove", (event) => {
  const last = pointers.get(event.pointerId);
  if (!last) {
    hover(under(event.clientX, event.clientY));
    return;
  }
  const now = { x: event.clientX, y: event.clientY };
  moved += Math.hypot(now.x - last.x, now.y - last.y);
  if (pointers.size === 1) {
    if (moved > 3) moveBy(now.x - last.x, now.y - last.y);
  } else if (pointers.size === 2) {
    const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
    const before = Math.hypot(last.x - other.x, last.y - other.y);
    const after = Math.hypot(now.x - other.x, now.y - other.y);
    moveBy((now.x - last.x) / 2, (now.y - last.y) / 2);
    zoomAt((now.x + other.x) / 2, (now.y + other.y) / 2, after / Math.max(1, before));
  }
  pointers.set(event.pointerId, now);
});

function released(event, click) {
  if (!pointers.delete(event.pointerId)) return;
  canvas.classList.toggle("held", pointers.size > 0);
  if (click && pointers.size === 0 && moved <= 3) select(under(event.clientX, event.clientY), false);
}
canvas.addEventListener("pointerup", (event) => released(event, true));
canvas.addEventListener("pointercancel", (event) => released(event, false));
canvas.addEventListener("pointerleave", () => hover(-1));

function hover(index) {
  canvas.classList.toggle("over", index >= 0);
  if (index === state.hovered) return;
  state.hovered = index;
  redraw();
}

canvas.addEventListener("wheel", (event) => {
  const lines = event.deltaMode === 1 ? 16 : 1;
  const speed = event.ctrlKey ? 0.01 : 0.0016; // a pinch on a touch pad comes as a small wheel with ctrl
  zoomAt(event.clientX, event.clientY, Math.exp(-Math.max(-300, Math.min(300, event.deltaY * lines)) * speed));
  event.preventDefault();
}, { passive: false });

canvas.addEventListener("dblclick", (event) => zoomAt(event.clientX, event.clientY, 2));

const middleZoom = (factor) => zoomAt(view.width / 2, view.height / 2, factor);
const KEYS = {
  ArrowLeft: () => moveBy(60, 0), ArrowRight: () => moveBy(-60, 0),
  ArrowUp: () => moveBy(0, 60), ArrowDown: () => moveBy(0, -60),
  "+": () => middleZoom(1.3), "=": () => middleZoom(1.3), "-": () => middleZoom(1 / 1.3), 0: showAll,
  Enter: () => select(under(view.width / 2, view.height / 2), false),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    select(-1);
    state.category = -1;
    drawLegend();
    canvas.focus();
  } else if (event.key === "/" && event.target !== box) {
    box.focus();
    event.preventDefault();
  } else if (KEYS[event.key] && (event.target === canvas || event.target === document.body)) {
    KEYS[event.key]();
    event.preventDefault();
  }
});

byId("close").addEventListener("click", () => {
  select(-1);
  canvas.focus();
});
byId("closer").addEventListener("click", () => middleZoom(1.5));
byId("farther").addEventListener("click", () => middleZoom(1 / 1.5));
byId("all").addEventListener("click", showAll);
byId("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
darkSystem.addEventListener("change", themeChanged);
