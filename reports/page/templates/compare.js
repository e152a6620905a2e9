// The compare view: any number of pictures of one image under one shared zoom and pan, or two on top of each
// other. Only here are full-size images loaded, and only those on show.

const MODES = { side: "Side by side", slider: "Slider", flicker: "Flicker", difference: "Difference", lr: "LR check" };
const NOTES = {
  difference: "What differs from the reference; black is the same.",
  lr: "Each SR made LR again, against the LR it came from; black agrees with its input.",
};
const INPUT = "=LR";
const TRUTH = "=HR";
const dialog = document.getElementById("compare");
const view = { layers: [], stage: null, timer: null, commit: null, pointers: new Map(), drag: null, crops: false };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const current = () => data.images.find((image) => image.category === state.c && image.name === state.view);
const isPair = () => state.mode === "slider" || state.mode === "flicker";

function sourcesOf(image) {
  const cell = cellsOf()[imagesOf(state.c).indexOf(image)];
  if (!cell) return [];
  const methods = competitors.map((method) => {
    const { label, title } = data.methods[method];
    return { id: label, title, address: cell.sr[method], method, cell };
  });
  const input = { id: INPUT, title: `LR ${state.f}×`, address: cell.lr, method: -1, cell };
  const truth = { id: TRUTH, title: "HR", address: image.hr, method: bound, cell };
  return [input, ...methods, truth].filter((source) => source.address);
}

function openCompare(image, id) {
  const ids = sourcesOf(image).map((source) => source.id);
  const clicked = { LR: INPUT, HR: TRUTH }[id] || id;
  const a = clicked === TRUTH ? ids[1] : clicked;
  update({ view: image.name, a, b: ids.includes(TRUTH) ? TRUTH : ids.find((other) => other !== a), z: 1, x: 0.5, y: 0.5 });
}

// ------------------------------------------------------------------------------------------- what is drawn

function chosenSources(all) {
  const find = (id, otherwise) => all.find((source) => source.id === id) || otherwise;
  if (isPair()) return [find(state.a, all[0]), find(state.b, all[all.length - 1])];
  const wanted = state.panes ? split(state.panes) : all.map((source) => source.id);
  const chosen = all.filter((source) => wanted.includes(source.id));
  if (state.mode === "lr") return all[0]?.id === INPUT ? chosen.filter(({ method }) => competitors.includes(method)) : [];
  return state.mode === "difference" ? chosen.filter((source) => source !== referenceOf(all)) : chosen;
}

const referenceOf = (all) => all.find((source) => source.id === state.b) || all[all.length - 1];

// What lies in the pane of a source, from below.
function layersOf(source, all) {
  if (state.mode === "difference") return [source, referenceOf(all)];
  if (state.mode === "lr") return [{ ...source, address: madeLow(source.address) }, all[0]];
  return [source];
}

function layer(source) {
  const image = el("img", { src: source.address, alt: `${state.view}, ${source.title}`, draggable: false });
  image.addEventListener("load", arrange);
  const node = el("div", { className: "layer" }, image);
  view.layers.push({ image, node, isInput: source.id === INPUT || state.mode === "lr" });
  return node;
}

function pane(sources, layers) {
  const divider = state.mode === "slider" ? el("div", { className: "divider" }) : null;
  const names = sources.map((source) => el("div", {},
    el("div", { className: "who" }, source.method >= 0 ? swatch(source.method) : "", el("bdi", {}, source.title)),
    source.method >= 0 ? valueList(source.cell, source.method, shownMetrics()) : ""));
  return el("figure", { className: "pane" },
    el("div", { className: "port" }, ...layers.map(layer), divider), el("figcaption", {}, ...names));
}

function select(name, label, options) {
  const titles = options.map(([id, title]) => el("option", { value: id }, title));
  const node = el("select", { name, title: label, "aria-label": label }, ...titles);
  node.value = state[name];
  return node;
}

function slide(name, label, low, high) {
  const node = el("input", { type: "range", min: low, max: high, step: "any", name, value: state[name] });
  node.addEventListener("input", () => move({ [name]: Number(node.value) }));
  return el("label", {}, `${label} `, node);
}

