//! Login bodies that the route rejects, and unusual login bodies that it accepts.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::routes::site::{Site, request, site, site_with};

/// Logs in with this body. Returns the status, the error code and the detail.
async fn log_in(site: &Site, body: impl Into<Body>) -> (u16, String, String) {
    let reply = site.log_in_with(body).await;
    let detail = reply.body["detail"].as_str().unwrap_or("").to_owned();
    (reply.status, reply.code().to_owned(), detail)
}

#[tokio::test(start_paused = true)]
async fn malformed_json_returns_400_before_the_credential_check() {
    let site = site();
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(4999));
    let bodies: [&[u8]; 12] = [
        b"",
        b" ",
        b"{",
        b"user_id=jeju&password=password123",
        br#"{"user_id":"jeju","password":"password123"} x"#,
        br#"{"user_id":"jeju","password":"password123",}"#,
        br#"{'user_id':'jeju','password':'password123'}"#,
        b"{\"user_id\":\"je\xffju\",\"password\":\"password123\"}",
        // A field that the route ignores contains invalid UTF-8. The whole body must be valid
        // UTF-8.
        b"{\"user_id\":\"jeju\",\"password\":\"password123\",\"x\":\"\xff\"}",
        b"\xef\xbb\xbf{\"user_id\":\"jeju\",\"password\":\"password123\"}",
        br#"{"user_id":"jeju","password":"\ud800"}"#,
        deep.as_bytes(),
    ];
    for body in bodies {
        let answer = log_in(&site, body.to_vec()).await;
        let shown = String::from_utf8_lossy(body);
        let shown = shown.get(..shown.len().min(80)).unwrap_or("");
        assert_eq!(answer, (400, "invalid_request".into(), "Malformed request".into()), "{shown}");
    }
    assert_eq!(site.desk.finds(), 0, "an invalid body must not reach the credential check");
}

