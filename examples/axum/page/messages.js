// The messages of the page: a status, an error, and that it waits for the server or the store.

import { Problem, loggedIn, stale } from "./api.js";
import { get } from "./dom.js";
import { t, words } from "./language.js";

let said = null;
let waitsFor = null;
const busy = new WeakSet();

/** Shows a status. Screen readers read it without a change of the focus. */
export function say(name, values) {
  said = { where: "said", text: () => t(name, values) };
  show();
}

/** Shows an error. If `name` is given, the error is the `{reason}` in that text. */
export function alarm(problem, name, values) {
  const text = () => (name ? t(name, { ...values, reason: words(problem) }) : words(problem));
  said = { where: "alarm", text };
  show();
}

export function quiet() {
  said = null;
  show();
}

/** Shows that the page waits because of this problem; null hides it. */
export function waiting(problem) {
  waitsFor = problem;
  show();
}

/** Writes the messages, also after a change of the language. */
export function show() {
  const write = (id, text) => {
    // Screen readers would read the same text again if it were written again.
    if (get(id).textContent !== text) get(id).textContent = text;
  };
  for (const id of ["said", "alarm"]) write(id, said?.where === id ? said.text() : "");
  const seconds = Math.max(1, waitsFor?.retryAfter ?? 1);
  const known = ["store_unavailable", "unreachable"].includes(waitsFor?.code) ? waitsFor.code : "overloaded";
  write("waiting", waitsFor ? t(`waiting.${known}`, { n: seconds }) : "");
}

/** Runs work that the user did not start: earlier messages stay, and no control is marked busy. */
export async function inBackground(work) {
  try {
    await work();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (loggedIn() && !stale(problem)) alarm(problem);
  }
}

/**
 * Runs the work of a control, one run at a time, and shows its error. Returns whether it succeeded.
 *
 * The control is not disabled meanwhile, because it would lose the focus.
 */
export async function act(control, work) {
  if (busy.has(control)) return false;
  busy.add(control);
  control.setAttribute("aria-busy", "true");
  quiet();
  try {
    await work();
    return true;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    // If the session is over, the login view shows why.
    if (loggedIn() && !stale(problem)) alarm(problem);
    return false;
  } finally {
    busy.delete(control);
    control.removeAttribute("aria-busy");
  }
}
