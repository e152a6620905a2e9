// How the compare view is moved, by pointer, wheel, touch and key, and when it opens and closes.

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
  const ids = new Set(state.panes ? split(state.panes) : all.map((source) => source.id));
  if (!ids.delete(id)) ids.add(id);
  if (ids.size) update({ panes: join([...ids]) });
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
    if (!["view", "c", "f", "kind", "panes", "mode", "a", "b", "all"].some((key) => key in changes)) return;
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
