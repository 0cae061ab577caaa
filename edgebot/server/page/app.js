// Which view is shown, and whether somebody may see it.

import { call, get, live } from "/api.js";
import { h } from "/dom.js";
import { talk } from "/talk.js";
import { plans } from "/plans.js";
import { knowledge } from "/knowledge.js";
import { history } from "/history.js";
import { system } from "/system.js";
import { settings } from "/settings.js";

const VIEWS = { talk, plans, knowledge, history, system, settings };
const main = document.getElementById("main");
const shell = document.getElementById("shell");
const login = document.getElementById("login");
let leave = () => {};

function show() {
  const name = location.hash.slice(1) in VIEWS ? location.hash.slice(1) : "talk";
  leave();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const view = h("section", { class: `view ${name}` });
  main.replaceChildren(view);
  leave = VIEWS[name](view) || (() => {});
  document.title = name === "talk" ? "edgebot" : `edgebot · ${name}`;
}

let began = false;
function begin() {
  login.hidden = true;
  shell.hidden = false;
  if (!began) {
    began = true;
    live.connect();
    addEventListener("hashchange", () => { show(); main.focus(); });
  }
  show();
}

function ask() {
  shell.hidden = true;
  login.hidden = false;
  login.token.focus();
}

login.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = document.getElementById("login-problem");
  problem.textContent = "";
  try {
    await call("POST", "/api/login", { token: login.token.value.trim() });
    login.token.value = "";
    begin();
  } catch (error) {
    problem.textContent = error.message;
  }
});

addEventListener("edgebot:locked", ask);
live.addEventListener("link", ({ detail }) => {
  const link = document.getElementById("link");
  link.textContent = detail ? "Connected" : "Not connected; trying again";
  link.classList.toggle("lost", !detail);
});

const door = await get("/api/door").catch(() => ({ token_wanted: false }));
if (door.token_wanted) {
  const known = await fetch("/api/status", { credentials: "same-origin" });
  if (known.status === 401) ask();
  else begin();
} else begin();
