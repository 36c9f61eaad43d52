// Which language the page speaks, and how it says times, numbers and devices in it.

import { now } from "./api.js";
import { el } from "./dom.js";
import { TEXTS } from "./texts.js";

const KEPT = "language";
let language = "en";
let form = {};

export const current = () => language;

/** The language chosen here before, else the browser's first one that the page knows. */
export function start() {
  const asked = [kept(), ...navigator.languages].map((tag) => (tag ?? "").slice(0, 2).toLowerCase());
  speak(asked.find((tag) => Object.hasOwn(TEXTS, tag)) ?? "en");
}

export function choose(chosen) {
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // Storage may be forbidden; the choice then holds until the page is left.
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

/** The text of this name, with `{value}`s filled in; numbers are written as the language does. */
export function t(name, values = {}) {
  const found = TEXTS[language][name];
  const text = typeof found === "object" ? (found[form.plural.select(values.n)] ?? found.other) : found;
  return text.replace(/\{(\w+)\}/g, (_, key) =>
    typeof values[key] === "number" ? form.number.format(values[key]) : String(values[key]),
  );
}

/** What another person chose, such as a user id, kept from turning the text around it. */
export const quoted = (text) => `\u2068${text}\u2069`;

/** A refusal in words; what the page has none for is said in the server's. */
export function words(problem) {
  const values = { n: Math.max(1, problem.retryAfter), detail: quoted(problem.detail) };
  const names = [`reason.${problem.reason}`, `problem.${problem.code}`];
  return t(names.find((name) => Object.hasOwn(TEXTS.en, name)) ?? "problem.other", values);
}

export const number = (n) => form.number.format(n);
export const percent = (part) => form.percent.format(part);

const SPANS = [86_400, 3600, 60, 1];

/** Seconds in the two largest units: `59 min 12 sec`. */
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

/** A moment in the past, told as its age and kept up to date by `tick`. */
export function since(time) {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return el("span", {}, "–");
  return el("time", { datetime: time, title: form.moment.format(at), "data-since": at }, ago(at));
}

/** A moment to come, told as the time left until then. */
export const until = (at) => el("span", { "data-until": at, class: "clock" }, left(at));

const left = (at) => (at <= now() ? t("over") : span((at - now()) / 1000));

/** Writes the times anew that have changed. */
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

// The first that fits counts: nearly every browser also names the ones it descends from.
const BROWSERS = [
  [/Edg(e|A|iOS)?\//, "Edge"], [/OPR\//, "Opera"], [/SamsungBrowser\//, "Samsung Internet"],
  [/Whale\//, "Whale"], [/KAKAOTALK/i, "KakaoTalk"], [/(Firefox|FxiOS)\//, "Firefox"],
  [/HeadlessChrome\//, "Chrome"], [/(Chrome|CriOS)\//, "Chrome"], [/Version\/.*Safari\//, "Safari"],
];
const SYSTEMS = [
  [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"], [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "Mac"], [/CrOS/, "ChromeOS"], [/Linux|X11/, "Linux"],
];

/** A `User-Agent` for people. */
export function device(agent) {
  const named = (list) => list.find(([pattern]) => pattern.test(agent ?? ""))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  if (browser && system) return t("browser_on", { browser, system });
  // Programs name themselves first: `curl/8.5.0`.
  const program = (agent ?? "").trim().split(/[\s/]/, 1)[0].slice(0, 40);
  return browser ?? (program || t("unknown_device"));
}
