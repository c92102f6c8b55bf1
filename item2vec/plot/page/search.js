// The search box: a combobox with a list, by the pattern of the ARIA authoring guide.
const box = byId("search");
const found = byId("found");
const SHOWN = 10;
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
let folded = null; // made when it is first needed
let hits = [];
let active = -1;

// Items that begin with the text, then those that have it in them; within each the commonest first.
function lookFor(text) {
  const wanted = plain(text);
  folded = folded || given.items.map((item, index) => [plain(called[index]), plain(item)]);
  const begins = [];
  const has = [];
  for (let index = 0; index < size && begins.length < SHOWN; index++) {
    if (folded[index].some((name) => name === wanted)) begins.unshift(index);
    else if (folded[index].some((name) => name.startsWith(wanted))) begins.push(index);
    else if (has.length < SHOWN && folded[index].some((name) => name.includes(wanted))) has.push(index);
  }
  return [...begins, ...has].slice(0, SHOWN);
}

function showHits() {
  const text = box.value.trim();
  hits = text ? lookFor(text) : [];
  active = hits.length ? 0 : -1;
  found.replaceChildren();
  hits.forEach((index, order) => {
    const option = made("li", called[index], { role: "option", id: `found${order}` });
    if (called[index] !== given.items[index]) option.append(made("small", given.items[index]));
    option.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the list stays until it is done
      choose(order);
    });
    found.append(option);
  });
  if (text && !hits.length) found.append(made("li", "not on the map", { class: "nothing" }));
  found.hidden = !text;
  box.setAttribute("aria-expanded", String(Boolean(text)));
  mark();
}

function mark() {
  [...found.children].forEach((option, order) => option.setAttribute("aria-selected", String(order === active)));
  if (active >= 0) {
    box.setAttribute("aria-activedescendant", `found${active}`);
    found.children[active].scrollIntoView({ block: "nearest" });
  } else {
    box.removeAttribute("aria-activedescendant");
  }
}

function closeHits() {
  found.hidden = true;
  hits = [];
  active = -1;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
}

function choose(order) {
  const index = hits[order];
  box.value = called[index];
  closeHits();
  if (!allowed(index)) state.category = -1;
  drawLegend();
  select(index);
  canvas.focus(); // so that keys move the map, and Escape closes what was chosen
}

box.addEventListener("input", showHits);
box.addEventListener("focus", () => box.select());
box.addEventListener("blur", closeHits);
box.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (found.hidden) showHits();
    else if (hits.length) active = (active + (event.key === "ArrowDown" ? 1 : hits.length - 1)) % hits.length;
    mark();
    event.preventDefault();
  } else if (event.key === "Enter" && active >= 0) {
    choose(active);
  } else if (event.key === "Escape") {
    if (found.hidden) canvas.focus();
    closeHits();
    event.stopPropagation();
  }
});
