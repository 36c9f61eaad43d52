//! Swagger UI at `/docs` of the axum example.

use crate::support::client::{exchange, status};
use crate::support::server::Server;

/// Returns the status, the head, and the body of an answer.
async fn page(server: std::net::SocketAddr, path: &str) -> (u16, String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    let answer = exchange(server, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (status(head), head.to_ascii_lowercase(), body.to_owned())
}

/// Returns the values of all `src="…"` and `href="…"` attributes.
fn links(html: &str) -> Vec<&str> {
    let after = |attribute| html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
    after(r#"src=""#).chain(after(r#"href=""#)).collect()
}

#[tokio::test]
async fn swagger_ui_loads_files_from_its_own_server_only() {
    let (server, address) = Server::start("axum", &[]).await;
    let (code, head, _) = page(address, "/docs").await;
    assert!(code == 308 && head.contains("location: /docs/"), "{head}");

    let (code, head, html) = page(address, "/docs/").await;
    assert!(code == 200 && head.contains("content-type: text/html"), "{head}");
    let links = links(&html);
    assert!(links.len() >= 5, "{links:?}");
    for link in links {
        let file = link.strip_prefix("./").unwrap_or(link);
        assert!(!file.contains(':') && !file.starts_with('/'), "{link} leads to another server");
        let (code, head, body) = page(address, &format!("/docs/{file}")).await;
        assert!(code == 200 && !body.is_empty(), "{file}: {head}");
        let policy = "content-security-policy: default-src 'none'; script-src 'self';";
        assert!(head.contains(policy) && head.contains("nosniff"), "{file}: {head}");
    }
    let (_, _, script) = page(address, "/docs/swagger-initializer.js").await;
    assert!(script.contains(r#""/api/openapi.json""#), "{script}");
    assert!(
        script.contains(r#""validatorUrl": "none""#),
        "the page uses no online validator: {script}"
    );
    assert!(!script.contains("http"), "{script}");

    let (code, head, body) = page(address, "/docs/nowhere.js").await;
    assert!(code == 404 && head.contains("application/json") && body.contains("not_found"));
    server.stop().await;
}
