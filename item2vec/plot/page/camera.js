// What part of the map is seen: `scale` pixels for one unit of the map, and the map's place in the middle.
const canvas = byId("map");
const camera = { x: 0, y: 0, scale: 1 };
const view = { width: 1, height: 1 };
let home = 1; // the scale at which all is seen
const HEAD = 60; // pixels at the top that the search box and the title take
const EDGE = 28;
const FARTHEST = 2.2; // most items lie within -1 to 1; a few far outside do not decide what "all" is
const MOST_ZOOM = 400;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let flight = 0;

const toScreenX = (x) => (x - camera.x) * camera.scale + view.width / 2;
const toScreenY = (y) => (y - camera.y) * camera.scale + view.height / 2;
const toMapX = (x) => (x - view.width / 2) / camera.scale + camera.x;
const toMapY = (y) => (y - view.height / 2) / camera.scale + camera.y;
const zoom = () => camera.scale / home;

function resized() {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const before = home;
  const wasHome = camera.scale === home;
  view.width = Math.max(1, canvas.clientWidth);
  view.height = Math.max(1, canvas.clientHeight);
  canvas.width = Math.round(view.width * ratio);
  canvas.height = Math.round(view.height * ratio);
  home = homeView().scale;
  if (wasHome) Object.assign(camera, homeView());
  else camera.scale *= home / before;
  forgetSprites();
  redraw();
}

// Where the camera is when all is seen, below the head of the page.
function homeView() {
  const inside = (value) => Math.max(-FARTHEST, Math.min(FARTHEST, value));
  const [left, right, top, bottom] = [bounds.left, bounds.right, bounds.top, bounds.bottom].map(inside);
  const room = { width: Math.max(50, view.width - 4 * EDGE), height: Math.max(50, view.height - HEAD - EDGE) };
  const scale = Math.min(room.width / Math.max(right - left, 1e-6), room.height / Math.max(bottom - top, 1e-6));
  return { x: (left + right) / 2, y: (top + bottom) / 2 - (HEAD - EDGE) / 2 / scale, scale };
}

function showAll() {
  flyTo(homeView());
}

function zoomAt(x, y, factor) {
  cancelAnimationFrame(flight);
  const scale = Math.max(home / 4, Math.min(home * MOST_ZOOM, camera.scale * factor));
  camera.x += (x - view.width / 2) * (1 / camera.scale - 1 / scale);
  camera.y += (y - view.height / 2) * (1 / camera.scale - 1 / scale);
  camera.scale = scale;
  redraw();
}

function moveBy(x, y) {
  cancelAnimationFrame(flight);
  camera.x -= x / camera.scale;
  camera.y -= y / camera.scale;
  redraw();
}

function flyTo(target) {
  cancelAnimationFrame(flight);
  if (calm.matches) {
    Object.assign(camera, target);
    redraw();
    return;
  }
  const from = { ...camera };
  const began = performance.now();
  const step = (now) => {
    const share = Math.min(1, Math.max(0, (now - began) / 450));
    const eased = 1 - (1 - share) ** 3;
    camera.scale = from.scale * (target.scale / from.scale) ** eased;
    camera.x = from.x + (target.x - from.x) * eased;
    camera.y = from.y + (target.y - from.y) * eased;
    redraw();
    if (share < 1) flight = requestAnimationFrame(step);
  };
  flight = requestAnimationFrame(step);
}
