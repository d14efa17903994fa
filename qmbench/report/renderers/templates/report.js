"use strict";
const details = (async () => {
  const bytes = Uint8Array.from(atob(document.getElementById("qmbench-data").textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
})();
details.catch(() => {});  // said where a cell is opened
const root = document.documentElement;
const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const part of folded) part.open = true;
});
addEventListener("afterprint", () => { for (const part of folded) part.open = false; });

document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
});

function numberOf(cell) {  // that at the start of a cell: "0.55 ± 0.1 (0.4–0.7)", "4/5", "1–3", "12%"; or nothing
  const text = cell.dataset.sort ?? cell.textContent.replace(/^−/, "-");
  const found = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/.exec(text);
  return found ? Number(found[0]) : "";
}
function sortTable(button) {
  const header = button.closest("th"), table = button.closest("table"), body = table.tBodies[0];
  const column = [...header.parentNode.children].indexOf(header);
  const up = header.getAttribute("aria-sort") !== "ascending";
  for (const other of header.parentNode.children) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const numeric = header.classList.contains("n");
  const key = (row) => numeric ? numberOf(row.children[column]) : row.children[column].textContent;
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
function turning(structure, atoms) {  // a view of a molecule that turns by itself, by dragging and by arrow keys
  const size = 280, canvas = document.createElement("canvas"), ctx = canvas.getContext("2d");
  canvas.width = canvas.height = 2 * size;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The same molecule, turned by dragging or by the arrow keys");
  const far = Math.max(...structure.places.map((p) => Math.hypot(...p))) + 1, scale = size / far;
  const ghosts = new Set(structure.ghosts);
  let axes = [[1, 0, 0], [0, 1, 0], [0, 0, 1]], spinning = !matchMedia("(prefers-reduced-motion: reduce)").matches, from = null;
  const turn = (about, by) => {  // the rows of the rotation, turned about the x (0) or y (1) axis of the picture
    const [a, b] = about ? [axes[2], axes[0]] : [axes[1], axes[2]], c = Math.cos(by), s = Math.sin(by);
    const first = a.map((x, i) => c * x - s * b[i]), second = a.map((x, i) => s * x + c * b[i]);
    axes = about ? [second, axes[1], first] : [axes[0], first, second];
  };
  const draw = () => {
    const seen = structure.places.map((p) => axes.map((r) => r[0] * p[0] + r[1] * p[1] + r[2] * p[2]));
    const at = (p) => [size + scale * p[0], size - scale * p[1]];
    ctx.fillStyle = "#fff"; ctx.fillRect(0, 0, 2 * size, 2 * size);
    const parts = structure.bonds.map(([i, j]) => [(seen[i][2] + seen[j][2]) / 2 - 0.2, () => {
      ctx.beginPath(); ctx.moveTo(...at(seen[i])); ctx.lineTo(...at(seen[j]));
      ctx.lineWidth = 0.18 * scale; ctx.strokeStyle = "#555"; ctx.stroke();
    }]);
    seen.forEach((p, i) => parts.push([p[2], () => {
      const [radius, colour] = atoms[structure.symbols[i]];
      ctx.beginPath(); ctx.arc(...at(p), 0.5 * scale * radius, 0, 7);
      ctx.fillStyle = ghosts.has(i) ? "transparent" : colour; ctx.fill();
      ctx.lineWidth = 2; ctx.strokeStyle = "#333"; ctx.setLineDash(ghosts.has(i) ? [6, 6] : []); ctx.stroke(); ctx.setLineDash([]);
    }]));
    parts.sort((a, b) => a[0] - b[0]).forEach((part) => part[1]());
  };
  const step = () => { if (!canvas.isConnected || !dialog.open) return; if (spinning) { turn(1, 0.01); draw(); } requestAnimationFrame(step); };
  canvas.addEventListener("pointerdown", (e) => { spinning = false; from = [e.clientX, e.clientY]; canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener("pointerup", () => { from = null; });
  canvas.addEventListener("pointermove", (e) => {
    if (!from) return;
    turn(1, (e.clientX - from[0]) / 80); turn(0, (e.clientY - from[1]) / 80); from = [e.clientX, e.clientY]; draw();
  });
  canvas.addEventListener("keydown", (e) => {
    const move = { ArrowLeft: [1, -0.15], ArrowRight: [1, 0.15], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[e.key];
    if (move) { spinning = false; turn(...move); draw(); e.preventDefault(); }
  });
  draw();
  requestAnimationFrame(step);
  return canvas;
}
function addPicture(place, id, data) {
  const image = document.getElementById(id), figure = document.createElement("figure"), caption = document.createElement("figcaption");
  if (!image) return;
  const copy = image.cloneNode();
  copy.removeAttribute("id");
  caption.textContent = image.alt;
  const structure = data.structures[id];
  figure.append(structure ? turning(structure, data.atoms) : copy, caption);
  place.append(figure);
}
async function openCell(button) {
  let data;
  try { data = await details; } catch (error) { alert("This browser can't unpack the details: it is older than 2023."); return; }
  const cell = button.closest("td, th"), table = button.closest("table"), line = cell.parentNode;
  const row = line.sectionRowIndex, column = cell.cellIndex - 1, id = table.dataset.heat;
  const found = column < 0 ? data.rows[id][row] : data.cells[id][row][column];
  const name = line.cells[0].textContent;
  const head = column < 0 ? name : name + ", " + table.tHead.rows[0].cells[column + 1].textContent;
  document.getElementById("detail-title").textContent = head;
  const list = document.getElementById("detail-list");
  const pictures = document.getElementById("detail-pictures");
  list.replaceChildren();
  pictures.replaceChildren();
  dialog.showModal();
  for (let i = 0; i < found.length; i += 2) {
    const term = data.words[found[i]], value = data.words[found[i + 1]];
    if (term === "pictures") for (const id of value.split(" ")) addPicture(pictures, id, data);
    else if (term === "settings") { for (const [k, v] of Object.entries(data.settings[value] ?? {})) add(list, k, v); } else add(list, term, value);
  }
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
