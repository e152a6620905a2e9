// The compare view: any number of pictures of one image under one shared zoom and pan, or two of them on top of
// each other (slider, flicker, difference). Only here are full-size images loaded, and only those on show.

const MODES = { side: "Side by side", slider: "Slider", flicker: "Flicker", difference: "Difference" };
const INPUT = "=LR";
const TRUTH = "=HR";
const dialog = document.getElementById("compare");
const view = { layers: [], stage: null, timer: null, commit: null, pointers: new Map(), drag: null };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const split = (text) => text.split(",").filter(Boolean).map(decodeURIComponent);
const join = (ids) => ids.map(encodeURIComponent).join(",");
const current = () => data.images.find((image) => image.category === state.c && image.name === state.view);

function sourcesOf(image) {
  const cell = cellsOf()[imagesOf(state.c).indexOf(image)];
  if (!cell) return [];
  const found = [{ id: INPUT, title: `LR ${state.f}×`, address: cell.lr, method: -1, cell }];
  for (const method of competitors) {
    const { label, title } = data.methods[method];
    found.push({ id: label, title, address: cell.sr[method], method, cell });
  }
  found.push({ id: TRUTH, title: "HR", address: image.hr, method: bound, cell });
  return found.filter((source) => source.address);
}

function openCompare(image, id) {
  const ids = sourcesOf(image).map((source) => source.id);
  const clicked = { LR: INPUT, HR: TRUTH }[id] || id;
  const a = clicked === TRUTH ? ids[1] : clicked;
  update({ view: image.name, a, b: ids.includes(TRUTH) ? TRUTH : ids.find((other) => other !== a), z: 1, x: 0.5, y: 0.5 });
}

// ------------------------------------------------------------------------------------------- what is drawn

function layer(source) {
  const image = el("img", { src: source.address, alt: `${state.view}, ${source.title}`, draggable: false });
  image.addEventListener("load", arrange);
  const node = el("div", { className: "layer" }, image);
  view.layers.push({ image, node, isInput: source.id === INPUT });
  return node;
}

function pane(sources) {
  const divider = state.mode === "slider" ? el("div", { className: "divider" }) : null;
  const port = el("div", { className: "port" }, ...sources.map(layer), divider);
  const names = sources.map((source) => el("div", {},
    el("div", { className: "who" }, source.method >= 0 ? swatch(source.method) : "", el("bdi", {}, source.title)),
    source.method >= 0 ? valueList(source.cell, source.method, shownMetrics()) : ""));
  return el("figure", { className: "pane" }, port, el("figcaption", {}, ...names));
}

function chosenSources(all) {
  if (state.mode === "side") {
    const wanted = state.panes ? split(state.panes) : all.map((source) => source.id);
    return all.filter((source) => wanted.includes(source.id));
  }
  const find = (id, otherwise) => all.find((source) => source.id === id) || otherwise;
  return [find(state.a, all[0]), find(state.b, all[all.length - 1])];
}

function select(name, label, options, value) {
  const node = el("select", { name }, ...options.map(([id, title]) => el("option", { value: id }, title)));
  node.value = value;
  node.addEventListener("change", () => update({ [name]: name === "f" ? Number(node.value) : node.value }));
  return el("label", {}, `${label} `, node);
}

function slide(name, label, low, high) {
  const node = el("input", { type: "range", min: low, max: high, step: "any", name, value: state[name] });
  node.addEventListener("input", () => move({ [name]: Number(node.value) }));
  return el("label", {}, `${label} `, node);
}

function button(text, title, action) {
  const node = el("button", { type: "button", title }, text);
  node.addEventListener("click", action);
  return node;
}

function modeTools(all) {
  if (!all.length) return [];
  const pairs = all.map((source) => [source.id, source.title]);
  if (state.mode === "side") return all.map((source) => {
    const chosen = chosenSources(all).map((one) => one.id);
    const box = el("input", { type: "checkbox", checked: chosen.includes(source.id) });
    box.addEventListener("change", () => togglePane(source.id));
    return el("label", { className: "check" }, box, " ", el("bdi", {}, source.title));
  });
  const tools = [select("a", "A", pairs, chosenSources(all)[0].id), select("b", "B", pairs, chosenSources(all)[1].id)];
  if (state.mode === "slider") tools.push(slide("cut", "Divider", 0, 100));
  if (state.mode === "difference") tools.push(slide("gain", "Gain", 1, 16));
  if (state.mode === "flicker") tools.push(button("Swap", "Space", swap));
  return tools;
}

