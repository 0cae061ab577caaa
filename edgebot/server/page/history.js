// The last turns, each with its reasons.

import { get, live, remove } from "/api.js";
import { clock, h, tell } from "/dom.js";
import { why } from "/why.js";

export function history(view) {
  const rows = h("div", { class: "card rows" });
  view.append(h("header", {}, h("h1", {}, "History"), h("p", {}, "The last turns. Words are forgotten when the assistant stops."),
    h("button", { type: "button", onclick: async () => { if (confirm("Forget all turns?")) { await tell(() => remove("/api/turns")); draw(); } } }, "Forget")), rows);
  const heard = new AbortController();
  live.addEventListener("ended", draw, { signal: heard.signal });
  async function draw() {
    const found = await tell(() => get("/api/turns?last=100"));
    if (!found) return;
    const shown = found.turns.reverse().map((one) => h("div", {}, h("button", { class: "line", "aria-label": `Why was “${one.text ?? "this"}” answered so?`, onclick: () => why(one.turn) },
      h("span", { class: "soft small" }, clock(one.at)), h("span", { class: "grow" }, one.text ?? "(words not kept)"),
      h("span", { class: `pill ${one.route}` }, one.intent ? one.intent.replaceAll("_", " ") : one.route))));
    rows.replaceChildren(...(shown.length ? shown : [h("p", { class: "soft" }, "Nothing was asked yet.")]));
  }
  draw();
  return () => heard.abort();
}
