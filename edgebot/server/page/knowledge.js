// What the assistant knows: documents are dropped in, and words are looked up in them.

import { call, get, remove } from "/api.js";
import { h, tell, toast } from "/dom.js";

const TYPES = { pdf: "application/pdf", md: "text/markdown", markdown: "text/markdown", html: "text/html", htm: "text/html", csv: "text/csv", tsv: "text/tab-separated-values", yaml: "application/yaml", yml: "application/yaml" };
const ENDINGS = ".md,.markdown,.txt,.text,.html,.htm,.csv,.tsv,.yaml,.yml,.pdf";

export function knowledge(view) {
  const documents = h("div", { class: "card rows" });
  const count = h("p", {});
  const results = h("div", { class: "rows" });
  const query = h("input", { type: "search", "aria-label": "Look something up", placeholder: "Look something up …", maxlength: "500" });
  view.append(
    h("header", {}, h("h1", {}, "Knowledge"), count), drop(draw),
    h("section", { class: "card" },
      h("form", { class: "row fixed", onsubmit: (event) => { event.preventDefault(); search(); } }, h("div", { class: "grow" }, query), h("button", {}, "Look up")), results),
    documents);

  async function draw() {
    const found = await tell(() => get("/api/documents"));
    if (!found) return;
    count.textContent = `${found.documents.length} documents, ${found.passages.toLocaleString()} passages`;
    const sorted = found.documents.sort((a, b) => Number(b.uploaded) - Number(a.uploaded) || a.title.localeCompare(b.title));
    documents.replaceChildren(...sorted.map((one) => h("div", {},
      h("div", { class: "grow" }, h("strong", {}, one.title), h("span", { class: "soft small" }, `${one.source} · ${one.passages} passages`)),
      one.uploaded && h("span", { class: "pill" }, "yours"),
      h("button", { class: "quiet small", "aria-label": `Remove ${one.title}`, onclick: () => take(one) }, "Remove"))));
  }
  async function take(one) {
    if (!confirm(`Remove “${one.title}” for good?`)) return;
    await tell(() => remove(`/api/documents/${one.id}`));
    draw();
  }
  async function search() {
    if (!query.value.trim()) return;
    const found = await tell(() => get(`/api/search?q=${encodeURIComponent(query.value)}`));
    if (!found) return;
    results.replaceChildren(...(found.results.length ? found.results : [{ title: "Nothing found", text: "", source: "", score: 0 }]).map((one) => h("div", {},
      h("div", { class: "grow" }, h("strong", {}, one.title), h("span", {}, one.text), h("span", { class: "soft small" }, one.source)),
      one.source && h("span", { class: "pill" }, `${Math.round(one.score * 100)} %`))));
  }
  draw();
}

function drop(done) {
  const pick = h("input", { type: "file", id: "pick", class: "visually-hidden", multiple: true, accept: ENDINGS, tabindex: "-1", "aria-hidden": "true", onchange: () => send(pick.files) });
  const told = h("p", { class: "soft small", role: "status" }, "Markdown, text, HTML, CSV, question-and-answer YAML, PDF");
  const box = h("div", { class: "drop" }, h("strong", {}, "Drop documents here"), told, h("button", { type: "button", onclick: () => pick.click() }, "Choose files"), pick);
  async function send(files) {
    for (const file of files) {
      told.textContent = `Reading ${file.name} …`;
      const ending = file.name.split(".").pop().toLowerCase();
      const made = await tell(async () => call("POST", `/api/documents?name=${encodeURIComponent(file.name)}`, await file.arrayBuffer(), TYPES[ending] || "text/plain"));
      told.textContent = made ? `“${made.title}” is known now: ${made.passages} passages.` : `${file.name} was not taken.`;
      if (made) toast(`“${made.title}” is known now.`);
    }
    pick.value = "";
    done();
  }
  for (const name of ["dragenter", "dragover"]) box.addEventListener(name, (event) => { event.preventDefault(); box.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) box.addEventListener(name, (event) => { event.preventDefault(); box.classList.remove("over"); });
  box.addEventListener("drop", (event) => send(event.dataTransfer.files));
  return box;
}
