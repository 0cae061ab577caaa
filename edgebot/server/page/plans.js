// Timers, alarms, reminders and lists.

import { call, get, live, patch, post, remove } from "/api.js";
import { clock, duration, h, tell } from "/dom.js";

const KINDS = { timer: "Timer", alarm: "Alarm", reminder: "Reminder" };

export function plans(view) {
  const timers = h("div", { class: "grid" });
  const lists = h("div", { class: "grid" });
  view.append(
    h("header", {}, h("h1", {}, "Plans"), h("p", {}, "What was promised, and what is to be bought.")),
    newTimer(), timers, h("header", {}, h("h2", {}, "Lists")), newList(), lists);
  const heard = new AbortController();
  live.addEventListener("changed", ({ detail }) => (detail.what === "timers" ? drawTimers : drawLists)(), { signal: heard.signal });
  live.addEventListener("ended", () => { drawTimers(); drawLists(); }, { signal: heard.signal });

  async function drawTimers() {
    const found = await tell(() => get("/api/timers"));
    if (!found) return;
    const at = performance.now();
    timers.replaceChildren(...(found.timers.length ? found.timers.map((one) => card(one, at)) : [h("p", { class: "empty" }, "Nothing is set. Try “set a timer for ten minutes”.")]));
  }
  async function drawLists() {
    const found = await tell(() => get("/api/lists"));
    if (!found) return;
    lists.replaceChildren(...(found.lists.length ? found.lists.map((one) => list(one, drawLists)) : [h("p", { class: "empty" }, "No lists yet. Try “put milk on the shopping list”.")]));
  }
  const ticking = setInterval(() => {
    for (const shown of timers.querySelectorAll(".timer")) shown.tick?.();
  }, 1000);
  drawTimers();
  drawLists();
  return () => { heard.abort(); clearInterval(ticking); };
}

function card(one, at) {
  const left = h("div", { class: "left" });
  const bar = one.length_s ? h("progress", { max: one.length_s, "aria-label": "Time gone" }) : null;
  const name = one.label || KINDS[one.kind];
  const shown = h("article", { class: "card timer" },
    h("div", { class: "row" }, h("h2", { class: "grow" }, name), h("span", { class: "pill" }, one.state === "paused" ? "held" : KINDS[one.kind])),
    left, bar, h("p", { class: "soft small" }, one.due ? `at ${clock(one.due)}` : "held"),
    h("div", { class: "row" },
      one.kind === "timer" && h("button", { class: "small", onclick: () => tell(() => patch(`/api/timers/${one.id}`, { paused: one.state !== "paused" })) }, one.state === "paused" ? "Go on" : "Hold"),
      h("button", { class: "small", "aria-label": `Cancel ${name}`, onclick: () => tell(() => remove(`/api/timers/${one.id}`)) }, "Cancel")));
  shown.tick = () => {
    const gone = one.state === "paused" ? 0 : (performance.now() - at) / 1000;
    left.textContent = one.left_s - gone <= 0 ? "Due" : duration(one.left_s - gone);
    if (bar) bar.value = one.length_s - Math.max(0, one.left_s - gone);
  };
  shown.tick();
  return shown;
}

function newTimer() {
  const minutes = h("input", { id: "minutes", type: "number", min: "0.1", max: "1440", step: "any", value: "10", required: true });
  const label = h("input", { id: "timer-label", maxlength: "100", placeholder: "What for?" });
  return h("form", { class: "card row", onsubmit: (event) => {
    event.preventDefault();
    tell(() => post("/api/timers", { kind: "timer", seconds: Number(minutes.value) * 60, label: label.value }));
    label.value = "";
  } },
  h("label", { for: "minutes" }, "Minutes"), h("div", { class: "grow" }, minutes),
  h("label", { for: "timer-label" }, "Name"), h("div", { class: "grow" }, label),
  h("button", { class: "primary" }, "Start a timer"));
}

function newList() {
  const name = h("input", { id: "list-name", maxlength: "100", placeholder: "shopping", "aria-label": "Name of a new list", required: true });
  return h("form", { class: "row fixed", onsubmit: (event) => {
    event.preventDefault();
    tell(() => post("/api/lists", { name: name.value }));
    name.value = "";
  } }, h("div", { class: "grow" }, name), h("button", {}, "Start a list"));
}

function list(one, draw) {
  const path = `/api/lists/${encodeURIComponent(one.name)}`;
  const input = h("input", { maxlength: "200", placeholder: "Add …", "aria-label": `Add to ${one.name}`, required: true });
  return h("article", { class: "card" },
    h("div", { class: "row fixed" }, h("h2", { class: "grow" }, one.name), h("button", { class: "quiet small", "aria-label": `Delete the list ${one.name}`, onclick: () => { if (confirm(`Delete the list “${one.name}”?`)) tell(() => remove(path)); } }, "Delete")),
    h("ul", { class: "items" }, one.items.map((item) => h("li", { class: item.checked ? "done" : "" },
      h("label", {}, h("input", { type: "checkbox", checked: item.checked, onchange: (event) => tell(() => patch(`${path}/items`, { text: item.text, checked: event.target.checked })) }), h("span", {}, item.text)),
      h("button", { class: "quiet small", "aria-label": `Take ${item.text} off`, onclick: () => tell(() => call("DELETE", `${path}/items?text=${encodeURIComponent(item.text)}`)) }, "×")))),
    h("form", { class: "row fixed", onsubmit: (event) => { event.preventDefault(); tell(async () => { await post(`${path}/items`, { items: [input.value] }); draw(); }); } }, h("div", { class: "grow" }, input), h("button", {}, "Add")));
}
