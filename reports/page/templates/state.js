// What the reader selected, kept in the address after '#', so that a copied address shows the same view.

const data = JSON.parse(document.getElementById("data").textContent);
const defaults = {
  c: 0, f: data.factors[0], kind: "", base: data.baseline, detail: 0, hide: "",
  sort: "", of: "", against: "", order: "worst", find: "", all: false,
  view: "", panes: "", mode: "side", a: "", b: "", z: 1, x: 0.5, y: 0.5, cut: 50, gain: 1,
};
const state = { ...defaults };
const listeners = [];
const onChange = (listener) => listeners.push(listener);

function update(changes) {
  Object.assign(state, changes);
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (value !== defaults[key]) parameters.set(key, key === "c" ? data.categories[value].name : String(value));
  }
  const text = parameters.toString();
  if (text || location.hash.includes("=")) {
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }
  for (const listener of listeners) listener(changes);
}

// Take over what an address says; anything that names nothing here keeps its default.
function readAddress() {
  const values = {};
  if (!location.hash.includes("=")) return values;
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    if (!(key in defaults)) continue;
    const kind = typeof defaults[key];
    if (key === "c") values.c = Math.max(0, data.categories.findIndex((category) => category.name === value));
    else if (kind === "number") values[key] = Number.isFinite(Number(value)) ? Number(value) : defaults[key];
    else values[key] = kind === "boolean" ? value === "true" : value;
  }
  if (!data.factors.includes(values.f)) delete values.f;
  if (!data.methods.some(isOfKind(values.kind))) delete values.kind;
  if (!data.methods.some((method) => method.label === values.base && !method.upper)) delete values.base;
  return values;
}

const isOfKind = (kind) => ({ upper, approach }) => !upper && (!kind || approach === kind);

const split = (text) => text.split(",").filter(Boolean).map(decodeURIComponent);
const join = (names) => names.map(encodeURIComponent).join(",");

// Make an element. Properties are set as such, children are nodes or text: nothing is ever parsed as markup.
function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A method's name, which a narrow column breaks after a sign before it breaks a word. */
const methodName = (title) => {
  const parts = title.match(/[^]*?(?:[[,=]|[^.]\/|$)/g).filter(Boolean);
  return el("bdi", {}, ...parts.flatMap((part, place) => (place ? [el("wbr"), part] : [part])));
};

const swatch = (method) =>
  document.querySelector(`#swatches [data-method="${method}"]`)?.firstElementChild.cloneNode(true) ?? "";

// Split a picture's address into that of its run's folder and the rest.
function splitAddress(address) {
  const root = data.roots.filter((one) => address.startsWith(one)).sort((a, b) => b.length - a.length)[0];
  return [root, address.slice(root.length)];
}

function thumbnail(address) {
  if (data.single) return address;
  const [root, rest] = splitAddress(address);
  return `${root}thumbs/${rest.replace(/\.png$/, ".webp")}`;
}

function redownsampled(address) {
  const [root, rest] = splitAddress(address);
  return root + rest.replace(/^sr/, "redownsampled");
}

const cellsOf = (category = state.c, factor = state.f) => data.cells[`${category}/${factor}`] || [];
const imagesOf = (category) => data.images.filter((image) => image.category === category);
const numeric = (value) => (value === "∞" ? Infinity : value === "-∞" ? -Infinity : value ?? null);
const print = (value, metric) => (typeof value === "number" ? value.toFixed(metric.digits) : value ?? "–");
