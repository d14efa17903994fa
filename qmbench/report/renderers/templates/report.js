"use strict";
const data = JSON.parse(document.getElementById("qmbench-data").textContent);
const root = document.documentElement;
const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

// The chart library is inside the page, compressed; a browser unpacks it once, when the first chart comes into view.
let library;
function chartLibrary() {
  library ??= (async () => {
    const packed = atob(document.getElementById("qmbench-charts").textContent.trim());
    const bytes = Uint8Array.from(packed, (c) => c.charCodeAt(0));
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(unpacked).text();
    document.head.append(script);
  })();
  return library;
}
async function draw(place) {
  const ink = isDark() ? "#ececec" : "#1b1b1b", line = isDark() ? "#424a54" : "#cfd4da";
  const config = { background: "transparent", view: { stroke: line }, title: { color: ink },
    axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line },
    legend: { labelColor: ink, titleColor: ink }, header: { labelColor: ink, titleColor: ink } };
  place.dataset.asked = "yes";
  try {
    await chartLibrary();
    await window.vegaEmbed(place, data.charts[place.dataset.chart], { actions: false, renderer: "svg", config, ast: true });
  } catch (error) {
    place.textContent = "This chart could not be drawn: " + error.message;
  }
  place.dataset.drawn = "yes";
}
const places = [...document.querySelectorAll("[data-chart]")];
const seen = new IntersectionObserver((found) => {
  for (const { isIntersecting, target } of found) if (isIntersecting && !target.dataset.asked) draw(target);
}, { rootMargin: "600px" });
const whenIdle = window.requestIdleCallback ?? ((f) => setTimeout(f, 200));
async function drawTheRest() {
  const place = places.find((p) => !p.dataset.asked);
  if (place) { await draw(place); whenIdle(drawTheRest); }
}
function drawCharts() {
  for (const place of places) { delete place.dataset.asked; delete place.dataset.drawn; seen.unobserve(place); seen.observe(place); }
  whenIdle(drawTheRest);
}
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const part of folded) part.open = true;
});
addEventListener("afterprint", () => { for (const part of folded) part.open = false; });

document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  drawCharts();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (!root.dataset.theme) drawCharts(); });

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
  const cell = button.closest("td, th"), table = button.closest("table"), line = cell.parentNode;
  const row = line.sectionRowIndex, column = cell.cellIndex - 1, id = table.dataset.heat;
  const found = column < 0 ? data.rows[id][row] : data.cells[id][row][column];
  const name = line.cells[0].textContent;
  const head = column < 0 ? name : name + ", " + table.tHead.rows[0].cells[column + 1].textContent;
  document.getElementById("detail-title").textContent = head;
  const list = document.getElementById("detail-list");
  list.replaceChildren();
  for (let i = 0; i < found.length; i += 2) {
    const term = data.words[found[i]], value = data.words[found[i + 1]];
    if (term === "settings") { for (const [k, v] of Object.entries(data.settings[value] ?? {})) add(list, k, v); } else add(list, term, value);
  }
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("button");
  if (!target) return;
  if (target.closest("th") && target.closest("table.sortable")) sortTable(target);
  else if (target.closest("table[data-heat]")) openCell(target);
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
