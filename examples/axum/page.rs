//! The page at `/`. The files of `page/` are compiled in, so that the server needs only its binary.
//! `client.js` is built from `clients/typescript`.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::routing::get;

/// The page can load from and connect to this server only, and no script can insert markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The path, content type and content of each file.
const FILES: [(&str, &str, &str); 14] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/page/page.css", CSS, include_str!("page/page.css")),
    ("/page/icon.svg", SVG, include_str!("page/icon.svg")),
    ("/page/page.js", SCRIPT, include_str!("page/page.js")),
    ("/page/all.js", SCRIPT, include_str!("page/all.js")),
    ("/page/api.js", SCRIPT, include_str!("page/api.js")),
    ("/page/chart.js", SCRIPT, include_str!("page/chart.js")),
    ("/page/client.js", SCRIPT, include_str!("page/client.js")),
    ("/page/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/page/language.js", SCRIPT, include_str!("page/language.js")),
    ("/page/messages.js", SCRIPT, include_str!("page/messages.js")),
    ("/page/mine.js", SCRIPT, include_str!("page/mine.js")),
    ("/page/stats.js", SCRIPT, include_str!("page/stats.js")),
    ("/page/texts.js", SCRIPT, include_str!("page/texts.js")),
];

/// Serves the files. No token is needed, because they contain only what is in the repository.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.into_iter().fold(Router::new(), |router, (path, content_type, content)| {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            // After a new version starts, a browser must not mix its files with cached old ones.
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ];
        router.route(path, get(move || async move { (headers, content) }))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn each_file_is_served_with_its_content_type_and_security_headers() {
        for (path, content_type, content) in FILES {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router::<()>().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let headers = response.headers();
            assert_eq!(headers[CONTENT_TYPE], content_type, "{path}");
            assert_eq!(headers[CONTENT_SECURITY_POLICY], POLICY, "{path}");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
            assert_eq!(headers[REFERRER_POLICY], "no-referrer", "{path}");
            assert_eq!(headers[CACHE_CONTROL], "no-cache", "{path}");
            assert_eq!(to_bytes(response.into_body(), usize::MAX).await.unwrap(), content);
        }
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/axum/page");
        let there = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let there: BTreeSet<_> = there.map(|name| name.into_string().unwrap()).collect();
        let served = FILES.iter().map(|(path, ..)| path.trim_start_matches("/page/"));
        let served = served.map(|name| if name == "/" { "index.html" } else { name });
        assert_eq!(there, served.map(str::to_owned).collect());
    }

    /// The policy forbids inline scripts and styles: a browser would ignore them.
    #[test]
    fn files_have_no_inline_code_and_load_nothing_from_other_hosts() {
        for (path, _, content) in FILES {
            for forbidden in
                ["style=", "<style", "onclick=", "javascript:", "innerHTML", "sessionStorage"]
            {
                assert!(!content.contains(forbidden), "{path} has {forbidden}");
            }
            // The files may name the SVG namespace. The client names the two schemes of the web.
            let elsewhere = content.replace("http://www.w3.org/2000/svg", "");
            for host in ["://", "//www.", "\"//", "'//"] {
                assert!(!elsewhere.contains(host), "{path} has {host}");
            }
            // `client.js` is a bundle of small files.
            let small = content.lines().count() < 400 || path == "/page/client.js";
            assert!(small, "{path}");
        }
    }
}
