//! The page in front of a test: a server, a browser, and what a person sees and does.

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

/// Keys as WebDriver writes them.
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
    /// The login view in English, of a server that keeps its sessions itself.
    pub(crate) async fn open() -> Self {
        Self::open_with(&[], "en-GB").await
    }

    pub(crate) async fn open_with(env: &[(&str, &str)], languages: &str) -> Self {
        let (server, address) = Server::start("axum", env).await;
        let meter = Meter::start(address);
        let page = Self { chromium: Chromium::start(languages), address, meter, _server: server };
        // Away from the browser's own first tab: what that has asked for is not the page's.
        page.visit("about:blank");
        page.requests();
        page.visit(&page.origin());
        page.until("the login view is there", "!get('view-login').hidden");
        page
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}/", self.meter.address)
    }

    /// How often the browser has asked this of the server, such as `POST /api/auth/refresh`.
    pub(crate) fn count(&self, request: &str) -> usize {
        self.meter.count(request)
    }

    /// Logs in as somebody on another device; the access token.
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

    /// The same, for what must succeed.
    pub(crate) async fn must(&self, method: &str, path: &str, token: &str) -> Value {
        let reply = self.ask(method, path, token).await;
        assert_eq!(reply.status, 200, "{method} {path}: {reply:?}");
        reply.body
    }

    /// That this token's session was ended, and why.
    pub(crate) async fn assert_ended(&self, token: &str, reason: &str) {
        let reply = self.ask("GET", "/api/data", token).await;
        assert_eq!((reply.status, reply.code()), (401, "session_revoked"), "{reply:?}");
        assert_eq!(reply.body["reason"], reason, "{reply:?}");
    }

    /// An expression in the page; `get` finds by id, `text` reads by selector, `all` reads all of a selector.
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

    /// Waits for this; the page works while nobody looks.
    pub(crate) fn until(&self, what: &str, expression: &str) {
        let give_up = Instant::now() + PATIENCE;
        while !self.holds(expression) {
            if Instant::now() > give_up {
                let seen = self.value("document.body.innerText");
                panic!("not so: {what}\n{expression}\n{seen}\n{:?}", self.log("browser"));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the element with this id reads so.
    pub(crate) fn until_says(&self, id: &str, words: &str) {
        let words = json!(words);
        self.until(&format!("#{id} says {words}"), &format!("get('{id}').textContent === {words}"));
    }

    pub(crate) fn until_focus(&self, selector: &str) {
        let matches = format!("document.activeElement.matches({})", json!(selector));
        self.until(&format!("the focus is on {selector}"), &matches);
    }

    /// Logs in by mouse and keyboard, and waits for my sessions.
    pub(crate) fn login(&self, name: &str, password: &str) {
        self.fill("#name", name);
        self.fill("#password", password);
        self.click("#login-go");
        self.until("my sessions are there", "get('mine-rows').rows.length > 0");
        self.until("nothing is loading", "document.querySelector('[aria-busy]') === null");
    }

    /// Goes to a view through its link, and waits until it has loaded.
    pub(crate) fn go(&self, view: &str) {
        self.click(&format!("#views a[href='#{view}']"));
        self.until(
            &format!("{view} is shown"),
            &format!("!get('view-{view}').hidden && get('view-{view}').ariaBusy === null"),
        );
    }

    /// Presses Tab until the focus is there, as somebody without a mouse does; the focus must be seen on its way.
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
            // The way from the page's end to its start goes through its body.
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

    /// What the page has asked for since it was asked last: method and URL, and the token sent with it.
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

    /// The token of the page's last request: the page itself shows it to nobody.
    pub(crate) fn token(&self) -> String {
        let requests = self.requests();
        requests.into_iter().rev().find_map(|(_, _, token)| token).unwrap()
    }

    /// That the browser had nothing to complain about but refusals of this kind, and that there was no login when a page
    /// asked for the one that the browser may have.
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