function button(text, title, action, properties = {}) {
  const node = el("button", { type: "button", title, ...properties }, text);
  node.addEventListener("click", action);
  return node;
}

function modeTools(all) {
  const pairs = all.map((source) => [source.id, source.title]);
  const shown = chosenSources(all);
  const chips = all.filter(({ method }) => state.mode !== "lr" || competitors.includes(method)).map((source) => {
    const box = el("input", { type: "checkbox", name: `show ${source.id}`, checked: shown.includes(source) });
    box.addEventListener("change", () => togglePane(source.id));
    return el("label", { className: "chip" }, box, el("bdi", {}, source.title));
  });
  const tools = {
    side: () => chips,
    slider: () => [select("a", "Left", pairs), select("b", "Right", pairs), slide("cut", "Divider", 0, 100)],
    flicker: () => [select("a", "First", pairs), select("b", "Second", pairs), button("Swap", "Space", swap)],
    difference: () => [el("span", {}, "against"), select("b", "Reference", pairs), slide("gain", "Gain", 1, 16), ...chips],
    lr: () => [slide("gain", "Gain", 1, 16), ...chips],
  };
  const note = NOTES[state.mode] ? [el("span", { className: "soft" }, NOTES[state.mode])] : [];
  return all.length ? [...tools[state.mode](), ...note] : [];
}

function header(image) {
  const modes = Object.entries(MODES).filter(([mode]) => mode !== "lr" || !data.single);
  return el("header", {},
    el("h2", { id: "compare-title" }, el("bdi", {}, image.name)),
    el("span", { className: "group" }, button("‹", "Previous image [", () => step(-1)), button("›", "Next image ]", () => step(1))),
    select("f", "Factor", data.factors.map((factor) => [factor, `${factor}×`])), select("mode", "View", modes),
    el("span", { className: "group" }, button("−", "Zoom out -", () => zoom(0.5)), el("output", {}),
      button("+", "Zoom in +", () => zoom(2)), button("Fit", "Whole image 0", () => move({ z: 1, x: 0.5, y: 0.5 })),
      button("Crop", "Drag a crop for all C, or Shift and drag", toggleCrop, { ariaPressed: String(view.crops) })),
    button("Close", "Esc", () => dialog.close()));
}

function drawCompare() {
  const image = current();
  if (!image) return closeCompare();
  const focused = dialog.contains(document.activeElement) && document.activeElement.getAttribute("name");
  const all = sourcesOf(image);
  clearInterval(view.timer);
  view.layers = [];
  if (isPair() && all.length) [state.a, state.b] = chosenSources(all).map((source) => source.id);
  else if (all.length) state.b = referenceOf(all).id;
  const shown = all.length ? chosenSources(all) : [];
  const panes = isPair() ? [pane(shown, shown)] : shown.map((source) => pane([source], layersOf(source, all)));
  view.stage = el("div", { className: `stage ${state.mode}`, tabIndex: 0, role: "group", "aria-label": "Pictures" }, ...panes);
  const help = "Wheel, pinch or + − zoom · drag or arrows pan · C or Shift and drag crop · [ ] image · X factor · S L F D I view · 1–9 pictures · Esc closes";
  dialog.replaceChildren(header(image), el("div", { className: "tools" }, ...modeTools(all)), view.stage, el("footer", {}, help));
  listen(view.stage);
  if (!dialog.open) dialog.showModal();
  (focused ? dialog.querySelector(`[name="${CSS.escape(focused)}"]`) : view.stage)?.focus();
  if (state.mode === "flicker" && !matchMedia("(prefers-reduced-motion: reduce)").matches) view.timer = setInterval(swap, 700);
  arrange();
}

