// What the compare view draws: any number of pictures of one image under one shared zoom and pan, or two on top of each
// other. Only here are full-size images loaded, and only those on show.

const MODES = { side: "Side by side", slider: "Slider", flicker: "Flicker", difference: "Difference", lr: "LR check" };
const NOTES = {
  difference: "What differs from the reference; black is the same.",
  lr: "Each SR downsampled again, against the LR it came from; black agrees with its input.",
};
const LR_ID = "=LR";
const HR_ID = "=HR";
const dialog = document.getElementById("compare");
const view = { layers: [], stage: null, timer: null, commit: null, pointers: new Map(), drag: null, crops: false };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const current = () => data.images.find((image) => image.category === state.c && image.name === state.view);
const isPair = () => state.mode === "slider" || state.mode === "flicker";

function sourcesOf(image) {
  const cell = cellsOf()[imagesOf(state.c).indexOf(image)];
  if (!cell) return [];
  const methods = competitors().map((method) => {
    const { label, title } = data.methods[method];
    return { id: label, title, address: cell.sr[method], method, cell };
  });
  const input = { id: LR_ID, title: `LR ${state.f}×`, address: cell.lr, method: -1, cell };
  const references = image.references.map((address, index) => {
    const title = image.references.length > 1 ? `Reference ${index + 1}` : "Reference";
    return { id: title, title, address, method: -1, cell };
  });
  const hr = { id: HR_ID, title: "HR", address: image.hr, method: bound, cell };
  return [input, ...references, ...methods, hr].filter((source) => source.address);
}

function openCompare(image, id) {
  const ids = sourcesOf(image).map((source) => source.id);
  const clicked = { LR: LR_ID, HR: HR_ID }[id] || id;
  const a = clicked === HR_ID ? ids[1] : clicked;
  update({ view: image.name, a, b: ids.includes(HR_ID) ? HR_ID : ids.find((other) => other !== a), z: 1, x: 0.5, y: 0.5 });
}

function selectedSources(all) {
  const find = (id, otherwise) => all.find((source) => source.id === id) || otherwise;
  if (isPair()) return [find(state.a, all[0]), find(state.b, all[all.length - 1])];
  const ids = state.panes ? split(state.panes) : all.map((source) => source.id);
  const selected = all.filter((source) => ids.includes(source.id));
  if (state.mode === "lr") return all[0]?.id === LR_ID ? selected.filter(({ method }) => competitors().includes(method)) : [];
  return state.mode === "difference" ? selected.filter((source) => source !== referenceOf(all)) : selected;
}

const referenceOf = (all) => all.find((source) => source.id === state.b) || all[all.length - 1];

// What lies in the pane of a source, from below.
function layersOf(source, all) {
  if (state.mode === "difference") return [source, referenceOf(all)];
  if (state.mode === "lr") return [{ ...source, address: redownsampled(source.address) }, all[0]];
  return [source];
}

function layer(source) {
  const image = el("img", { src: source.address, alt: `${state.view}, ${source.title}`, draggable: false });
  image.addEventListener("load", arrange);
  const node = el("div", { className: "layer" }, image);
  view.layers.push({ image, node, isInput: source.id === LR_ID || state.mode === "lr" });
  return node;
}

function pane(sources, layers) {
  const divider = state.mode === "slider" ? el("div", { className: "divider" }) : null;
  const names = sources.map((source) => el("div", {},
    el("div", { className: "who" }, source.method >= 0 ? swatch(source.method) : "", methodName(source.title)),
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
  const shown = selectedSources(all);
  const chips = all.filter(({ method }) => state.mode !== "lr" || competitors().includes(method)).map((source) => {
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
  if (isPair() && all.length) [state.a, state.b] = selectedSources(all).map((source) => source.id);
  else if (all.length) state.b = referenceOf(all).id;
  const shown = all.length ? selectedSources(all) : [];
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
