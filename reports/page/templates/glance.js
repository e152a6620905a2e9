// The first pictures of the page: LR, every method and HR side by side, a row an image, each opening the compare view.

function glanceColumns(rows) {
  const methods = competitors().map((method) => {
    const { label, title } = data.methods[method];
    return { id: label, title, head: [swatch(method), methodName(title)], of: ({ cell }) => cell.sr[method] };
  });
  const input = { id: "LR", title: "LR", head: ["LR"], isInput: true, of: ({ cell }) => cell.lr };
  const original = { id: "HR", title: "HR", head: ["HR"], of: ({ image }) => image.hr };
  return [input, ...methods, original].filter((column) => rows.some(column.of));
}

function glanceCell(row, { id, title, isInput, of }) {
  const address = of(row);
  if (!address) return el("td", {}, el("div", { className: "frame failed", title: "not restored" }, "–"));
  const shown = picture(address, `${row.image.name}, ${title}`, isInput);
  shown.loading = "eager";
  const frame = el("button", { type: "button", className: "frame", title: "Compare" }, shown);
  frame.addEventListener("click", () => openCompare(row.image, id));
  return el("td", {}, frame);
}

function showGlance() {
  const section = document.getElementById("glance");
  const [box, note] = section.children;
  const every = imagesOf(state.c).map((image, position) => ({ image, cell: cellsOf()[position] })).filter(({ cell }) => cell);
  const columns = glanceColumns(every);
  const rows = every.slice(0, columns.length > 8 ? 3 : 2);
  section.hidden = !rows.length || !columns.length;
  if (section.hidden) return;
  const heads = columns.map(({ head }) => el("th", { scope: "col" }, el("span", {}, ...head)));
  const lines = rows.map((row) => el("tr", {}, ...columns.map((column) => glanceCell(row, column))));
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...lines));
  table.style.setProperty("--n", columns.length);
  table.classList.toggle("crowded", columns.length > 8);
  box.replaceChildren(table);
  const all = el("a", { href: "#images" }, every.length === 1 ? "its values" : `all ${every.length} images`);
  const which = rows.length === 1 ? "The image" : `The first ${rows.length} of ${every.length} images`;
  note.replaceChildren(`${which} of ${data.categories[state.c].title} at ${state.f}×. Press one to compare at full size; `, all, " are below.");
}

function makeGlance() {
  onChange((changes) => ["c", "f", "kind"].some((key) => key in changes) && showGlance());
}
