"use strict";
document.body.classList.add("sortable");
for (const table of document.querySelectorAll("table.findings")) {
  const body = table.tBodies[0];
  const value = (row, column, numeric) => {
    const cell = row.cells[column];
    return numeric ? parseFloat(cell.dataset.sort) : cell.textContent.trim();
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    const numeric = head.classList.contains("num");
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const direction = now ? (now === "ascending" ? "descending" : "ascending") : numeric ? "descending" : "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", direction);
      const sign = direction === "ascending" ? 1 : -1;
      const rows = [...body.rows].sort((a, b) => {
        const x = value(a, column, numeric), y = value(b, column, numeric);
        if (!numeric) return sign * x.localeCompare(y);
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return sign * (x - y);
      });
      body.append(...rows);
    });
  });
}
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
