// Elements from words: everything a person or a document said goes in as text, never as markup.

export function h(name, facts = {}, ...children) {
  const element = document.createElement(name);
  fill(element, facts);
  element.append(...children.flat(9).filter((child) => child != null && child !== false));
  return element;
}

export function svg(name, facts = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(facts)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function fill(element, facts) {
  for (const [key, value] of Object.entries(facts)) {
    if (value == null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
}

export function toast(text) {
  const shown = h("div", { class: "toast", role: "alert" }, text);
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), 6000);
}

// Run what may fail and tell why it did.
export async function tell(work) {
  try {
    return await work();
  } catch (problem) {
    toast(problem.message || String(problem));
    return undefined;
  }
}

export function duration(seconds) {
  const left = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  if (left >= 86400) return `${Math.floor(left / 86400)} d ${Math.floor((left % 86400) / 3600)} h`;
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, at) => (at ? String(part).padStart(2, "0") : part)).join(":");
}

export function clock(iso) {
  const when = new Date(iso);
  const today = when.toDateString() === new Date().toDateString();
  const time = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return today ? time : `${when.toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" })}, ${time}`;
}
