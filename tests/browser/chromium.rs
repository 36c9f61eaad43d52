//! Chromium, controlled by chromedriver through the WebDriver protocol.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wire;

/// The JSON key of an element reference in WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser for one test, with its own profile. Dropping it closes the browser.
pub(crate) struct Chromium {
    driver: Child,
    address: SocketAddr,
    /// `/session/{id}`. Empty until the session exists.
    session: String,
    _home: TempDir,
}

impl Chromium {
    /// Starts the browser without a window. `languages` are its preferred languages.
    pub(crate) fn start(languages: &str) -> Self {
        let home = TempDir::new().unwrap();
        let (driver, port) = start_driver(&home);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut chromium = Self { driver, address, session: String::new(), _home: home };
        chromium.open(languages);
        chromium
    }

    fn open(&mut self, languages: &str) {
        let profile = self._home.path().join("profile");
        let args = [
            "--headless=new".to_owned(),
            // Chromium's sandbox does not work as root, nor in most containers.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--no-first-run".to_owned(),
            // Prevents the page from reaching any host but this one.
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1".to_owned(),
            "--window-size=1280,900".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--accept-lang={languages}"),
            format!("--user-data-dir={}", profile.display()),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": args},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let reply = wire::send(self.address, "POST", "/session", &[], &wanted.to_string()).unwrap();
        let Some(id) = reply.body["value"]["sessionId"].as_str() else {
            panic!(
                "Chromium does not start; `make test` installs it: {}",
                reply.body["value"]["message"]
            )
        };
        self.session = format!("/session/{id}");
        let motion = json!([{"name": "prefers-reduced-motion", "value": "reduce"}]);
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": motion}));
    }

    /// Sends a command of the WebDriver protocol.
    pub(crate) fn command(&self, method: &str, command: &str, arguments: &Value) -> Value {
        let path = format!("{}/{command}", self.session);
        let body = if method == "GET" { String::new() } else { arguments.to_string() };
        let reply = wire::send(self.address, method, &path, &[], &body).unwrap();
        let mut body = reply.body;
        assert_eq!(reply.status, 200, "{command} {arguments}: {}", body["value"]["message"]);
        body["value"].take()
    }

    /// Sends a command of the Chrome DevTools protocol.
    pub(crate) fn devtools(&self, command: &str, arguments: &Value) -> Value {
        let arguments = json!({"cmd": command, "params": arguments});
        self.command("POST", "goog/cdp/execute", &arguments)
    }

    pub(crate) fn visit(&self, url: &str) {
        self.command("POST", "url", &json!({"url": url}));
    }

    /// Runs a function body in the page. If it returns a promise, waits for its result.
    pub(crate) fn script(&self, code: &str) -> Value {
        self.command("POST", "execute/sync", &json!({"script": code, "args": []}))
    }

    /// Clicks an element. It must be visible and not covered.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.command("POST", &format!("element/{element}/click"), &json!({}));
    }

    /// Clears a field and types a text into it.
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.command("POST", &format!("element/{element}/clear"), &json!({}));
        self.command("POST", &format!("element/{element}/value"), &json!({"text": text}));
    }

    fn element(&self, selector: &str) -> String {
        let found =
            self.command("POST", "element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Presses keys one after the other, at the element that has the focus.
    pub(crate) fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|what| json!({"type": what, "value": key.to_string()}))
            })
            .collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.command("POST", "actions", &json!({"actions": [keyboard]}));
    }

    /// Returns the log entries since the last call.
    pub(crate) fn log(&self, kind: &str) -> Vec<Value> {
        let log = self.command("POST", "se/log", &json!({"type": kind}));
        log.as_array().unwrap().clone()
    }

    /// Saves a picture of the whole page in the target directory.
    pub(crate) fn screenshot(&self, name: &str) {
        let picture =
            self.devtools("Page.captureScreenshot", &json!({"captureBeyondViewport": true}));
        let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"), "{name} is not a PNG image");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let folder = target.join("screenshots");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }
}

/// Starts chromedriver, and returns the process and its port.
///
/// chromedriver chooses a port that is free for IPv6, and exits if the same port is in use for
/// IPv4. This function then starts it again.
fn start_driver(home: &TempDir) -> (Child, u16) {
    for _ in 0..10 {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            // Crash reports and font caches go to the profile's directory.
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .env("XDG_CACHE_HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| match error.kind() {
                ErrorKind::NotFound => {
                    panic!(
                        "chromedriver is missing: run `make test`, which installs it and Chromium"
                    )
                }
                _ => panic!("chromedriver does not start: {error}"),
            });
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            line.split_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
        });
        match port {
            Some(port) => return (driver, port),
            // The output has ended, so the process has exited.
            None => drop(driver.wait()),
        }
    }
    panic!("chromedriver ended ten times before it listened");
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Closes the browser. Killing chromedriver would leave the browser running.
        if let Err(error) = wire::send(self.address, "GET", "/shutdown", &[], "") {
            eprintln!("the browser may still be running: {error}");
        }
        // Both calls fail only if the process has already exited.
        let _ended = self.driver.kill().and_then(|()| self.driver.wait());
    }
}