// Choose the number of columns that shows the panes largest.
function arrange() {
  if (!view.stage) return;
  const panes = [...view.stage.children];
  const image = view.layers[0]?.image;
  const ratio = image?.naturalWidth ? image.naturalWidth / image.naturalHeight : 1;
  const caption = Math.max(...panes.map((one) => one.lastElementChild.offsetHeight), 0) + 6;
  const [width, height, gap] = [view.stage.clientWidth - 16, view.stage.clientHeight - 16, 10];
  let best = { side: 0, columns: 1, rows: Infinity };
  for (let columns = 1; columns <= panes.length; columns += 1) {
    const rows = Math.ceil(panes.length / columns);
    const across = (width - gap * (columns - 1)) / columns;
    const down = ((height - gap * (rows - 1)) / rows - caption) * ratio;
    const side = Math.max(Math.min(across, down), Math.min(across, 170));
    if (side > best.side + 1 || (side > best.side - 1 && rows < best.rows)) best = { side, columns, rows };
  }
  view.stage.style.gridTemplateColumns = `repeat(${best.columns}, ${Math.floor(best.side)}px)`;
  for (const port of view.stage.querySelectorAll(".port")) port.style.aspectRatio = ratio;
  place();
}

function place() {
  const half = 0.5 / state.z;
  [state.x, state.y] = [clamp(state.x, half, 1 - half), clamp(state.y, half, 1 - half)];
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
    if (state.mode in NOTES) node.parentElement.style.filter = `brightness(${state.gain})`;
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

const swap = () => view.stage.classList.toggle("swapped");
const nextFactor = () => update({ f: data.factors[(data.factors.indexOf(state.f) + 1) % data.factors.length] });

function toggleCrop() {
  view.crops = !view.crops;
  drawCompare();
}

function step(by) {
  const order = arranged().map((row) => row.image);
  const next = order[order.indexOf(current()) + by];
  if (next) update({ view: next.name });
}

function togglePane(id) {
  const all = sourcesOf(current());
  const chosen = new Set(state.panes ? split(state.panes) : all.map((source) => source.id));
  if (!chosen.delete(id)) chosen.add(id);
  if (chosen.size) update({ panes: join([...chosen]) });
  else drawCompare();
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
  const kind = event.shiftKey || view.crops ? "crop" : onDivider ? "divide" : "pan";
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
    dialog.querySelector("[name=cut]").value = state.cut;
  } else if (kind === "crop") {
    const edges = { left: Math.min(px, qx), top: Math.min(py, qy), width: Math.abs(qx - px), height: Math.abs(qy - py) };
    for (const [edge, value] of Object.entries(edges)) box.style[edge] = `${100 * value}%`;
  } else {
    const [across, down] = [state.z * port.clientWidth, state.z * port.clientHeight];
    move({ x: state.x - (event.clientX - before.clientX) / across, y: state.y - (event.clientY - before.clientY) / down });
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
  const far = 0.15 / state.z;
  const actions = {
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => move({ z: 1, x: 0.5, y: 0.5 }),
    ArrowLeft: () => move({ x: state.x - far }), ArrowRight: () => move({ x: state.x + far }),
    ArrowUp: () => move({ y: state.y - far }), ArrowDown: () => move({ y: state.y + far }),
    "[": () => step(-1), "]": () => step(1), x: nextFactor, c: toggleCrop,
    s: () => update({ mode: "side" }), l: () => update({ mode: "slider" }), f: () => update({ mode: "flicker" }),
    d: () => update({ mode: "difference" }), i: () => data.single || update({ mode: "lr" }),
  };
  if (state.mode === "flicker" && event.target === view.stage) actions[" "] = swap;
  const source = /^[1-9]$/.test(event.key) && sourcesOf(current())[Number(event.key) - 1];
  if (source && !isPair()) actions[event.key] = () => togglePane(source.id);
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || event.target.closest("select, input[type=range]")) return;
  event.preventDefault();
  action();
}

function closeCompare() {
  clearInterval(view.timer);
  Object.assign(view, { stage: null, layers: [] });
  if (dialog.open) dialog.close();
}

function makeCompare() {
  onChange((changes) => {
    if (!["view", "c", "f", "panes", "mode", "a", "b", "all"].some((key) => key in changes)) return;
    if (state.view) drawCompare();
    else closeCompare();
  });
  dialog.addEventListener("change", ({ target }) => {
    if (target.matches("select")) update({ [target.name]: target.name === "f" ? Number(target.value) : target.value });
  });
  dialog.addEventListener("keydown", typed);
  dialog.addEventListener("close", () => state.view && update({ view: "", z: 1, x: 0.5, y: 0.5 }));
  addEventListener("resize", arrange);
}
