// The picture grid: one row an image, filled only when it comes near the window.

const shownMetrics = () => data.metrics.map((_, index) => index).filter((i) => state.all || data.shown.includes(i));
const competitors = () => data.methods.map((_, index) => index).filter((index) => isOfKind(state.kind)(data.methods[index]));
const bound = data.methods.findIndex((method) => method.upper);

const filler = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) fillRow(target);
}, { rootMargin: "800px 0px" });

const valueOf = (cell, method, metric) => numeric(cell.values[method]?.[metric]);

function bestOf(cell, metric) {
  const values = competitors().map((method) => valueOf(cell, method, metric)).filter((value) => value !== null);
  if (values.length < 2) return null;
  return data.metrics[metric].lower ? Math.min(...values) : Math.max(...values);
}

function valueList(cell, method, metrics) {
  const present = metrics.filter((metric) => valueOf(cell, method, metric) !== null);
  const items = present.map((metric) => {
    const best = valueOf(cell, method, metric) === bestOf(cell, metric) && method !== bound;
    const text = print(cell.values[method][metric], data.metrics[metric]);
    return el("div", {}, el("dt", {}, data.metrics[metric].title), el("dd", {}, best ? el("b", {}, text) : text));
  });
  return el("dl", { className: "values" }, ...items);
}

function picture(address, alt, isInput) {
  const source = isInput ? address : thumbnail(address);
  return el("img", { src: source, alt, loading: "lazy", decoding: "async", className: isInput ? "pixels" : "" });
}

function card(name, address, { alt = "", isInput = false, reason = "", method = -1, cell = null, image }) {
  const title = method >= 0 ? data.methods[method].title : name;
  const label = methodName(title);
  const frame = address
    ? el("button", { type: "button", className: "frame", title: "Compare" }, picture(address, alt, isInput))
    : el("div", { className: "frame failed" }, el("span", {}, reason || (isInput ? "no LR image" : "not restored")));
  if (address) frame.addEventListener("click", () => openCompare(image, method >= 0 ? data.methods[method].label : name));
  const link = address && !data.single ? el("a", { href: address, title: "Open the full PNG" }, label) : el("span", {}, label);
  const caption = el("figcaption", {}, el("div", { className: "who" }, method >= 0 ? swatch(method) : "", link));
  const scored = isInput ? -1 : method >= 0 ? method : bound;
  if (scored >= 0 && cell) caption.append(valueList(cell, scored, shownMetrics()));
  return el("figure", {}, frame, caption);
}

function fillRow(row) {
  filler.unobserve(row);
  const image = data.images[Number(row.dataset.image)];
  const { factor } = row.dataset;
  const cell = cellsOf(image.category, factor)[Number(row.dataset.position)];
  const strip = row.querySelector(".strip");
  if (row.dataset.filled) return;
  row.dataset.filled = "yes";
  if (!cell) {
    row.classList.add("empty");
    strip.append(`There is no smaller image at ${factor}×; see what is missing.`);
    return;
  }
  const cards = [card("LR", cell.lr, { alt: `${image.name}, the ${factor}× smaller input`, isInput: true, image, cell })];
  image.references.forEach((address, index) => {
    const alt = `${image.name}, reference ${index + 1}, which some methods see beside the LR`;
    cards.push(card(image.references.length > 1 ? `Reference ${index + 1}` : "Reference", address, { alt, image }));
  });
  for (const method of competitors()) {
    const alt = `${image.name}, restored ${factor}× by ${data.methods[method].title}`;
    cards.push(card(data.methods[method].label, cell.sr[method], { alt, method, cell, image, reason: cell.reasons[method] }));
  }
  if (image.hr) cards.push(card("HR", image.hr, { alt: `${image.name}, the original`, image, cell }));
  strip.style.setProperty("--n", Math.max(4, cards.length));
  strip.append(...cards);
}

// Larger is better in what this returns, whatever the metric's direction; null where there is no value.
function merit(cell, metric, label) {
  const sign = data.metrics[metric].lower ? -1 : 1;
  const among = label ? [data.methods.findIndex((method) => method.label === label)] : competitors();
  const values = among.map((method) => valueOf(cell, method, metric)).filter((value) => value !== null);
  return values.length ? (sign * values.reduce((sum, value) => sum + value, 0)) / values.length : null;
}

function keyOfImage(cell, metric) {
  if (!cell || metric < 0) return null;
  const [own, other] = [merit(cell, metric, state.of), state.against ? merit(cell, metric, state.against) : 0];
  return own === null || other === null ? null : own - other;
}

function arranged() {
  const metric = data.metrics.findIndex((candidate) => candidate.name === state.sort);
  const rows = imagesOf(state.c)
    .map((image, position) => ({ image, position, key: keyOfImage(cellsOf()[position], metric) }))
    .filter(({ image }) => image.name.toLowerCase().includes(state.find.toLowerCase()));
  const sign = state.order === "best" ? -1 : 1;
  return rows.sort((a, b) => (a.key === null) - (b.key === null) || sign * (a.key - b.key) || a.position - b.position);
}

function howArranged(metric) {
  if (!metric) return "";
  const who = state.of || "all methods together";
  if (!state.against) return `, ${state.order} ${metric.title} of ${who} first`;
  const relation = state.order === "worst" ? "falls furthest behind" : "is furthest ahead of";
  return `, first where ${who} ${relation} ${state.against} by ${metric.title}`;
}

function heading({ image, key }, metric) {
  const by = key === null ? null : (metric.lower ? -key : key).toFixed(metric.digits);
  const sorted = by && el("span", { className: "tag" }, `${metric.title} ${state.against && by > 0 ? "+" : ""}${by}`);
  const flag = image.flag && el("span", { className: "tag" }, image.flag);
  return el("h3", {}, el("bdi", {}, image.name), sorted, flag);
}

function rowOf({ image, position, key }, factor, metric) {
  const node = el("article", { className: "row" }, heading({ image, key }, metric), el("div", { className: "strip" }));
  Object.assign(node.dataset, { image: data.images.indexOf(image), position, factor });
  return node;
}

function showRows() {
  const rows = arranged();
  const metric = data.metrics.find((candidate) => candidate.name === state.sort);
  filler.disconnect();
  const nodes = rows.map((row) => rowOf(row, state.f, metric));
  document.getElementById("rows").replaceChildren(...nodes);
  nodes.forEach((node) => filler.observe(node));
  const total = imagesOf(state.c).length;
  const where = total && `${data.categories[state.c].title} at ${state.f}×`;
  document.getElementById("arranged").textContent = total
    ? `${rows.length} of ${total} images of ${where}${howArranged(metric)}.`
    : "No image.";
}

function makeArrange() {
  const form = document.getElementById("arrange");
  const keys = ["sort", "of", "against", "order", "find", "all"];
  const options = (name, first, pairs) => {
    const nodes = pairs.map(([value, title]) => el("option", { value }, title));
    form.elements[name].append(el("option", { value: "" }, first), ...nodes);
  };
  const labels = competitors().map((method) => [data.methods[method].label, data.methods[method].label]);
  options("sort", "the list's order", data.metrics.map((metric) => [metric.name, metric.title]));
  options("of", "all methods", labels);
  options("against", "nothing", labels);
  bind(form, keys);
  onChange((changes) => [...keys, "c", "f", "kind"].some((key) => key in changes) && showRows());
}