function drawCompare() {
  const image = current();
  if (!image) return closeCompare();
  const focused = dialog.contains(document.activeElement) && document.activeElement.getAttribute("name");
  const all = sourcesOf(image);
  view.layers = [];
  clearInterval(view.timer);
  const shown = all.length ? chosenSources(all) : [];
  const panes = state.mode === "side" ? shown.map((source) => pane([source])) : [pane(shown)];
  view.stage = el("div", { className: `stage ${state.mode}`, tabIndex: 0, role: "group", "aria-label": "Pictures" }, ...panes);
  const factors = data.factors.map((factor) => [factor, `${factor}×`]);
  dialog.replaceChildren(
    el("header", {},
      el("h2", { id: "compare-title" }, el("bdi", {}, image.name)),
      button("‹", "Previous image [", () => step(-1)), button("›", "Next image ]", () => step(1)),
      select("f", "Factor", factors, state.f), select("mode", "View", Object.entries(MODES), state.mode),
      button("−", "Zoom out -", () => zoom(0.5)), el("output", {}), button("+", "Zoom in +", () => zoom(2)),
      button("Fit", "Whole image 0", () => move({ z: 1, x: 0.5, y: 0.5 })),
      button("Close", "Esc", () => dialog.close())),
    el("div", { className: "tools" }, ...modeTools(all)),
    view.stage,
    el("footer", {}, "Wheel, pinch or + − zoom · drag or arrows pan · Shift and drag crops · [ ] image · X factor · S L F D view · 1–9 pictures · Esc closes"));
  listen(view.stage);
  if (!dialog.open) dialog.showModal();
  (focused ? dialog.querySelector(`[name="${focused}"]`) : view.stage)?.focus();
  if (state.mode === "flicker" && !matchMedia("(prefers-reduced-motion: reduce)").matches) view.timer = setInterval(swap, 700);
  arrange();
}

// Choose the number of columns that shows the panes largest.
function arrange() {
  if (!view.stage) return;
  const panes = [...view.stage.children];
  const image = view.layers[0]?.image;
  const ratio = image && image.naturalWidth ? image.naturalWidth / image.naturalHeight : 1;
  const [width, height, caption, gap] = [view.stage.clientWidth - 16, view.stage.clientHeight - 16, 64, 10];
  let best = { side: 0, columns: 1 };
  for (let columns = 1; columns <= panes.length; columns += 1) {
    const rows = Math.ceil(panes.length / columns);
    const across = (width - gap * (columns - 1)) / columns;
    const down = ((height - gap * (rows - 1)) / rows - caption) * ratio;
    const side = Math.max(Math.min(across, down), Math.min(across, 170));
    if (side > best.side - 1) best = { side, columns };
  }
  view.stage.style.gridTemplateColumns = `repeat(${best.columns}, ${Math.floor(best.side)}px)`;
  for (const port of view.stage.querySelectorAll(".port")) port.style.aspectRatio = ratio;
  place();
}

function place() {
  const half = 0.5 / state.z;
  state.x = clamp(state.x, half, 1 - half);
  state.y = clamp(state.y, half, 1 - half);
  view.layers.forEach(({ image, node, isInput }, index) => {
    const { clientWidth: width, clientHeight: height } = node.parentElement;
    const [left, top] = [(0.5 - state.x * state.z) * width, (0.5 - state.y * state.z) * height];
    image.style.transform = `translate(${left}px, ${top}px) scale(${state.z})`;
    const magnified = image.naturalWidth && (state.z * width) / image.naturalWidth >= 2;
    image.classList.toggle("pixels", isInput || Boolean(magnified));
    if (state.mode === "slider" && index === 1) {
      node.style.clipPath = `inset(0 0 0 ${state.cut}%)`;
      node.nextElementSibling.style.left = `${state.cut}%`;
    }
    if (state.mode === "difference") node.parentElement.style.filter = `brightness(${state.gain})`;
  });
  const output = dialog.querySelector("output");
  if (output) output.textContent = `${state.z.toFixed(1)}×`;
}

// ------------------------------------------------------------------------------------------- what moves it

// Pan, zoom and sliders: drawn at once, written to the address when the hand rests.
function move(changes) {
  Object.assign(state, changes);
  state.z = clamp(state.z, 1, 64);
  place();
  clearTimeout(view.commit);
  view.commit = setTimeout(() => update({}), 250);
}

function zoom(times, px = 0.5, py = 0.5) {
  const z = clamp(state.z * times, 1, 64);
  move({ z, x: state.x + (px - 0.5) * (1 / state.z - 1 / z), y: state.y + (py - 0.5) * (1 / state.z - 1 / z) });
}

function swap() {
  view.stage.classList.toggle("swapped");
}

function step(by) {
  const order = arranged().map((row) => row.image);
  const next = order[order.indexOf(current()) + by];
  if (next) update({ view: next.name });
}

