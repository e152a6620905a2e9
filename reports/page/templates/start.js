bind(document.getElementById("choose"), ["c", "f", "kind"]);
makeTips();
makeColumns();
makeStatistics();
makeArrange();
makeGlance();
makePrint();
makeCompare();
for (const table of document.querySelectorAll("table.board, table.paired, table.agreement")) {
  table.tHead.addEventListener("click", ({ target }) => target.closest("button") && sortBy(target.closest("th")));
  makeWalkable(table);
}
onChange((changes) => "kind" in changes && showKind());
onChange((changes) => ["c", "f", "base"].some((key) => key in changes) && showSlices());
addEventListener("hashchange", () => location.hash.includes("=") && update({ ...defaults, ...readAddress() }));
update({ ...defaults, ...readAddress() });
