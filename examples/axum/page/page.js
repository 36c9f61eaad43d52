// Puts the page together: which view is shown, who is logged in, and what happens when that ends.

import { Problem, call, forget, listen, loggedIn, login, now } from "./api.js";
import * as all from "./all.js";
import { el, get } from "./dom.js";
import * as language from "./language.js";
import { act, alarm, inBackground, say, show as showMessages, waiting } from "./messages.js";
import * as mine from "./mine.js";
import * as stats from "./stats.js";

const VIEWS = { mine, all, stats };
const ADMINS = new Set(["admin", "super_admin"]);
const DEMO = [
  { id: "jeju", password: "password123" },
  { id: "user", password: "password123" },
  { id: "admin", password: "admin123" },
];
const { t } = language;

let shown = "login";
let wrong = null;
let lookAgain = Infinity;

const isAdmin = () => ADMINS.has(mine.whoIAm()?.role);

/** The view that the address names, if it is there for this user. */
function asked() {
  const name = location.hash.slice(1);
  return Object.hasOwn(VIEWS, name) && (name === "mine" || isAdmin()) ? name : "mine";
}

function frame() {
  const inside = shown !== "login";
  get("views").hidden = !inside;
  get("logout").hidden = !inside;
  for (const item of document.querySelectorAll("[data-admin]")) item.hidden = !isAdmin();
  for (const link of document.querySelectorAll("#views a")) {
    if (link.hash === `#${shown}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.id !== `view-${shown}`;
  }
  document.title = `${t(shown)} · tower-session-auth`;
}

/** Shows a view; its heading gets the focus, so that reading and tabbing start there. */
function show(name) {
  shown = name;
  frame();
  get(`${name}-title`).focus();
}

async function open(name) {
  show(name);
  return act(get(`view-${name}`), async () => {
    await VIEWS[name].load();
    frame();
    plan();
  });
}

/** Reads my sessions again without being asked to: nothing moves the focus. */
function look() {
  lookAgain = Infinity;
  inBackground(async () => {
    try {
      await mine.load();
      frame();
    } finally {
      // Also after a store that was away too long.
      if (loggedIn()) plan();
    }
  });
}

/** When to ask whether this session has ended: it may have been used elsewhere. */
function plan() {
  const end = mine.ownEnd();
  lookAgain = end === null ? Infinity : Math.max(end, now() + 5000) + 500;
}

/** Back to the login; nothing of the last user stays in the page. */
function leave() {
  forget();
  lookAgain = Infinity;
  for (const view of Object.values(VIEWS)) view.clear();
  if (get("ask").open) get("ask").close();
  get("password").value = "";
  refuse(null);
  history.replaceState(null, "", location.pathname);
  show("login");
}

function left(name, values) {
  leave();
  say(name, values);
}

/** What is wrong with the login form: where, and how to say it. */
function refuse(reason) {
  wrong = reason;
  get("login-wrong").textContent = reason ? reason.text() : "";
  for (const id of ["name", "password"]) {
    const here = reason?.fields.includes(id) ?? false;
    if (here) get(id).setAttribute("aria-invalid", "true");
    else get(id).removeAttribute("aria-invalid");
    if (here) get(id).setAttribute("aria-describedby", "login-wrong");
    else get(id).removeAttribute("aria-describedby");
  }
  if (reason) get(reason.fields.at(-1) ?? "login-go").focus();
}

async function enter() {
  const [name, password] = [get("name").value, get("password").value];
  const missing = (field) => refuse({ fields: [field], text: () => t(`${field}_missing`) });
  if (name === "") return missing("name");
  if (password === "") return missing("password");
  refuse(null);
  try {
    mine.known(await login(name, password));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    const fields = problem.code === "invalid_credentials" ? ["name", "password"] : [];
    return refuse({ fields, text: () => language.words(problem) });
  }
  get("password").value = "";
  const first = asked();
  history.replaceState(null, "", `#${first}`);
  if (await open(first)) say("logged_in");
}

function draw() {
  drawDemo();
  for (const view of Object.values(VIEWS)) view.draw();
  if (wrong) get("login-wrong").textContent = wrong.text();
  showMessages();
  frame();
}

function drawDemo() {
  const item = ({ id, password }) => {
    const fill = () => {
      get("name").value = id;
      get("password").value = password;
      get("login-go").focus();
    };
    const label = t("demo_use", { id, password });
    return el("li", {}, el("button", { type: "button", click: fill, "aria-label": label },
      el("strong", {}, id), " ", el("span", {}, password)));
  };
  get("demo").replaceChildren(...DEMO.map(item));
}

listen({
  ended(problem) {
    leave();
    alarm(problem);
  },
  waiting,
});
language.start();
for (const view of Object.values(VIEWS)) view.start(left);
draw();

get("login").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.currentTarget, enter);
});
get("logout").addEventListener("click", () => act(get("logout"), async () => {
  await call("POST", "/api/auth/logout");
  left("logged_out");
}));
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    language.choose(button.dataset.language);
    draw();
  });
}
addEventListener("hashchange", () => {
  // The skip link has a hash of its own.
  if (loggedIn() && Object.hasOwn(VIEWS, location.hash.slice(1))) open(asked());
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && loggedIn() && shown === "mine") look();
});
setInterval(() => {
  if (!loggedIn()) return;
  language.tick();
  if (now() >= lookAgain) look();
}, 1000);
