// The chosen item: what is known of it, and its neighbours in the whole model.
function factsOf(index) {
  const facts = [];
  if (given.names && given.names[index]) facts.push(given.items[index]);
  if (given.counts) facts.push(`${given.counts[index].toLocaleString("en")} times`);
  const value = values[index];
  if (given.colour.kind === "category" && !Number.isNaN(value)) facts.push(given.colour.labels[value]);
  if (given.colour.kind === "number" && !Number.isNaN(value)) {
    facts.push(`${given.colour.title} ${shown(value, 6)}`);
  }
  return facts.join(" · ");
}

// A number for people: 1999, but 12,345.
const shown = (value, digits) => Number(value.toPrecision(digits)).toLocaleString("en", { useGrouping: "min2", maximumSignificantDigits: digits });

function select(index, fly = true) {
  state.selected = index;
  byId("panel").hidden = index < 0;
  redraw();
  if (index < 0) return;
  byId("item").textContent = called[index];
  byId("facts").textContent = factsOf(index);
  const list = byId("nearest");
  list.replaceChildren();
  const near = neighboursOf(index);
  for (const { item, cosine } of near) {
    const line = made("li");
    if (item < size) {
      const button = made("button", called[item], { type: "button" });
      button.addEventListener("click", () => select(item));
      line.append(button);
    } else {
      line.append(made("span", given.elsewhere[item - size], { title: "not on the map" }));
    }
    line.append(made("data", cosine.toFixed(3), { value: cosine }));
    list.append(line);
  }
  byId("note").hidden = near.every(({ item }) => item < size);
  if (!near.length) list.append(made("li", "none"));
  byId("panel").scrollTop = 0;
  byId("said").textContent = `${called[index]}. Nearest: ${near.slice(0, 5).map(({ item }) => (item < size ? called[item] : given.elsewhere[item - size])).join(", ")}.`;
  if (fly) flyTo(closeTo(index));
}

// Where the camera goes: the item in the middle, most of its neighbours around it, near enough to be read.
function closeTo(index) {
  const [x, y] = [places[2 * index], places[2 * index + 1]];
  const reaches = [];
  for (const { item } of neighboursOf(index)) {
    if (item >= size) continue;
    const across = Math.abs(places[2 * item] - x) / view.width;
    const down = Math.abs(places[2 * item + 1] - y) / view.height;
    reaches.push(Math.max(across, down));
  }
  const reach = reaches.sort((a, b) => a - b)[Math.floor(0.8 * (reaches.length - 1))] || 0;
  const nearest = home * (size > 8000 ? 12 : 5);
  return { x, y, scale: Math.max(home, Math.min(nearest, 0.4 / Math.max(reach, 1e-9))) };
}

function drawLegend() {
  const legend = byId("legend");
  legend.hidden = given.colour.kind === "none";
  legend.replaceChildren(made("h3", given.colour.title));
  if (given.colour.kind === "number") {
    legend.append(made("div", "", { class: "scale" }));
    const ends = made("div", "", { class: "ends" });
    for (const end of [span.low, span.high]) ends.append(made("span", shown(end, 4)));
    legend.append(ends);
  } else if (given.colour.kind === "category") {
    legend.classList.toggle("one", state.category >= 0);
    const members = new Array(given.colour.labels.length).fill(0);
    for (const value of values) if (!Number.isNaN(value)) members[value]++;
    given.colour.labels.forEach((label, category) => {
      const button = made("button", undefined, { type: "button", "aria-pressed": String(state.category === category), title: label });
      const dot = made("i");
      dot.style.background = colours.points[category];
      button.append(dot, made("span", label), made("small", members[category].toLocaleString("en")));
      button.addEventListener("click", () => {
        state.category = state.category === category ? -1 : category;
        drawLegend();
        byId("legend").querySelectorAll("button")[category].focus();
        redraw();
      });
      legend.append(button);
    });
  }
}
