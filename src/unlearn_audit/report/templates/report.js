"use strict";
const folded = (text) => text.normalize("NFKD").toLowerCase();

for (const table of document.querySelectorAll("table.findings")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  if (body.rows.length < 2) continue;
  const value = (row, column, numeric) => {
    const cell = row.cells[column];
    return numeric ? parseFloat(cell.dataset.sort) : cell.textContent.trim();
  };
  const sortBy = (column, direction) => {
    const numeric = heads[column].classList.contains("num");
    for (const other of heads) other.removeAttribute("aria-sort");
    heads[column].setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...body.rows].sort((a, b) => {
      const x = value(a, column, numeric), y = value(b, column, numeric);
      if (!numeric) return sign * x.localeCompare(y);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return sign * (x - y);
    });
    body.append(...rows);
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const first = head.classList.contains("num") ? "descending" : "ascending";
      sortBy(column, now === null ? first : now === "ascending" ? "descending" : "ascending");
    });
  });
  if (!table.hasAttribute("data-long")) continue;
  const tools = document.createElement("div");
  tools.className = "tools";
  const search = Object.assign(document.createElement("input"), { type: "search", placeholder: "Search rows" });
  search.setAttribute("aria-label", "Search rows");
  const order = document.createElement("select");
  order.setAttribute("aria-label", "Sort by");
  order.add(new Option("Sort by", ""));
  heads.forEach((head, column) => order.add(new Option(head.textContent, column)));
  const count = document.createElement("output");
  const filter = () => {
    const wanted = folded(search.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = folded(row.textContent);
      row.hidden = !wanted.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${body.rows.length} rows`;
  };
  search.addEventListener("input", filter);
  order.addEventListener("change", () => {
    if (order.value === "") return;
    sortBy(+order.value, heads[+order.value].classList.contains("num") ? "descending" : "ascending");
  });
  filter();
  tools.append(search, order, count);
  table.parentElement.before(tools);
}

for (const svg of document.querySelectorAll("svg[data-points]")) {
  const curves = JSON.parse(svg.dataset.points);
  const make = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const dots = curves.map((curve) => {
    const dot = svg.appendChild(make("circle"));
    dot.setAttribute("r", 4);
    dot.setAttribute("class", `dot ${curve.kind}`);
    dot.style.visibility = "hidden";
    return dot;
  });
  const reading = document.createElement("p");
  reading.className = "reading";
  reading.setAttribute("role", "status");
  const hint = "Point at the curve, or focus it and use the arrow keys, to read off values.";
  reading.textContent = hint;
  svg.after(reading);
  svg.setAttribute("tabindex", "0");
  let at = curves[0].at.length >> 1;
  const show = (x) => {
    const texts = curves.map((curve, i) => {
      const near = curve.at.reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best));
      dots[i].setAttribute("cx", near[0]);
      dots[i].setAttribute("cy", near[1]);
      dots[i].style.visibility = "visible";
      return `${curve.name}: ${near[3]} found at ${near[2]} wrongly flagged`;
    });
    reading.textContent = texts.join("; ");
  };
  const hide = () => {
    for (const dot of dots) dot.style.visibility = "hidden";
    reading.textContent = hint;
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    show(((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width);
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("focus", () => show(curves[0].at[at][0]));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.min(Math.max(at + step, 0), curves[0].at.length - 1);
    show(curves[0].at[at][0]);
  });
}

/* what a link leads to is opened first */
const open = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const around = target && (target.closest("details") || target.parentElement.querySelector(":scope > details"));
  if (around) around.open = true;
};
addEventListener("hashchange", open);
open();
