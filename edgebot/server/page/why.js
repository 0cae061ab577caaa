// Why an answer came out as it did: the rungs of the ladder, one by one.

import { get } from "/api.js";
import { h, tell } from "/dom.js";

const ROUTES = { command: "a skill", knowledge: "the documents", llm: "the language model", repair: "nobody: it was not understood" };
const dialog = document.getElementById("why");
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

export function why(turn) {
  return tell(async () => {
    const one = await get(`/api/turns/${encodeURIComponent(turn)}`);
    const slots = Array.isArray(one.slots) ? one.slots.join(", ") : Object.entries(one.slots || {}).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
    const facts = [["Asked", one.text ?? "(words are not kept)"], ["Answered by", ROUTES[one.route] ?? one.route], ["Intent", one.intent], ["Details", slots], ["Sources", one.sources.join(", ")], ["Went wrong", one.failure], ["Took", took(one.marks_ms)]];
    dialog.replaceChildren(
      h("div", { class: "row fixed" }, h("h1", { id: "why-title", class: "grow" }, "Why this answer?"), h("button", { class: "quiet", onclick: () => dialog.close(), "aria-label": "Close" }, "Close")),
      h("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      h("ol", { class: "rungs" }, one.rungs.map((rung, at) => step(rung, at === one.rungs.length - 1))));
    dialog.showModal();
  });
}

function step(rung, last) {
  const won = last && rung.score != null;
  const details = { ...rung.details, ...(rung.templates ? { templates: rung.templates } : {}) };
  const more = Object.entries(details).filter(([, value]) => value && (value.length ?? 1));
  return h("li", { class: won ? "won" : "" },
    h("strong", {}, rung.rung), h("span", { class: "reason soft small" }, rung.reason || (won ? "this one answered" : "")),
    h("span", { class: "small" }, rung.score == null ? "declined" : `${Math.round(rung.score * 100)} %`),
    more.length > 0 && h("details", {}, h("summary", { class: "small soft" }, "Details"), h("pre", {}, more.map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value, null, 1)}`).join("\n"))));
}

function took(marks) {
  const last = Math.max(...Object.values(marks), 0);
  return last ? `${Math.round(last)} ms` : "";
}
