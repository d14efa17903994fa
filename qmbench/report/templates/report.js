"use strict";
const data = JSON.parse(document.getElementById("qmbench-data").textContent);
const root = document.documentElement;
const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

function drawCharts() {
  const ink = isDark() ? "#ececec" : "#1b1b1b", line = isDark() ? "#424a54" : "#cfd4da";
  const config = { background: "transparent", view: { stroke: line }, title: { color: ink },
    axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line },
    legend: { labelColor: ink, titleColor: ink }, header: { labelColor: ink, titleColor: ink } };
  for (const place of document.querySelectorAll("[data-chart]")) {
    window.vegaEmbed(place, data.charts[place.dataset.chart], { actions: false, renderer: "svg", config, ast: true })
      .then(() => { place.dataset.drawn = "yes"; })
      .catch((error) => { place.textContent = "This chart could not be drawn: " + error.message; });
  }
}

document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  drawCharts();
});

function sortTable(button) {
  const header = button.closest("th"), table = button.closest("table"), body = table.tBodies[0];
  const column = [...header.parentNode.children].indexOf(header);
  const up = header.getAttribute("aria-sort") !== "ascending";
  for (const other of header.parentNode.children) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const key = (row) => row.children[column].dataset.sort ?? row.children[column].textContent;
  const numeric = header.classList.contains("n");
  const rows = [...body.rows].sort((a, b) => {
    const x = key(a), y = key(b);
    if (!numeric) return up ? x.localeCompare(y) : y.localeCompare(x);
    if (x === "" || y === "") return (x === "") - (y === "");  // what is unknown stays last
    return up ? x - y : y - x;
  });
  body.append(...rows);
}

function filterTable(input) {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...document.getElementById(input.getAttribute("aria-controls")).tBodies[0].rows];
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += !row.hidden;
  }
  document.getElementById(input.dataset.count).textContent = `${shown} of ${rows.length} rows`;
}

const dialog = document.getElementById("detail");
function add(list, term, value) {
  if (value === null || value === undefined || value === "") return;
  const dt = document.createElement("dt"), dd = document.createElement("dd");
  dt.textContent = term;
  if (typeof value === "string" && /^https:\/\/doi\.org\//.test(value)) {
    const link = document.createElement("a");
    link.href = value; link.textContent = value; dd.append(link);
  } else dd.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
  list.append(dt, dd);
}
function openCell(button) {
  const [table, row, column] = button.dataset.cell.split(",");
  const cell = data.cells[table][row][column];
  document.getElementById("detail-title").textContent = button.getAttribute("aria-label").split(":")[0];
  const list = document.getElementById("detail-list");
  list.replaceChildren();
  for (const [term, value] of Object.entries(cell)) {
    if (term === "settings") { for (const [k, v] of Object.entries(data.settings[value] ?? {})) add(list, k, v); } else add(list, term, value);
  }
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("button");
  if (!target) return;
  if (target.closest("th") && target.closest("table.sortable")) sortTable(target);
  else if (target.dataset.cell) openCell(target);
  else if (target.dataset.copy) {
    const text = document.getElementById(target.dataset.copy).textContent;
    const done = () => { target.textContent = "Copied"; };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => select(target.dataset.copy));
    else select(target.dataset.copy);
  }
});
function select(id) {
  const range = document.createRange();
  range.selectNodeContents(document.getElementById(id));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}
document.addEventListener("input", (event) => { if (event.target.matches("input[data-count]")) filterTable(event.target); });
document.getElementById("detail-close").addEventListener("click", () => dialog.close());
drawCharts();
