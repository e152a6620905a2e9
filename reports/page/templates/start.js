bind(document.getElementById("choose"), ["c", "f"]);
makeTips();
makeColumns();
makeStatistics();
makeArrange();
makeCompare();
for (const table of document.querySelectorAll("table.board, table.paired")) {
  table.tHead.addEventListener("click", ({ target }) => target.closest("button") && sortBy(target.closest("th")));
  makeWalkable(table);
}
onChange((changes) => ["c", "f", "base"].some((key) => key in changes) && showSlices());
addEventListener("hashchange", () => location.hash.includes("=") && update({ ...defaults, ...readAddress() }));
update({ ...defaults, ...readAddress() });