function togglePane(id) {
  const all = sourcesOf(current());
  const chosen = new Set(chosenSources(all).map((source) => source.id));
  if (!chosen.delete(id)) chosen.add(id);
  if (chosen.size) update({ panes: join([...chosen]) });
  else drawCompare();
}

function nextFactor() {
  update({ f: data.factors[(data.factors.indexOf(state.f) + 1) % data.factors.length] });
}

const fraction = (event, port) => {
  const box = port.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};

function pressed(event) {
  const port = event.target.closest(".port");
  if (!port) return;
  view.pointers.set(event.pointerId, event);
  const [px, py] = fraction(event, port);
  const onDivider = state.mode === "slider" && Math.abs(px - state.cut / 100) * port.clientWidth < 18;
  const kind = event.shiftKey ? "crop" : onDivider ? "divide" : "pan";
  view.drag = { port, kind, px, py, box: kind === "crop" ? port.appendChild(el("div", { className: "crop" })) : null };
  view.stage.setPointerCapture(event.pointerId);
}

function dragged(event) {
  const before = view.pointers.get(event.pointerId);
  if (!before || !view.drag) return;
  const { port, kind, px, py, box } = view.drag;
  const others = [...view.pointers.values()].filter((one) => one.pointerId !== event.pointerId);
  view.pointers.set(event.pointerId, event);
  const [qx, qy] = fraction(event, port);
  if (others.length) {
    const far = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY) || 1;
    zoom(far(event) / far(before), ...fraction(others[0], port));
  } else if (kind === "divide") {
    move({ cut: clamp(qx * 100, 0, 100) });
    const range = dialog.querySelector("[name=cut]");
    if (range) range.value = state.cut;
  } else if (kind === "crop") {
    const edges = { left: Math.min(px, qx), top: Math.min(py, qy), width: Math.abs(qx - px), height: Math.abs(qy - py) };
    for (const [edge, value] of Object.entries(edges)) box.style[edge] = `${100 * value}%`;
  } else {
    const scale = state.z * port.clientWidth;
    const down = state.z * port.clientHeight;
    move({ x: state.x - (event.clientX - before.clientX) / scale, y: state.y - (event.clientY - before.clientY) / down });
  }
}

function released(event) {
  view.pointers.delete(event.pointerId);
  const { drag } = view;
  if (!drag || view.pointers.size) return;
  view.drag = null;
  if (drag.kind !== "crop") return;
  drag.box.remove();
  const [qx, qy] = fraction(event, drag.port);
  const size = Math.max(Math.abs(qx - drag.px), Math.abs(qy - drag.py));
  if (size < 0.02) return;
  const [x, y] = [(drag.px + qx) / 2 - 0.5, (drag.py + qy) / 2 - 0.5];
  move({ x: state.x + x / state.z, y: state.y + y / state.z, z: state.z / size });
}

function listen(stage) {
  stage.addEventListener("pointerdown", pressed);
  stage.addEventListener("pointermove", dragged);
  stage.addEventListener("pointerup", released);
  stage.addEventListener("pointercancel", released);
  stage.addEventListener("wheel", (event) => {
    const port = event.target.closest(".port");
    if (!port) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), ...fraction(event, port));
  }, { passive: false });
}

function typed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inControl = event.target.closest("select, input[type=range]");
  const far = 0.15 / state.z;
  const actions = {
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => move({ z: 1, x: 0.5, y: 0.5 }),
    ArrowLeft: () => move({ x: state.x - far }), ArrowRight: () => move({ x: state.x + far }),
    ArrowUp: () => move({ y: state.y - far }), ArrowDown: () => move({ y: state.y + far }),
    "[": () => step(-1), "]": () => step(1), x: nextFactor,
    s: () => update({ mode: "side" }), l: () => update({ mode: "slider" }),
    f: () => update({ mode: "flicker" }), d: () => update({ mode: "difference" }),
  };
  if (state.mode === "flicker" && event.target === view.stage) actions[" "] = swap;
  const source = /^[1-9]$/.test(event.key) && sourcesOf(current())[Number(event.key) - 1];
  if (source && state.mode === "side") actions[event.key] = () => togglePane(source.id);
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || inControl) return;
  event.preventDefault();
  action();
}

function closeCompare() {
  clearInterval(view.timer);
  view.stage = null;
  view.layers = [];
  if (dialog.open) dialog.close();
}

function makeCompare() {
  const structure = ["view", "c", "f", "panes", "mode", "a", "b", "all"];
  onChange((changes) => {
    if (!structure.some((key) => key in changes)) return;
    if (state.view) drawCompare();
    else closeCompare();
  });
  dialog.addEventListener("keydown", typed);
  dialog.addEventListener("close", () => state.view && update({ view: "", z: 1, x: 0.5, y: 0.5 }));
  addEventListener("resize", arrange);
}
