//! The path parameter `{user_id}` is always exactly one user id, whatever bytes it contains.

use tower_session_auth::NewSession;

use crate::routes::site::site;
use crate::support::user;

/// Percent-encodes all bytes for which `keep` returns `false`.
fn encoded(text: &str, keep: fn(u8) -> bool) -> String {
    let byte = |byte: u8| {
        if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(byte).collect()
}

/// Returns whether a path segment may contain this byte without encoding.
fn raw(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"%/?#".contains(&byte)
}

/// Returns whether this byte is an ASCII letter or digit.
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

const BYSTANDERS: [&str; 6] = ["a", "ab", "user", "jeju:x", "admin", "a/b"];

#[tokio::test(start_paused = true)]
async fn user_id_in_a_path_selects_one_user_and_is_no_pattern_or_path() {
    let site = site();
    let token = site.token("admin").await;
    for name in BYSTANDERS {
        site.manager.create(NewSession::new(user(name))).await.unwrap();
    }
    let before = site.get("/api/session/all", &token).await.body["total"].as_u64().unwrap();
    let (longest, wide) = ("x".repeat(256), "\u{c81c}".repeat(85));
    let names = [
        "*",
        "?",
        "[a-z]*",
        "[",
        "]",
        "{",
        "}",
        "{user_id}",
        ":",
        "a:b",
        "session:{jeju}:live",
        "\n",
        "a\r\nx: y",
        "%",
        "%2A",
        "%252A",
        "%zz",
        "\0",
        "/",
        "a/../b",
        "..",
        ".",
        "\\",
        "\"",
        "'",
        " ",
        "\u{202e}gnirts",
        "\u{0}\u{1b}[2J",
        "😀",
        ";",
        "a;b=c",
        "+",
        "a+b",
        "#",
        "me",
        "all",
        "stats",
        "a&b=c",
        "null",
        "-",
        "~",
        "jeju@test.com",
        &longest,
        &wide,
    ];
    for name in names {
        for keep in [raw, plain] {
            let path = format!("/api/session/user/{}", encoded(name, keep));
            // Without encoding, some names are no valid URI. The test sends such names only with
            // encoding.
            if path.parse::<http::Uri>().is_err() {
                assert!(keep(b'"'), "{path}");
                continue;
            }
            let mine = site.manager.create(NewSession::new(user(name))).await.unwrap();
            let shown = site.get(&path, &token).await;
            assert_eq!(shown.status, 200, "{path}");
            assert_eq!(shown.body["user_id"], name, "{path}");
            assert_eq!(shown.body["total"], 1, "{path}");
            assert_eq!(shown.body["sessions"][0]["session_id"], mine.session.id().as_str());
            let ended = site.delete(&path, &token).await;
            assert_eq!(ended.body["deleted_count"], 1, "{path}");
            let message = format!("Successfully deleted 1 session(s) for user {name}");
            assert_eq!(ended.body["message"], message, "{path}");
            assert_eq!(site.get(&path, &token).await.body["total"], 0, "{path}");
        }
        let after = site.get("/api/session/all", &token).await.body["total"].as_u64().unwrap();
        assert_eq!(after, before, "{name:?} affected the sessions of another user");
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_user_id_returns_422_and_wrong_segment_count_returns_404() {
    let site = site();
    let token = site.token("admin").await;
    let (long, wide) = ("x".repeat(257), "%EC%A0%9C".repeat(86));
    let huge = "x".repeat(10_000);
    for segment in [long.as_str(), &wide, &huge, "%ff", "a%80", "%C0%AF", ""] {
        for method in ["GET", "DELETE"] {
            let path = format!("/api/session/user/{segment}");
            let reply = site.call(method, &path, Some(&token)).await;
            let shown = path.get(..60).unwrap_or(&path);
            assert_eq!(reply.said(), (422, "invalid_body"), "{method} {shown}");
            assert_eq!(
                reply.body["detail"], "`user_id` must be 1 to 256 bytes of UTF-8",
                "{shown}"
            );
        }
    }
    for path in ["/api/session/user", "/api/session/user/a/b", "/api/session/user/a/"] {
        assert_eq!(site.get(path, &token).await.said(), (404, "not_found"), "{path}");
    }
    assert_eq!(site.count("admin").await, 1);
}
