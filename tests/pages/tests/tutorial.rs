//! The program of docs/tutorial.md does what the page says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The running program. It is killed when it is dropped.
struct Shop {
    process: Child,
    address: String,
    /// Stays open, because the program writes its log there.
    _output: BufReader<ChildStdout>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> Command {
    let table = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("tutorial.db");
    let mut program = Command::new(env!("CARGO_BIN_EXE_tutorial"));
    program.env("DATABASE", table).env("BIND_ADDR", "127.0.0.1:0").env_remove("REDIS_URL");
    program.env("JWT_SECRET", "only-for-tests-Zq3vT8xKpL2mWc7RdYh9");
    program
}

impl Shop {
    fn start() -> Self {
        let mut process = program().stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").expect("the address").to_owned();
        Self { process, address, _output: output }
    }

    /// Sends a request. Returns the status, the headers and the body.
    fn send(&self, request: &str, token: &str, body: &str) -> (u16, String, String) {
        let length = body.len();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            self.address
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    fn json(&self, request: &str, token: &str, body: &Value) -> (u16, Value) {
        let (status, _, body) = self.send(request, token, &body.to_string());
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    fn hello(&self, token: &str) -> (u16, Value) {
        self.json("GET /hello", token, &json!({}))
    }

    /// Signs a user up. Returns the access token.
    fn sign_up(&self, id: &str) -> String {
        let form = json!({"user_id": id, "email": format!("{id}@Test.com"), "name": id,
            "password": "correct horse battery"});
        let (status, head, body) = self.send("POST /sign-up", "", &form.to_string());
        assert_eq!(status, 201, "{body}");
        assert!(head.contains("__Secure-refresh_token=") && head.contains("no-store"), "{head}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&body["new_account"], &body["role"]), (&json!(true), &json!("user")));
        assert_eq!(self.json("POST /sign-up", "", &form).0, 409, "the id is taken");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// Logs a user in by e-mail address.
    fn log_in(&self, id: &str, password: &str) -> (u16, Value) {
        let form = json!({"email": format!("{id}@test.com"), "password": password});
        self.json("POST /api/auth/login", "", &form)
    }

    fn token(&self, id: &str) -> String {
        let (status, body) = self.log_in(id, "correct horse battery");
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }
}

#[test]
fn program_of_the_tutorial_does_what_the_page_says() {
    let table = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("tutorial.db");
    let _ = std::fs::remove_file(table);
    let shop = Shop::start();
    let (jeju, mallory) = (shop.sign_up("jeju"), shop.sign_up("mallory"));
    assert_eq!(shop.hello(&jeju), (200, json!("hello jeju, role user\n")));
    assert_eq!(shop.log_in("jeju", "wrong").1["code"], "invalid_credentials");
    assert_eq!(shop.log_in("nobody", "wrong").1["code"], "invalid_credentials");

    let suspend = "POST /admin/users/mallory/suspend";
    let refused = shop.json(suspend, &jeju, &json!({}));
    assert_eq!((refused.0, &refused.1["code"]), (403, &json!("insufficient_scope")));
    assert!(program().args(["make-admin", "jeju"]).status().unwrap().success());
    assert!(!program().args(["make-admin", "nobody"]).status().unwrap().success());
    // A new login has the new role at once.
    let admin = shop.token("jeju");
    assert_eq!(shop.hello(&admin), (200, json!("hello jeju, role admin\n")));
    assert_eq!(shop.hello(&mallory).0, 200);
    assert_eq!(shop.json(suspend, &admin, &json!({})).0, 204);
    let suspended = shop.hello(&mallory);
    assert_eq!((suspended.0, &suspended.1["reason"]), (401, &json!("suspended")));
    let again = shop.log_in("mallory", "correct horse battery");
    assert_eq!((again.0, &again.1["code"]), (401, &json!("invalid_credentials")));

    let done = shop.json("POST /api/auth/logout-all", &admin, &json!({})).1;
    assert_eq!(done["deleted_count"], 2);
    for token in [&jeju, &admin] {
        let over = shop.hello(token);
        assert_eq!((over.0, &over.1["reason"]), (401, &json!("logout_all")));
    }
}

#[test]
fn dependencies_of_the_page_are_those_that_are_tested() {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().take_while(|line| !line.is_empty() && *line != "```");
        lines.filter(|line| !line.starts_with("tower-session-auth")).map(str::to_owned).collect()
    };
    let page = include_str!("../../../docs/tutorial.md");
    let shown = page.split_once("\n[dependencies]").unwrap().1.split_once('\n').unwrap().1;
    let tested = include_str!("../Cargo.toml").split_once("\n[dependencies]\n").unwrap().1;
    let (mut shown, mut tested) = (lines(shown), lines(tested));
    shown.sort_unstable();
    tested.sort_unstable();
    assert_eq!(shown, tested);
    assert!(shown.len() > 5);
}
