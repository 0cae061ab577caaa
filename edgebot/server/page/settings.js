// Settings, each with its meaning; what is wrong is said at the field before it is saved.

import { get, patch } from "/api.js";
import { h, tell, toast } from "/dom.js";

export function settings(view) {
  const changes = new Map();
  const groups = h("div", { class: "view" });
  const filter = h("input", { type: "search", placeholder: "Find a setting …", "aria-label": "Find a setting", oninput: narrow });
  const told = h("span", { class: "grow", role: "status" });
  const save = h("button", { class: "primary", onclick: store }, "Save");
  const bar = h("div", { class: "savebar card", hidden: true }, told, h("button", { onclick: draw }, "Discard"), save);
  view.append(h("header", {}, h("h1", {}, "Settings"), h("p", {}, "Checked before they are saved; some take the assistant a moment to start anew.")), filter, groups, bar);

  async function draw() {
    const found = await tell(() => get("/api/settings"));
    if (!found) return;
    changes.clear();
    mark();
    const sections = Map.groupBy ? Map.groupBy(found.settings, section) : group(found.settings);
    groups.replaceChildren(...[...sections].map(([name, rows]) => h("details", { class: "card", open: name === "general" }, h("summary", {}, name), rows.map(row))));
    narrow();
  }

  function row(one) {
    const id = `setting-${one.key}`;
    const problem = h("p", { class: "problem", role: "alert", id: `${id}-problem` });
    const shown = h("div", { class: "setting" }, h("div", { class: "about" },
      one.changeable ? h("label", { for: id }, one.key) : h("span", { class: "name" }, one.key),
      h("p", { class: "soft small" }, (one.fields.description || "").replaceAll("``", "")), one.origin !== "default" && h("span", { class: "pill" }, `from ${one.origin}`)));
    shown.dataset.words = `${one.key} ${one.fields.description}`.toLowerCase();
    if (!one.changeable) shown.append(h("span", { class: "fixed small" }, text(one.value) || "—"));
    else shown.append(field(one, id, (value) => changed(one, value, shown, problem)), problem);
    return shown;
  }

  async function changed(one, value, shown, problem) {
    problem.textContent = "";
    if (JSON.stringify(value) === JSON.stringify(one.value)) changes.delete(one.key);
    else changes.set(one.key, value);
    shown.classList.toggle("changed", changes.has(one.key));
    mark();
    if (!changes.has(one.key)) return;
    try {
      await patch("/api/settings", { changes: { [one.key]: value }, dry_run: true });
    } catch (error) {
      problem.textContent = error.message;
    }
  }

  function mark() {
    bar.hidden = !changes.size;
    told.textContent = changes.size === 1 ? "One change" : `${changes.size} changes`;
  }

  async function store() {
    save.disabled = true;
    const done = await tell(() => patch("/api/settings", { changes: Object.fromEntries(changes) }));
    save.disabled = false;
    if (!done) return;
    toast("Saved.");
    draw();
  }

  function narrow() {
    const words = filter.value.toLowerCase().trim();
    for (const section of groups.children) {
      let any = false;
      for (const one of section.querySelectorAll(".setting")) { one.hidden = !one.dataset.words.includes(words); any ||= !one.hidden; }
      section.hidden = !any;
      if (words) section.open = any;
    }
  }
  draw();
}

const section = (one) => (one.key.includes(".") ? one.key.split(".")[0] : "general");

function group(rows) {
  const found = new Map();
  for (const one of rows) found.set(section(one), [...(found.get(section(one)) || []), one]);
  return found;
}

function text(value) {
  return Array.isArray(value) ? value.join(", ") : value == null ? "" : String(value);
}

function field(one, id, changed) {
  const kinds = one.fields.anyOf ?? [one.fields];
  const kind = kinds.find((each) => each.type !== "null") ?? {};
  const maybe = kinds.some((each) => each.type === "null");
  const facts = { id, "aria-describedby": `${id}-problem` };
  if (kind.enum) {
    const box = h("select", { ...facts, onchange: () => changed(box.value === "" ? null : box.value) }, maybe && h("option", { value: "" }, "—"), kind.enum.map((value) => h("option", { value, selected: value === one.value }, value)));
    return box;
  }
  if (kind.type === "boolean") {
    const box = h("input", { ...facts, type: "checkbox", checked: Boolean(one.value), onchange: () => changed(box.checked) });
    return box;
  }
  if (kind.type === "number" || kind.type === "integer") {
    const box = h("input", { ...facts, type: "number", step: kind.type === "integer" ? "1" : "any", min: bound(kind.minimum ?? kind.exclusiveMinimum), max: bound(kind.maximum ?? kind.exclusiveMaximum), value: text(one.value), onchange: () => changed(box.value === "" ? null : Number(box.value)) });
    return box;
  }
  const list = kind.type === "array";
  const box = h("input", { ...facts, value: text(one.value), placeholder: list ? "one, two, three" : "", onchange: () => changed(box.value === "" && maybe ? null : list ? box.value.split(",").map((part) => part.trim()).filter(Boolean) : box.value) });
  return box;
}

const bound = (value) => (value == null ? null : String(value));
