//! The page under test: starts a server and a browser, reads the page, and acts like a user.

use std::net::SocketAddr;
use std::ops::Deref;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::PATIENCE;
use crate::chromium::Chromium;
use crate::meter::Meter;
use crate::support::client::{Reply, send};
use crate::support::server::Server;

pub(crate) const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 \
    (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

/// Key codes of WebDriver.
pub(crate) const TAB: &str = "\u{E004}";
pub(crate) const ENTER: &str = "\u{E007}";
pub(crate) const ESCAPE: &str = "\u{E00C}";

pub(crate) struct Page {
    chromium: Chromium,
    pub(crate) address: SocketAddr,
    meter: Meter,
    _server: Server,
}

impl Deref for Page {
    type Target = Chromium;

    fn deref(&self) -> &Chromium {
        &self.chromium
    }
}

impl Page {
    /// Opens the login view in English, with a server that uses the memory store.
    pub(crate) async fn open() -> Self {
        Self::open_with(&[], "en-GB").await
    }

    pub(crate) async fn open_with(env: &[(&str, &str)], languages: &str) -> Self {
        let (server, address) = Server::start("axum", env).await;
        let meter = Meter::start(address);
        let page = Self { chromium: Chromium::start(languages), address, meter, _server: server };
        // Leaves the start page of the browser and drops its requests, which are not requests of
        // the page under test.
        page.visit("about:blank");
        page.requests();
        page.visit(&page.origin());
        page.until("the login view is shown", "!get('view-login').hidden");
        page
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}/", self.meter.address)
    }

    /// Number of times that the browser has sent this request, such as `POST /api/auth/refresh`.
    pub(crate) fn count(&self, request: &str) -> usize {
        self.meter.count(request)
    }

    /// Logs in on another device. Returns the access token.
    pub(crate) async fn elsewhere(&self, user: &str, password: &str, agent: &str) -> String {
        let headers = [("content-type", "application/json"), ("user-agent", agent)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let credentials = json!({"user_id": user, "password": password}).to_string();
        let path = "/api/auth/login";
        let reply = send(self.address, "POST", path, &headers, credentials.as_bytes()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a request with this access token.
    pub(crate) async fn ask(&self, method: &str, path: &str, token: &str) -> Reply {
        let headers = [("authorization".to_owned(), format!("Bearer {token}"))];
        send(self.address, method, path, &headers, b"").await
    }

    /// Sends a request that must succeed. Returns the body of the answer.
    pub(crate) async fn must(&self, method: &str, path: &str, token: &str) -> Value {
        let reply = self.ask(method, path, token).await;
        assert_eq!(reply.status, 200, "{method} {path}: {reply:?}");
        reply.body
    }

    /// Asserts that the session of this token was revoked for this reason.
    pub(crate) async fn assert_ended(&self, token: &str, reason: &str) {
        let reply = self.ask("GET", "/api/data", token).await;
        assert_eq!((reply.status, reply.code()), (401, "session_revoked"), "{reply:?}");
        assert_eq!(reply.body["reason"], reason, "{reply:?}");
    }

    /// Evaluates an expression in the page. `get` finds an element by its id, `text` reads the text
    /// of the first match of a selector, and `all` reads the texts of all matches.
    pub(crate) fn value(&self, expression: &str) -> Value {
        self.script(&format!(
            "const get = (id) => document.getElementById(id);\
             const text = (selector) => document.querySelector(selector).textContent;\
             const all = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent);\
             return {expression};"
        ))
    }

    pub(crate) fn holds(&self, expression: &str) -> bool {
        self.value(&format!("Boolean({expression})")) == true
    }

    /// Waits until the expression is true.
    pub(crate) fn until(&self, what: &str, expression: &str) {
        let give_up = Instant::now() + PATIENCE;
        while !self.holds(expression) {
            if Instant::now() > give_up {
                let seen = self.value("document.body.innerText");
                panic!(
                    "timeout while waiting until {what}\n{expression}\n{seen}\n{:?}",
                    self.log("browser")
                );
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the element with this id has this text.
    pub(crate) fn until_says(&self, id: &str, words: &str) {
        let words = json!(words);
        self.until(&format!("#{id} says {words}"), &format!("get('{id}').textContent === {words}"));
    }

    pub(crate) fn until_focus(&self, selector: &str) {
        let matches = format!("document.activeElement.matches({})", json!(selector));
        self.until(&format!("the focus is on {selector}"), &matches);
    }

    /// Logs in with mouse and keyboard, and waits until the sessions of the user are listed.
    pub(crate) fn login(&self, name: &str, password: &str) {
        self.fill("#name", name);
        self.fill("#password", password);
        self.click("#login-go");
        self.until("the sessions of the user are listed", "get('mine-rows').rows.length > 0");
        self.until("nothing is loading", "document.querySelector('[aria-busy]') === null");
    }

    /// Follows the link to a view, and waits until the view has loaded.
    pub(crate) fn go(&self, view: &str) {
        self.click(&format!("#views a[href='#{view}']"));
        self.until(
            &format!("{view} is shown"),
            &format!("!get('view-{view}').hidden && get('view-{view}').ariaBusy === null"),
        );
    }

    /// Presses Tab until the element has the focus, like a user without a mouse. Asserts that the
    /// focus is visible at each step.
    pub(crate) fn tab_to(&self, selector: &str) {
        let selector = json!(selector);
        for _ in 0..60 {
            self.press(TAB);
            let seen = self.value(&format!(
                "((one) => ({{
                    there: one.matches({selector}),
                    ring: parseFloat(getComputedStyle(one).outlineWidth) >= 2
                        && getComputedStyle(one).outlineStyle !== 'none',
                    inSight: one.getBoundingClientRect().width > 0 && one.closest('[hidden]') === null,
                    name: one.outerHTML.slice(0, 80),
                }}))(document.activeElement)"
            ));
            // After the last element of the page, the body gets the focus.
            if seen["name"].as_str().unwrap().starts_with("<body") {
                continue;
            }
            assert_eq!((&seen["ring"], &seen["inSight"]), (&json!(true), &json!(true)), "{seen}");
            if seen["there"] == true {
                return;
            }
        }
        panic!("Tab does not lead to {selector}");
    }

    /// Returns the requests of the page since the last call: method, URL, and the token that was
    /// sent.
    pub(crate) fn requests(&self) -> Vec<(String, String, Option<String>)> {
        let log = self.log("performance");
        let messages = log.iter().map(|entry| {
            serde_json::from_str::<Value>(entry["message"].as_str().unwrap()).unwrap()
        });
        messages
            .filter(|message| message["message"]["method"] == "Network.requestWillBeSent")
            .map(|message| {
                let request = &message["message"]["params"]["request"];
                let bearer = request["headers"]["authorization"].as_str();
                let token = bearer.and_then(|bearer| bearer.strip_prefix("Bearer "));
                (
                    request["method"].as_str().unwrap().to_owned(),
                    request["url"].as_str().unwrap().to_owned(),
                    token.map(str::to_owned),
                )
            })
            .collect()
    }

    /// Returns the token of the last request of the page. The page itself does not show its token.
    pub(crate) fn token(&self) -> String {
        let requests = self.requests();
        requests.into_iter().rev().find_map(|(_, _, token)| token).unwrap()
    }

    /// Asserts that the browser logged only errors for answers with these statuses. A 401 for a
    /// refresh is always allowed: the page gets it when it looks for an existing login and there is
    /// none.
    pub(crate) fn assert_no_complaint_but(&self, statuses: &[u16]) {
        let no_login = format!(
            "{}api/auth/refresh - Failed to load resource: the server responded with a status of 401 ",
            self.origin()
        );
        for entry in self.log("browser") {
            let message = entry["message"].as_str().unwrap();
            if message.starts_with(&no_login) {
                continue;
            }
            let refused = statuses
                .iter()
                .any(|status| message.contains(&format!("responded with a status of {status} ")));
            assert!(refused && entry["source"] == "network", "{entry}");
        }
    }
}