#[tokio::test(start_paused = true)]
async fn wrong_json_shape_returns_422_naming_the_field_without_quoting_values() {
    let site = site();
    let deep =
        format!(r#"{{"user_id":"jeju","password":{}1{}}}"#, "[".repeat(4000), "]".repeat(4000));
    let long = |name: &str, len: usize| {
        let (other, value) =
            (if name == "password" { "user_id" } else { "password" }, "ä".repeat(len));
        format!(r#"{{"{name}":"{value}","{other}":"hunter2"}}"#)
    };
    let (long_id, long_email) = (long("user_id", 257), long("email", 513));
    let long_password = long("password", 1025);
    let once = "the body is not a JSON object with each field once";
    for (body, detail) in [
        (r#"{}"#, "`user_id` or `email` is missing"),
        (r#"{"password":"hunter2"}"#, "`user_id` or `email` is missing"),
        (r#"{"User_Id":"jeju","password":"hunter2"}"#, "`user_id` or `email` is missing"),
        (r#"{"user_id":"jeju"}"#, "`password` is missing"),
        (
            r#"{"user_id":"jeju","email":"jeju@test.com","password":"hunter2"}"#,
            "give `user_id` or `email`, not both",
        ),
        (r#"{"user_id":null,"password":"hunter2"}"#, "`user_id` or `email` is missing"),
        (r#"{"user_id":null,"email":null,"password":"x"}"#, "`user_id` or `email` is missing"),
        (r#"{"user_id":"jeju","password":null}"#, "`password` is missing"),
        (r#"{"user_id":7,"password":"hunter2"}"#, "`user_id` must be a string"),
        (r#"{"user_id":1e999,"password":"hunter2"}"#, "`user_id` must be a string"),
        (r#"{"email":["jeju@test.com"],"password":"hunter2"}"#, "`email` must be a string"),
        (r#"{"user_id":"jeju","password":{"hunter2":1}}"#, "`password` must be a string"),
        (r#"{"user_id":"jeju","password":true}"#, "`password` must be a string"),
        (&deep, "`password` must be a string"),
        (r#"{"user_id":"","password":"hunter2"}"#, "`user_id` must be 1 to 256 characters long"),
        (&long_id, "`user_id` must be 1 to 256 characters long"),
        (r#"{"email":"","password":"hunter2"}"#, "`email` must be 1 to 512 characters long"),
        (&long_email, "`email` must be 1 to 512 characters long"),
        (&long_password, "`password` must be 0 to 1024 characters long"),
        (r#"{"user_id":"jeju","user_id":"jeju","password":"hunter2"}"#, once),
        (r#"{"user_id":"jeju","password":"hunter2","password":"hunter2"}"#, once),
        (r#"{"user_id":"jeju","user\u005fid":"admin","password":"hunter2"}"#, once),
        (r#"["jeju",null,"hunter2"]"#, once),
        (r#""hunter2""#, once),
        ("null", once),
        ("7", once),
    ] {
        let answer = log_in(&site, body.to_owned()).await;
        let shown = body.get(..80).unwrap_or(body);
        assert_eq!(answer, (422, "invalid_body".into(), detail.into()), "{shown}");
    }
    assert_eq!(site.desk.finds(), 0, "an invalid body must not reach the credential check");
}

#[tokio::test(start_paused = true)]
async fn null_counts_as_an_absent_field() {
    let site = site();
    for body in [
        r#"{"user_id":"jeju","email":null,"password":"password123"}"#,
        r#"{"user_id":null,"email":"jeju@test.com","password":"password123"}"#,
        r#"{"email": null ,"user_id":"jeju","password":"password123","more":null}"#,
    ] {
        let reply = site.log_in_with(body).await;
        assert_eq!((reply.status, &reply.body["user_id"]), (200, &"jeju".into()), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn special_characters_in_user_id_and_password_are_literal() {
    let site = site();
    for (id, written) in [
        ("nul\0", r"nul\u0000"),
        ("line\nbreak", r"line\nbreak"),
        ("* [a-z] {x} : %00 ../", "* [a-z] {x} : %00 ../"),
        ("\u{202e}rtl", r"\u202ertl"),
        ("😀", r"\ud83d\ude00"),
    ] {
        site.desk.add(id, "p\0w");
        let body = format!(r#"{{"user_id":"{written}","password":"p\u0000w"}}"#);
        let reply = site.log_in_with(body).await;
        assert_eq!((reply.status, reply.body["user_id"].as_str()), (200, Some(id)), "{id:?}");
        let body = format!(r#"{{"user_id":"{written}","password":"p"}}"#);
        assert_eq!(site.log_in_with(body).await.status, 401, "{id:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn body_without_a_json_content_type_returns_415() {
    let site = site();
    let body = r#"{"user_id":"jeju","password":"password123"}"#;
    for media_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json-patch+json"),
        Some("application/jsonx; application/json"),
        Some("multipart/form-data; boundary=application/json"),
    ] {
        let mut login = request("POST", "/api/auth/login", None, body.into());
        if let Some(media_type) = media_type {
            login.headers_mut().insert("content-type", media_type.parse().unwrap());
        }
        let reply = site.send(login).await;
        assert_eq!(reply.said(), (415, "unsupported_media_type"), "{media_type:?}");
    }
    for media_type in ["application/json", "APPLICATION/JSON ;charset=UTF-8"] {
        let mut login = request("POST", "/api/auth/login", None, body.into());
        login.headers_mut().insert("content-type", media_type.parse().unwrap());
        assert_eq!(site.send(login).await.status, 200, "{media_type}");
    }
}

/// A body that returns the same piece without end. It panics as soon as more than 32 KiB were read.
struct Endless {
    piece: Bytes,
    /// The exact length in the body's size hint, or `None` if the hint contains no length.
    says: Option<u64>,
    read: usize,
}

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.read += self.piece.len();
        assert!(self.read <= 32 * 1024, "the route read more than it needs to reject the body");
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }

    fn size_hint(&self) -> SizeHint {
        self.says.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[tokio::test(start_paused = true)]
async fn body_over_16_kib_returns_413_and_reading_stops() {
    let site = site();
    let login = r#"{"user_id":"jeju","password":"password123"}"#;
    let fits = format!("{login}{}", " ".repeat(16 * 1024 - login.len()));
    assert_eq!(site.log_in_with(fits.clone()).await.status, 200);
    let reply = site.log_in_with(format!("{fits} ")).await;
    assert_eq!(reply.said(), (413, "payload_too_large"));
    let endless = |says| Body::new(Endless { piece: Bytes::from(vec![b' '; 1000]), says, read: 0 });
    assert_eq!(site.log_in_with(endless(None)).await.status, 413);
    let one =
        Body::new(Endless { piece: Bytes::from(vec![b' '; 33_000]), says: Some(1 << 40), read: 0 });
    assert_eq!(site.log_in_with(one).await.status, 413, "rejected by its declared length, unread");
}

/// A body that never returns data.
pub(crate) struct Stalled;

impl hyper::body::Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// A body whose first read fails with this kind of I/O error.
struct Broken(std::io::ErrorKind);

impl hyper::body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(Err(self.0.into())))
    }
}

#[tokio::test(start_paused = true)]
async fn stalled_body_returns_408_and_broken_body_returns_400() {
    let site =
        site_with(|builder, _| builder, |routes| routes.body_timeout(Duration::from_secs(2)));
    let began = tokio::time::Instant::now();
    let reply = site.log_in_with(Body::new(Stalled)).await;
    assert_eq!(reply.said(), (408, "request_timeout"));
    assert_eq!(began.elapsed(), Duration::from_secs(2));
    let broken = |kind| Body::new(Broken(kind));
    let reply = site.log_in_with(broken(std::io::ErrorKind::TimedOut)).await;
    assert_eq!(reply.said(), (408, "request_timeout"), "a timeout of an outer layer");
    let reply = site.log_in_with(broken(std::io::ErrorKind::ConnectionReset)).await;
    assert_eq!(reply.said(), (400, "invalid_request"));
    assert_eq!(site.desk.finds(), 0);
}
