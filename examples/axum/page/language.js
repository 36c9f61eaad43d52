// The language of the page, and the format of times, numbers and devices in it.

import { now } from "./api.js";
import { el } from "./dom.js";
import { TEXTS } from "./texts.js";

const KEPT = "language";
let language = "en";
let form = {};

export const current = () => language;

/** Sets the language that was chosen before, else the browser's first one that the page has. */
export function start() {
  const asked = [kept(), ...navigator.languages].map((tag) => (tag ?? "").slice(0, 2).toLowerCase());
  speak(asked.find((tag) => Object.hasOwn(TEXTS, tag)) ?? "en");
}

export function choose(chosen) {
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // Storage may be forbidden. The choice then lasts until the page is closed.
  }
  speak(chosen);
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function speak(chosen) {
  language = chosen;
  const unit = (unit) => new Intl.NumberFormat(chosen, { style: "unit", unit, unitDisplay: "short" });
  form = {
    number: new Intl.NumberFormat(chosen),
    percent: new Intl.NumberFormat(chosen, { style: "percent" }),
    plural: new Intl.PluralRules(chosen),
    ago: new Intl.RelativeTimeFormat(chosen, { numeric: "auto" }),
    date: new Intl.DateTimeFormat(chosen, { dateStyle: "medium", timeStyle: "short" }),
    moment: new Intl.DateTimeFormat(chosen, { dateStyle: "medium", timeStyle: "medium" }),
    units: ["day", "hour", "minute", "second"].map((name) => unit(name)),
  };
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
  }
}

/** Returns the text of this name with its values inserted. Numbers get the language's format. */
export function t(name, values = {}) {
  const found = TEXTS[language][name];
  const text = typeof found === "object" ? (found[form.plural.select(values.n)] ?? found.other) : found;
  return text.replace(/\{(\w+)\}/g, (_, key) =>
    typeof values[key] === "number" ? form.number.format(values[key]) : String(values[key]),
  );
}

/** Isolates text of users, such as a user id: its direction must not affect the text around it. */
export const quoted = (text) => `\u2068${text}\u2069`;

/** Returns the text for a problem. For an unknown code it contains the server's text. */
export function words(problem) {
  const values = { n: Math.max(1, problem.retryAfter), detail: quoted(problem.detail) };
  const names = [`reason.${problem.reason}`, `problem.${problem.code}`];
  return t(names.find((name) => Object.hasOwn(TEXTS.en, name)) ?? "problem.other", values);
}

/** Returns the name of a role. A role that the page does not know keeps the server's name. */
export function role(name) {
  if (!name) return t("no_role");
  return Object.hasOwn(TEXTS.en, `role.${name}`) ? t(`role.${name}`) : name;
}

export const number = (n) => form.number.format(n);
export const percent = (part) => form.percent.format(part);

const SPANS = [86_400, 3600, 60, 1];

/** Formats seconds in the two largest units: `59 min 12 sec`. */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const first = Math.max(0, SPANS.findIndex((size) => whole >= size));
  if (whole === 0) return form.units[3].format(0);
  const parts = [form.units[first].format(Math.floor(whole / SPANS[first]))];
  const rest = Math.floor((whole % SPANS[first]) / (SPANS[first + 1] ?? 1));
  if (SPANS[first + 1] && rest > 0) parts.push(form.units[first + 1].format(rest));
  return parts.join(" ");
}

function ago(at) {
  const seconds = Math.max(0, Math.round((now() - at) / 1000));
  const first = SPANS.findIndex((size) => seconds >= size);
  if (seconds < 5) return form.ago.format(0, "second");
  return form.ago.format(-Math.floor(seconds / SPANS[first]), ["day", "hour", "minute", "second"][first]);
}

/** Shows a time in the past as its age, which `tick` updates. */
export function since(time) {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return el("span", {}, t("unknown"));
  return el("time", { datetime: time, title: form.moment.format(at), "data-since": at }, ago(at));
}

/** Shows a time as its date and the time of day. */
export function moment(time) {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return el("span", {}, t("unknown"));
  return el("time", { datetime: time, title: form.moment.format(at) }, form.date.format(at));
}

/** Shows a time in the future as the time that is left, which `tick` updates. */
export const until = (at) => el("span", { "data-until": at, class: "clock" }, left(at));

const left = (at) => (at <= now() ? t("expired") : span((at - now()) / 1000));

/** Updates the times whose text has changed. */
export function tick() {
  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  for (const element of document.querySelectorAll("[data-since]")) {
    write(element, ago(Number(element.dataset.since)));
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    write(element, left(Number(element.dataset.until)));
  }
}

// The first match is used: nearly every browser also names the browsers it is based on.
const BROWSERS = [
  [/Edg(e|A|iOS)?\//, "Edge"], [/OPR\//, "Opera"], [/SamsungBrowser\//, "Samsung Internet"],
  [/Whale\//, "Whale"], [/KAKAOTALK/i, "KakaoTalk"], [/(Firefox|FxiOS)\//, "Firefox"],
  [/HeadlessChrome\//, "Chrome"], [/(Chrome|CriOS)\//, "Chrome"], [/Version\/.*Safari\//, "Safari"],
];
const SYSTEMS = [
  [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"], [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "Mac"], [/CrOS/, "ChromeOS"], [/Linux|X11/, "Linux"],
];

/** Returns a readable name for a `User-Agent`. */
export function device(agent) {
  const named = (list) => list.find(([pattern]) => pattern.test(agent ?? ""))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  if (browser && system) return t("browser_on", { browser, system });
  // A program's name comes first: `curl/8.5.0`.
  const program = (agent ?? "").trim().split(/[\s/]/, 1)[0].slice(0, 40);
  return browser ?? (program || t("unknown_device"));
}
