// How the board is: figures, models, and where the time of a spoken turn goes.

import { get, live } from "/api.js";
import { duration, h, svg, tell } from "/dom.js";

const STAGES = { endpoint: "end noticed", final_text: "understood", parsed: "decided", first_token: "first word", first_sentence: "first sentence", first_audio: "first sound" };
const JOBS = { stt: "hears", tts: "speaks", vad: "notices speech", turn: "notices the end", llm: "thinks", embedder: "understands meaning", wake: "wake word", stt_second: "hears again", speaker: "knows voices" };

export function system(view) {
  const stats = h("div", { class: "stats" });
  const chart = h("div", {});
  const models = h("table", {});
  view.append(
    h("header", {}, h("h1", {}, "System"), h("p", { id: "machine" })), stats,
    h("section", { class: "card" }, h("div", { class: "row" }, h("h2", { class: "grow" }, "Response times"), h("span", {}, h("span", { class: "key" }, h("i", {}), "half are faster"), h("span", { class: "key" }, h("i", { class: "p95" }), "19 of 20 are faster"))), chart),
    h("section", { class: "card" }, h("h2", {}, "Models"), models));
  const heard = new AbortController();
  live.addEventListener("ended", draw, { signal: heard.signal });
  async function draw() {
    const [now, times] = await Promise.all([tell(() => get("/api/status")), tell(() => get("/api/latency?last=500"))]);
    if (!now || !times) return;
    view.querySelector("#machine").textContent = `${now.hardware} · profile ${now.profile}`;
    const figures = [["Memory", `${Math.round(now.memory_mb)} MB`], ["Up", duration(now.uptime_s)], ["Temperature", now.temperature_c == null ? "—" : `${Math.round(now.temperature_c)} °C`], ["Turns waiting", now.turns_inside], ["Version", now.version]];
    stats.replaceChildren(...figures.map(([name, value]) => h("div", { class: "card" }, h("div", { class: "figure" }, String(value)), h("div", { class: "soft small" }, name))));
    models.replaceChildren(
      h("thead", {}, h("tr", {}, ["Job", "Model", "Memory"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, now.models.map((one) => h("tr", {}, h("td", {}, JOBS[one.stage] ?? one.stage), h("td", {}, one.id ?? `none: ${one.reason}`), h("td", {}, one.id ? `${one.memory_mb} MB` : "")))));
    chart.replaceChildren(...latency(times));
  }
  draw();
  const again = setInterval(draw, 10000);
  return () => { heard.abort(); clearInterval(again); };
}

function latency(times) {
  const routes = Object.entries(times.summary);
  if (!routes.length) return [h("p", { class: "soft" }, "No spoken turns yet: times appear once somebody has talked to the microphone.")];
  return routes.map(([route, stages]) => bars(route, times.stages.filter((stage) => stages[stage]).map((stage) => [stage, stages[stage]])));
}

function bars(route, rows) {
  const most = Math.max(1, ...rows.map(([, one]) => one.p95));
  const [left, width, step] = [118, 430, 26];
  const height = rows.length * step + 8;
  const title = `${route}: ` + rows.map(([stage, one]) => `${STAGES[stage] ?? stage} ${Math.round(one.p50)} ms`).join(", ");
  const drawing = svg("svg", { class: "chart", viewBox: `0 0 760 ${height}`, role: "img", "aria-label": title });
  drawing.append(svg("line", { class: "axis", x1: left, x2: left, y1: 0, y2: height }));
  rows.forEach(([stage, one], at) => {
    const y = at * step + 5;
    const bar = (kind, value, inset) => svg("rect", { class: kind, x: left, y: y + inset, width: Math.max(2, (Math.max(0, value) / most) * width), height: 16 - 2 * inset, rx: 4 });
    const name = svg("text", { class: "name", x: left - 10, y: y + 12, "text-anchor": "end" });
    const figure = svg("text", { x: left + (Math.max(0, one.p95) / most) * width + 8, y: y + 12 });
    name.textContent = STAGES[stage] ?? stage;
    figure.textContent = `${Math.round(one.p50)} / ${Math.round(one.p95)} ms`;
    drawing.append(name, bar("p95", one.p95, 0), bar("p50", one.p50, 4), figure);
  });
  const count = rows.at(-1)?.[1].n ?? 0;
  return h("div", { class: "route" }, h("p", { class: "small" }, h("span", { class: `pill ${route}` }, route), ` ${count} ${count === 1 ? "turn" : "turns"}`), drawing);
}
