// Talking: what the assistant does now, what was said, and two ways to say more.

import { get, live, patch } from "/api.js";
import { h, svg, tell, toast } from "/dom.js";
import { Microphone } from "/microphone.js";
import { why } from "/why.js";

const WORDS = { asleep: "Asleep", listening: "Listening", thinking: "Thinking", speaking: "Speaking" };
const HINTS = {
  asleep: "Say the wake word, hold the microphone button, or type.",
  listening: "I hear you.", thinking: "One moment.", speaking: "Break in whenever you like.",
};
const IDEAS = ["What time is it?", "Set a timer for ten minutes", "Why is the sky blue?", "What can you do?"];

const said = []; // the conversation so far; the views come and go

export function talk(view) {
  const orb = h("div", { class: "orb", role: "img", "aria-hidden": "true" });
  const title = h("h1", { "aria-live": "polite" });
  const hint = h("p", { class: "soft" });
  const log = h("div", { class: "log", role: "log", "aria-label": "Conversation", tabindex: "0" });
  const input = h("input", { id: "words", name: "text", autocomplete: "off", placeholder: "Ask something …", "aria-label": "Ask something", maxlength: "2000" });
  const mic = micButton(orb);
  const form = h("form", { class: "ask", onsubmit: (event) => { event.preventDefault(); ask(input.value); input.value = ""; } },
    input, mic, h("button", { class: "primary", type: "submit" }, "Send"));
  view.append(
    h("header", { class: "presence" }, orb, h("div", { class: "words" }, title, hint), controls()), log, form);

  const heard = new AbortController();
  const on = (name, work) => live.addEventListener(name, ({ detail }) => work(detail), { signal: heard.signal });
  const state = () => {
    orb.dataset.state = live.state;
    title.textContent = WORDS[live.state];
    hint.textContent = live.state === "asleep" && live.deaf ? "Hold the microphone button, or type." : HINTS[live.state];
  };
  const draw = () => {
    log.replaceChildren(...(said.length ? said.map(bubble) : [welcome()]));
    log.scrollTop = log.scrollHeight;
  };
  on("state", state);
  on("level", ({ db }) => orb.style.setProperty("--level", Math.max(0, Math.min(1, (db + 55) / 45))));
  on("said", draw);
  on("hello", () => live.send({ type: "levels", on: true }));
  if (live.open) live.send({ type: "levels", on: true });
  state();
  draw();
  input.focus({ preventScroll: true });
  return () => { heard.abort(); if (live.open) live.send({ type: "levels", on: false }); };
}

function welcome() {
  return h("div", { class: "empty" }, h("p", {}, "Everything you say stays on this board."),
    h("div", {}, IDEAS.map((idea) => h("button", { type: "button", class: "small", onclick: () => ask(idea) }, idea))));
}

function ask(text) {
  if (!text.trim()) return;
  tell(async () => live.send({ type: "ask", text }));
}

function bubble(one) {
  if (one.kind === "note") return h("p", { class: "note" }, one.text);
  const mine = one.kind === "us";
  return h("div", { class: `bubble ${one.kind}${one.partial ? " partial" : ""}` },
    h("span", { class: "visually-hidden" }, mine ? "edgebot: " : "You: "), one.text || "…",
    mine && one.done && h("footer", {},
      h("button", { type: "button", class: "quiet small", onclick: () => why(one.turn) }, "Why this answer?"),
      one.ms && h("span", { class: "soft small" }, `${one.ms} ms`)));
}

function micButton(orb) {
  const microphone = new Microphone((level) => orb.style.setProperty("--level", level));
  const button = h("button", { type: "button", class: "mic", "aria-pressed": "false", "aria-label": "Hold to talk", title: "Hold to talk" },
    svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" },
      svg("rect", { x: 9, y: 3, width: 6, height: 11, rx: 3 }), svg("path", { d: "M5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3" })));
  const set = (on) => { button.setAttribute("aria-pressed", on); button.classList.toggle("live", on && Boolean(microphone.recording?.node)); };
  const start = () => { set(true); tell(() => microphone.start()).then(() => set(Boolean(microphone.recording))); };
  const stop = () => { set(false); microphone.stop(); };
  button.addEventListener("pointerdown", (event) => { event.preventDefault(); button.setPointerCapture(event.pointerId); start(); });
  for (const name of ["pointerup", "pointercancel"]) button.addEventListener(name, stop);
  // With the keyboard: press to begin, press again to end.
  button.addEventListener("click", (event) => { if (event.detail === 0) (microphone.recording ? stop : start)(); });
  return button;
}

function controls() {
  const box = h("div", { class: "controls" });
  const change = (wanted) => tell(async () => draw(await patch("/api/sound", wanted)));
  const draw = (sound) => {
    live.deaf = !sound.microphone;
    live.tell("state");
    const pressed = (on, text, wanted, label) => h("button", { type: "button", "aria-pressed": String(on), "aria-label": label, onclick: () => change(wanted) }, text);
    box.replaceChildren(
      sound.microphone && pressed(sound.microphone_muted, sound.microphone_muted ? "Microphone off" : "Microphone on", { microphone_muted: !sound.microphone_muted }, "Mute the microphone"),
      pressed(sound.speaker_muted, sound.speaker_muted ? "Sound off" : "Sound on", { speaker_muted: !sound.speaker_muted }, "Mute the loudspeaker"),
      sound.microphone && h("button", { type: "button", onclick: () => tell(async () => live.send({ type: "stop" })) }, "Stop"),
      h("label", {}, "Volume", h("input", { type: "range", min: "0", max: "100", step: "5", value: String(sound.volume), onchange: (event) => change({ volume: Number(event.target.value) }) })));
    for (const child of [...box.childNodes]) if (child.nodeType === Node.TEXT_NODE) child.remove();
  };
  tell(async () => draw(await get("/api/sound")));
  live.addEventListener("muted", () => { if (box.isConnected) tell(async () => draw(await get("/api/sound"))); });
  return box;
}

// --- what is said, kept while the page is open

const find = (turn, kind) => said.find((one) => one.turn === turn && one.kind === kind);
const redraw = () => live.tell("said");

function add(one) {
  const last = said.findIndex((other) => other.partial);
  if (last >= 0) said.splice(last, 1);
  said.push(one);
  if (said.length > 200) said.shift();
  redraw();
}

live.addEventListener("partial", ({ detail }) => add({ kind: "them", text: detail.text, partial: true }));
live.addEventListener("final", ({ detail }) => add({ kind: "them", turn: detail.turn, text: detail.text || "(nothing understood)" }));
live.addEventListener("sentence", ({ detail }) => {
  if (detail.session === "ring" || detail.session === "notice") return add({ kind: "note", text: detail.text });
  const known = find(detail.turn, "us");
  if (known) { known.text += " " + detail.text; redraw(); } else add({ kind: "us", turn: detail.turn, text: detail.text });
});
live.addEventListener("ended", ({ detail }) => {
  const known = find(detail.turn, "us");
  if (known) Object.assign(known, { done: true, ms: Math.round(detail.ms.first_audio ?? detail.ms.first_sentence ?? 0) });
  redraw();
});
live.addEventListener("trouble", ({ detail }) => add({ kind: "note", text: detail.reason ? `The ${detail.device} does not work.` : `The ${detail.device} works again.` }));
live.addEventListener("error", ({ detail }) => toast(detail.error.message));
live.addEventListener("sound", ({ detail }) => {
  const url = URL.createObjectURL(new Blob([detail], { type: "audio/wav" }));
  const audio = new Audio(url);
  audio.onended = () => URL.revokeObjectURL(url);
  audio.play().catch(() => {});
});
