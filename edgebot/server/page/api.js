// The way to the assistant: requests, and one WebSocket that comes back when it is lost.

export async function call(method, path, body, type) {
  const options = { method, headers: {}, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers["Content-Type"] = type || "application/json";
    options.body = type ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The assistant does not answer.");
  }
  if (response.status === 401 && path !== "/api/login") {
    dispatchEvent(new Event("edgebot:locked"));
  }
  const json = (response.headers.get("Content-Type") || "").includes("json");
  const answer = json ? await response.json() : null;
  if (!response.ok) {
    throw new Error(answer?.error?.message || `That failed (${response.status}).`);
  }
  return answer;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = (path) => call("DELETE", path);

function ownSession() {
  const known = sessionStorage.getItem("session");
  if (known) return known;
  const made = "page-" + Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem("session", made);
  return made;
}

export class Live extends EventTarget {
  constructor() {
    super();
    this.session = ownSession();
    this.state = "asleep";
    this.pause = 500;
    this.open = false;
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/api/events?session=${this.session}`);
    this.socket.binaryType = "blob";
    this.socket.onopen = () => { this.open = true; this.pause = 500; this.tell("link", true); };
    this.socket.onmessage = (message) => this.take(message.data);
    this.socket.onclose = () => this.lost();
  }

  take(data) {
    if (typeof data !== "string") return this.tell("sound", data);
    const event = JSON.parse(data);
    if (event.type === "hello" || event.type === "state") this.state = event.state;
    if (event.type === "hello") this.tell("state", event);
    this.tell(event.type, event);
  }

  lost() {
    if (this.open) this.tell("link", false);
    this.open = false;
    setTimeout(() => this.connect(), this.pause);
    this.pause = Math.min(8000, this.pause * 1.7);
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  send(message) {
    if (!this.open) throw new Error("The assistant does not answer. It is tried again.");
    this.socket.send(message instanceof ArrayBuffer ? message : JSON.stringify(message));
  }
}

export const live = new Live();
