// Printing shows every plot and the pictures of every category and factor, whatever is on the screen.

function fillForPrint() {
  const printed = document.getElementById("printed");
  if (printed.firstChild) return;
  document.querySelectorAll("#rows .row").forEach(fillRow);
  data.categories.forEach((category, c) => {
    for (const factor of data.factors) {
      if (c === state.c && factor === state.f) continue;
      const rows = imagesOf(c).map((image, position) => rowOf({ image, position, key: null }, factor));
      if (cellsOf(c, factor).length) printed.append(el("h3", {}, `${category.title} at ${factor}×`), ...rows);
      rows.forEach(fillRow);
    }
  });
  for (const image of document.images) image.loading = "eager";
}

const loaded = (image) => image.complete || new Promise((resolve) => {
  image.addEventListener("load", resolve);
  image.addEventListener("error", resolve);
});

function makePrint() {
  const button = document.getElementById("print");
  button.hidden = false;
  button.addEventListener("click", async () => {
    fillForPrint();
    await Promise.all([...document.images].map(loaded));
    print();
  });
  addEventListener("beforeprint", fillForPrint);
  addEventListener("afterprint", () => document.getElementById("printed").replaceChildren());
}
