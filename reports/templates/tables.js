// Leaderboards: the chosen slice, sorting, hidden columns, and what a number means on hover and on focus.

function showSlices() {
  for (const slice of document.querySelectorAll(".slice")) {
    const { category, factor } = slice.dataset;
    slice.hidden = Number(category) !== state.c || (factor !== undefined && Number(factor) !== state.f);
  }
}

function makeChooser() {
  const form = document.getElementById("choose");
  form.hidden = false;
  form.addEventListener("change", () => {
    const factor = form.elements.factor;
    update({ c: Number(form.elements.category.value), f: Number(factor.value) || state.f });
  });
  onChange(() => {
    form.elements.category.value = state.c;
    for (const radio of form.querySelectorAll("[name=factor]")) radio.checked = Number(radio.value) === state.f;
  });
}

function keyOf(row, column) {
  const cell = row.cells[column];
  return column === 0 ? cell.textContent.trim() : Number(cell.dataset.value);
}

// Numbers sort best first at the first press and turn round at the next; a missing one and a bound stay last.
function sortBy(header) {
  const table = header.closest("table");
  const column = header.cellIndex;
  const lower = header.dataset.better === "lower" || column === 0;
  const first = lower ? "ascending" : "descending";
  const other = lower ? "descending" : "ascending";
  const order = header.getAttribute("aria-sort") === first ? other : first;
  for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const last = (row) => row.classList.contains("bound") * 2 + Number.isNaN(keyOf(row, column));
  const rows = [...table.tBodies[0].rows].sort((one, two) => {
    const [a, b] = [keyOf(one, column), keyOf(two, column)];
    if (last(one) || last(two)) return last(one) - last(two);
    return sign * (column === 0 ? a.localeCompare(b) : a - b);
  });
  table.tBodies[0].append(...rows);
}

function makeSortable(table) {
  table.tHead.addEventListener("click", (event) => {
    const header = event.target.closest("th");
    if (header && event.target.closest("button")) sortBy(header);
  });
}

// One tab stop a table; the arrow keys move between its numbers.
function makeWalkable(table) {
  const first = table.querySelector("td[data-tip]");
  if (!first) return;
  first.tabIndex = 0;
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td[data-tip]");
    if (!cell || !(event.key in steps)) return;
    const [down, right] = steps[event.key];
    let next = cell;
    do {
      const row = table.tBodies[0].rows[next.parentElement.sectionRowIndex + down];
      next = row && row.cells[next.cellIndex + right];
    } while (next && next.hidden);
    if (!next || next.dataset.tip === undefined) return;
    event.preventDefault();
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

function makeTips() {
  const tip = document.getElementById("tip");
  const hide = () => {
    tip.hidden = true;
    document.querySelector("[aria-describedby=tip]")?.removeAttribute("aria-describedby");
  };
  const show = (event) => {
    const cell = event.target.closest?.("[data-tip]");
    hide();
    if (!cell) return;
    tip.textContent = cell.dataset.tip;
    tip.hidden = false;
    cell.setAttribute("aria-describedby", "tip");
    const box = cell.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left), document.documentElement.clientWidth - tip.offsetWidth - 8);
    const above = box.top - tip.offsetHeight - 6;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above > 0 ? above : box.bottom + 6}px`;
  };
  document.addEventListener("mouseover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", hide, { passive: true, capture: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

function makeColumns() {
  const box = document.getElementById("columns");
  if (!box) return;
  box.hidden = false;
  const names = new Set([...document.querySelectorAll(".board th[data-column]")].map((th) => th.dataset.column));
  for (const name of names) {
    const input = el("input", { type: "checkbox", checked: true });
    input.addEventListener("change", () => {
      for (const cell of document.querySelectorAll(".board [data-column]")) {
        if (cell.dataset.column === name) cell.hidden = !input.checked;
      }
    });
    box.append(el("label", { className: "check" }, input, ` ${name}`));
  }
}
