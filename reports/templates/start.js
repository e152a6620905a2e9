makeChooser();
makeTips();
makeColumns();
makeArrange();
makeCompare();
for (const table of document.querySelectorAll("table.board, table.duel")) {
  makeSortable(table);
  makeWalkable(table);
}
onChange((changes) => ("c" in changes || "f" in changes) && showSlices());
addEventListener("hashchange", () => location.hash.includes("=") && update({ ...defaults, ...readAddress() }));
update({ ...defaults, ...readAddress() });
