// The main module: the view that is shown, the login, and the end of the login.

import { Problem, listen, loggedIn, login, logout, now, restore, stale, whoAmI } from "./api.js";
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

/** The view that is shown; null until it is known whether the browser is still logged in. */
let shown = null;
let wrong = null;
let lookAgain = Infinity;

const isAdmin = () => ADMINS.has(mine.whoIAm()?.role);

/** Returns the view in the address if this user may see it, otherwise "mine". */
function asked() {
  const name = location.hash.slice(1);
  return Object.hasOwn(VIEWS, name) && (name === "mine" || isAdmin()) ? name : "mine";
}

function frame() {
  const inside = Object.hasOwn(VIEWS, shown);
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
  document.title = shown === null ? "tower-session-auth" : `${t(shown)} · tower-session-auth`;
}

/** Shows a view. Its heading gets the focus, so that reading and tabbing start there. */
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

/** Loads the user's sessions again in the background, without a change of the focus. */
function look() {
  lookAgain = Infinity;
  inBackground(async () => {
    try {
      await mine.load();
      frame();
    } finally {
      // Also after a failure, for example of the store.
      if (loggedIn()) plan();
    }
  });
}

/** Plans the next check of whether this session has expired: use elsewhere may have extended it. */
function plan() {
  const end = mine.ownEnd();
  lookAgain = end === null ? Infinity : Math.max(end, now() + 5000) + 500;
}

/** Shows the login, and removes everything about the last user from the page. */
function leave() {
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

/** Shows an error in the login form, at its fields; null removes it. */
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
  await arrive("logged_in");
}

/** Shows the view in the address after a login. */
async function arrive(words) {
  const first = asked();
  history.replaceState(null, "", `#${first}`);
  if ((await open(first)) && words !== null) say(words);
}

/** Does the same for a login of the browser or of another tab: it must ask for the user first. */
async function comeBack(words) {
  try {
    mine.known(await whoAmI());
    await arrive(words);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (loggedIn() && !stale(problem)) {
      // The user is still logged in, but the server did not say as which user.
      show("mine");
      alarm(problem);
    }
  }
}

/** Handles changes of the login that this page did not start. */
function changed({ cause, elsewhere, error }) {
  if (cause === "ended" || cause === "replaced") {
    leave();
    alarm(error ?? new Problem({ code: cause }));
  } else if (cause === "logout" && elsewhere) left("logged_out_elsewhere");
  else if (cause === "logout_all" && elsewhere) left("logged_out_all_elsewhere");
  else if (cause === "login" && elsewhere) comeBack("logged_in_elsewhere");
}

/** Takes over the browser's login when the page is loaded. */
async function begin() {
  try {
    if (await restore()) return await comeBack(null);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (!stale(problem)) alarm(problem);
  }
  if (shown === null) {
    shown = "login";
    frame();
  }
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

listen({ changed, waiting });
language.start();
for (const view of Object.values(VIEWS)) view.start(left);
draw();

get("login").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.currentTarget, enter);
});
get("logout").addEventListener("click", () => act(get("logout"), async () => {
  await logout();
  left("logged_out");
}));
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    language.choose(button.dataset.language);
    draw();
  });
}
addEventListener("hashchange", () => {
  // The skip link also changes the hash.
  if (loggedIn() && Object.hasOwn(VIEWS, location.hash.slice(1))) open(asked());
});
// A session may have been revoked while the page was hidden, so every view checks it.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && loggedIn()) look();
});
setInterval(() => {
  if (!loggedIn()) return;
  language.tick();
  if (now() >= lookAgain) look();
}, 1000);
begin();
