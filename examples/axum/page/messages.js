// What the page tells: a status, an alarm, and that it waits for a store that is away.

import { Problem, loggedIn, stale } from "./api.js";
import { get } from "./dom.js";
import { t, words } from "./language.js";

let said = null;
let waitsFor = null;
const busy = new WeakSet();

/** Says what was done; read out without taking the focus. */
export function say(name, values) {
  said = { where: "said", text: () => t(name, values) };
  show();
}

/** Says what was refused. */
export function alarm(problem) {
  said = { where: "alarm", text: () => words(problem) };
  show();
}

export function quiet() {
  said = null;
  show();
}

/** The store is away for this reason, or, with null, has come back. */
export function waiting(problem) {
  waitsFor = problem;
  show();
}

/** Also after the language has changed. */
export function show() {
  const write = (id, text) => {
    // The same text written again would be read out again.
    if (get(id).textContent !== text) get(id).textContent = text;
  };
  for (const id of ["said", "alarm"]) write(id, said?.where === id ? said.text() : "");
  const seconds = Math.max(1, waitsFor?.retryAfter ?? 1);
  const known = ["store_unavailable", "unreachable"].includes(waitsFor?.code) ? waitsFor.code : "overloaded";
  write("waiting", waitsFor ? t(`waiting.${known}`, { n: seconds }) : "");
}

/** Does what nobody asked for: what was said before stays, and nothing is marked as busy. */
export async function inBackground(work) {
  try {
    await work();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (loggedIn() && !stale(problem)) alarm(problem);
  }
}

/**
 * Does what a control asks for, once at a time, and tells when it was refused. Answers whether it was done.
 *
 * The control is not disabled meanwhile: that would take the focus away from it.
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
    // Once the session is over the login view says why.
    if (loggedIn() && !stale(problem)) alarm(problem);
    return false;
  } finally {
    busy.delete(control);
    control.removeAttribute("aria-busy");
  }
}
