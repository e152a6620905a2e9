// Leaderboards: the selected slice, sorting, hidden columns, and what a number means on hover and on focus.

function showSlices() {
  for (const slice of document.querySelectorAll(".slice")) {
    const { category, factor, base } = slice.dataset;
    slice.hidden = Number(category ?? state.c) !== state.c || Number(factor ?? state.f) !== state.f;
    if (base !== undefined) slice.classList.toggle("other", base !== state.base);
  }
}

// Show the methods of one kind. What is best is said anew among those on show, by the printed digits.
function showKind() {
  document.body.classList.toggle("one-kind", Boolean(state.kind));
  for (const node of document.querySelectorAll("[data-approach]")) {
    node.classList.toggle("filtered", Boolean(state.kind) && node.dataset.approach !== state.kind);
  }
  for (const table of document.querySelectorAll("#leaderboard .board")) markBest(table);
}

function markBest(table) {
  const rows = [...table.tBodies[0].rows].filter((row) => row.matches("[data-approach]:not(.filtered)"));
  [...table.tHead.rows[0].cells].slice(2).forEach((head, index) => {
    const cells = rows.map((row) => row.cells[index + 2]);
    const values = cells.map((cell) => Number(cell.querySelector("span").textContent.replace("∞", "Infinity")));
    const sign = head.dataset.better === "lower" ? 1 : -1;
    const steps = [...new Set(values.filter((value) => !Number.isNaN(value)))].sort((a, b) => sign * (a - b));
    const several = values.filter((value) => !Number.isNaN(value)).length > 1;
    cells.forEach((cell, place) => {
      cell.classList.toggle("best", several && values[place] === steps[0]);
      cell.classList.toggle("second", several && values[place] === steps[1]);
    });
  });
}

function keyOf(row, column) {
  const cell = row.cells[column];
  return column === 0 ? cell.textContent.trim() : Number(cell.dataset.value);
}

// Numbers sort best first at the first press and turn round at the next; missing, quoted and bounds stay last.
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
  const last = (row) => row.matches(".bound, .quoted") * 2 + Number.isNaN(keyOf(row, column));
  const rows = [...table.tBodies[0].rows].sort((one, two) => {
    const [a, b] = [keyOf(one, column), keyOf(two, column)];
    if (last(one) || last(two)) return last(one) - last(two);
    return sign * (column === 0 ? a.localeCompare(b) : a - b);
  });
  table.tBodies[0].append(...rows);
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

// What each box or list of a form shows is what the state says; a change of it is a change of the state.
function bind(form, keys) {
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    const value = target.type === "checkbox" ? target.checked : target.value;
    update({ [target.name]: typeof defaults[target.name] === "number" ? Number(value) : value });
  });
  onChange(() => {
    for (const key of keys) {
      const control = form.elements[key];
      if (!control) continue;
      if (control.type === "checkbox") control.checked = state[key];
      else if (control.value !== String(state[key])) control.value = state[key];
    }
  });
}

function makeStatistics() {
  const form = document.getElementById("against");
  if (!form) return;
  bind(form, ["base", "detail"]);
  onChange((changes) => {
    if (!("detail" in changes)) return;
    for (const cell of document.querySelectorAll("[data-details]")) {
      cell.querySelector("small").textContent = cell.dataset.details.split("|")[state.detail];
    }
  });
}

function makeColumns() {
  const menu = document.getElementById("columns");
  if (!menu) return;
  menu.hidden = false;
  const heads = document.querySelectorAll("#leaderboard th[data-column]");
  const titles = new Map([...heads].map((th) => [th.dataset.column, th.dataset.title]));
  const boxes = [...titles.keys()].map((name) => el("input", { type: "checkbox", value: name }));
  const labels = boxes.map((box) => el("label", { className: "check" }, box, ` ${titles.get(box.value)}`));
  menu.lastElementChild.append(...labels);
  menu.addEventListener("change", () => update({ hide: join(boxes.filter((b) => !b.checked).map((b) => b.value)) }));
  onChange((changes) => {
    if (!("hide" in changes)) return;
    const hidden = split(state.hide);
    for (const box of boxes) box.checked = !hidden.includes(box.value);
    for (const cell of document.querySelectorAll("[data-column]")) cell.hidden = hidden.includes(cell.dataset.column);
  });
}
