// Asking the gateway. The token is kept as long as this tab is open, and sent in a header, never in an address.

const KEPT = "token";
let token = read();
let refused = () => {};
/** Ends what was asked with a token that is not the one any more: its answers are for nobody. */
let asked = new AbortController();

function read() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** Whether somebody has signed in. */
export const isSignedIn = () => token !== null;

/** Signs in with `value`, or out with `null`. */
export function signIn(value) {
  token = value;
  asked.abort();
  asked = new AbortController();
  try {
    if (value === null) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, value);
  } catch {
    // A browser that keeps nothing: the token lives as long as the page.
  }
}

/** Has `listener` be called where the gateway wants a token, or another one. */
export function onRefused(listener) {
  refused = listener;
}

/** What the gateway refused, with what it says can be done about it. */
export class ApiError extends Error {
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }

  /** All of it. */
  get whole() {
    return this.hint ? `${this.message}\nhint: ${this.hint}` : this.message;
  }
}

/** The text of whatever was thrown. */
export const told = (error) => (error instanceof ApiError ? error.whole : String(error?.message ?? error));

/** `api("GET", "health")`; a body goes as JSON. */
export async function api(method, path, body, { signal } = {}) {
  const response = await send(method, path, { body, signal });
  const text = await response.text();
  let answer = null;
  try {
    answer = text === "" ? null : JSON.parse(text);
  } catch {
    if (response.ok) throw new ApiError(response.status, "the gateway's answer is not JSON");
  }
  if (!response.ok) throw refusal(response.status, answer);
  return answer;
}

/** How old what is large may become, in milliseconds. */
const OLD = 30_000;

/** Says when what is large is to be asked for again: when there are more tools or fewer, and else now and then. */
export function seldom(page) {
  let before = null;
  let when = 0;
  return {
    due() {
      const due = page.overview.toolCount !== before || performance.now() - when > OLD;
      if (due) [before, when] = [page.overview.toolCount, performance.now()];
      return due;
    },
    reset() {
      before = null;
    },
  };
}

/** The path of something whose name may hold anything. */
export const path = (...parts) => parts.map(encodeURIComponent).join("/");

async function send(method, where, { body, signal, headers = {} }) {
  const sent = { accept: "application/json", ...headers };
  if (token !== null) sent.authorization = `Bearer ${token}`;
  if (body !== undefined) sent["content-type"] = "application/json";
  const init = { method, headers: sent, signal: signal ? AbortSignal.any([signal, asked.signal]) : asked.signal, cache: "no-store", credentials: "omit", redirect: "error" };
  if (body !== undefined) init.body = JSON.stringify(body);
  let response;
  try {
    response = await fetch(new URL(`api/${where}`, document.baseURI), init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "the gateway does not answer");
  }
  if (response.status === 401) refused(token !== null);
  return response;
}

function refusal(status, answer) {
  const error = answer?.error;
  const message = typeof error === "string" ? error : error?.message ?? answer?.message ?? `the gateway answered with status ${status}`;
  return new ApiError(status, message, answer?.hint ?? error?.hint);
}

/**
 * Follows a stream of events, from the one after `from` until `signal`, and comes back to it where it breaks off. `EventSource` cannot send a
 * token, so the stream is read here (HTML standard, "Interpreting an event stream").
 */
export async function follow(where, { signal, from, event, state }) {
  let last = from;
  let wait = 500;
  while (!signal.aborted) {
    try {
      const headers = { accept: "text/event-stream" };
      if (last !== undefined) headers["last-event-id"] = last;
      const response = await send("GET", where, { signal, headers });
      if (!response.ok) {
        const error = new ApiError(response.status, `the gateway answered with status ${response.status}`);
        // Waiting does not give a right.
        if (response.status < 500 && response.status !== 429) return state("refused", error);
        throw error;
      }
      state("open");
      wait = 500;
      for await (const message of messages(response.body, signal)) {
        if (message.id !== null) last = message.id;
        if (message.data !== "") event(message);
      }
    } catch (error) {
      if (signal.aborted) return undefined;
    }
    if (signal.aborted) return undefined;
    state("waiting");
    await pause(wait, signal);
    wait = Math.min(wait * 2, 15_000);
  }
  return undefined;
}

async function* messages(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const stop = () => reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    let rest = "";
    let message = { id: null, type: "message", data: "" };
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value;
      // A lone carriage return at the end may be half of a line's end.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line !== "") {
          take(message, line);
          continue;
        }
        message.data = message.data.replace(/\n$/, "");
        yield message;
        message = { id: null, type: "message", data: "" };
      }
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

function take(message, line) {
  const colon = line.indexOf(":");
  if (colon === 0) return;
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "data") message.data += `${value}\n`;
  else if (name === "id" && !value.includes("\0")) message.id = value;
  else if (name === "event") message.type = value;
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
