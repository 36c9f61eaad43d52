//! TLS: the certificates of the server and of the client, and the errors for certificates that are
//! not accepted.

use std::error::Error;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tower_session_auth::manager::NearCacheState;
use tower_session_auth::store::{RedisStore, ScanSessions, SessionStore, StoreErrorKind};
use tower_session_auth::{RevokeReason, Target};

use crate::redis_store::{HOUR, jeju, lives, login};
use crate::support::redis::{FREE_PORT, RedisServer};
use crate::support::wait::until;
use crate::support::{UNHURRIED, patient_builder, usable};

/// A certificate authority, and a folder for the files of its certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    dir: TempDir,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem, dir: TempDir::new().unwrap() }
    }

    /// A certificate for a host, and its key.
    fn issue(&self, host: &str, until: (i32, u8, u8)) -> [String; 2] {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, host);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        [certificate.pem(), key.serialize_pem()]
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Starts a server with a certificate for `host`. If `clients` is true, the server requires a
    /// certificate from its clients.
    async fn server(&self, host: &str, until: (i32, u8, u8), clients: bool) -> RedisServer {
        let [certificate, key] = self.issue(host, until);
        let files = [
            self.file("ca.pem", &self.pem),
            self.file("server.pem", &certificate),
            self.file("server.key.pem", &key),
        ];
        let [ca, certificate, key] = files.each_ref().map(|path| path.to_str().unwrap());
        let clients = if clients { "yes" } else { "no" };
        RedisServer::start_with(&[
            "--tls-port",
            FREE_PORT,
            "--tls-ca-cert-file",
            ca,
            "--tls-cert-file",
            certificate,
            "--tls-key-file",
            key,
            "--tls-auth-clients",
            clients,
        ])
        .await
    }
}

const VALID: (i32, u8, u8) = (2200, 1, 1);

fn url(server: &RedisServer, host: &str) -> String {
    format!("rediss://{host}:{}/", server.arg("--tls-port"))
}

/// Returns the error of a check, with its causes.
async fn refusal(store: &RedisStore) -> String {
    let error = usable(store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let text = format!("{error:?}: {}", error.source().unwrap());
    assert!(!text.contains("127.0.0.1") && !text.contains("localhost"), "{text}");
    text
}

#[tokio::test]
async fn each_kind_of_connection_uses_tls_with_own_roots_and_client_certificate() {
    let authority = Authority::new("authority");
    let server = authority.server("127.0.0.1", VALID, true).await;
    let [certificate, key] = authority.issue("client", VALID);
    let store = RedisStore::builder(url(&server, "127.0.0.1"))
        .tls_roots(authority.pem.as_str())
        .tls_client_certificate(certificate, key)
        .timeout(Duration::from_secs(3))
        .wait_replicas(1, Duration::from_millis(1))
        .build()
        .unwrap();
    usable(&store).await.unwrap();
    let (manager, worker) = patient_builder(store.clone()).build().unwrap();
    let background = worker.start();
    until("the near cache is coherent", async || {
        manager.near_cache().state == NearCacheState::Coherent
    })
    .await;
    let id = login(&store, HOUR, HOUR).await;
    assert!(lives(&store, &id).await);
    assert_eq!(store.scan(None, 10).await.unwrap().unwrap().sessions.len(), 1);
    let revoked = store.revoke(&jeju(), &Target::All, RevokeReason::Logout).await.unwrap();
    assert_eq!(revoked.sessions, [id]);
    assert_eq!(store.diagnose().await.unwrap().findings, []);
    // The store connects to the TLS port. The test itself connects to the other port.
    let clients = server.text(&["CLIENT", "LIST"]).await.unwrap();
    let tls = format!("laddr=127.0.0.1:{}", server.arg("--tls-port"));
    let (on_tls, others): (Vec<_>, Vec<_>) = clients.lines().partition(|line| line.contains(&tls));
    assert!(on_tls.len() >= 4 && others.len() == 1, "{clients}");
    background.stop().await.unwrap();
}

#[tokio::test]
async fn server_with_an_invalid_certificate_is_refused_with_the_reason() {
    let authority = Authority::new("authority");
    let other = Authority::new("another authority");
    // Another authority with the same name.
    let twin = Authority::new("authority");
    for (host, until, roots, expected) in [
        ("127.0.0.1", VALID, &other, "issued by an authority that is not trusted here"),
        ("127.0.0.1", VALID, &twin, "issued by an authority that is not trusted here"),
        ("redis.example", VALID, &authority, "for another host name than the address"),
        ("127.0.0.1", (2001, 1, 1), &authority, "has expired"),
    ] {
        let server = authority.server(host, until, false).await;
        let builder = RedisStore::builder(url(&server, "127.0.0.1")).tls_roots(roots.pem.as_str());
        let text = refusal(&builder.timeout(Duration::from_secs(3)).build().unwrap()).await;
        assert!(text.contains(expected), "{text}");
    }
}

/// The name of the environment variable with the address of a server, for a child process.
const ADDRESS: &str = "TLS_TEST_ADDRESS";

#[tokio::test]
async fn system_authorities_are_trusted_only_without_configured_roots() {
    let authority = Authority::new("authority");
    let server = authority.server("127.0.0.1", VALID, false).await;
    // `SSL_CERT_FILE` applies to a whole process. Therefore the test starts a child process.
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "redis_store::tls::child_process_with_a_system_authority",
            "--ignored",
            "--nocapture",
        ])
        .env("SSL_CERT_FILE", authority.dir.path().join("ca.pem"))
        .env_remove("SSL_CERT_DIR")
        .env(ADDRESS, url(&server, "127.0.0.1"))
        .kill_on_drop(true)
        .output();
    let child = child.await.unwrap();
    let text = [child.stdout, child.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(child.status.success() && text[0].contains("1 passed"), "{text:?}");
}

#[tokio::test]
#[ignore = "runs in the process that another test starts"]
async fn child_process_with_a_system_authority() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let builder = || RedisStore::builder(address.as_str()).timeout(UNHURRIED);
    usable(&builder().build().unwrap()).await.unwrap();
    let other = Authority::new("another authority");
    let text = refusal(&builder().tls_roots(other.pem.as_str()).build().unwrap()).await;
    assert!(text.contains("issued by an authority that is not trusted here"), "{text}");
}

#[tokio::test]
async fn server_that_requires_a_client_certificate_refuses_missing_or_foreign_ones() {
    let authority = Authority::new("authority");
    let server = authority.server("127.0.0.1", VALID, true).await;
    let builder = || {
        RedisStore::builder(url(&server, "127.0.0.1"))
            .tls_roots(authority.pem.as_str())
            .timeout(Duration::from_secs(3))
    };
    let text = refusal(&builder().build().unwrap()).await;
    assert!(text.contains("`tls_client_certificate`"), "{text}");
    let [certificate, key] = Authority::new("another authority").issue("client", VALID);
    let stranger = builder().tls_client_certificate(certificate, key).build().unwrap();
    let text = refusal(&stranger).await;
    assert!(text.contains("the server refused the certificate of this client"), "{text}");
}

#[tokio::test]
async fn port_with_another_protocol_is_reported_as_a_likely_cause() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("rediss://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    // The thread ends when the connection of its client is closed.
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        // The thread reads all input before it closes the socket. If it closed the socket earlier,
        // the client could lose the answer.
        std::io::copy(&mut socket, &mut std::io::sink()).unwrap();
    });
    let authority = Authority::new("authority");
    let builder = RedisStore::builder(address).tls_roots(authority.pem.as_str());
    let text = refusal(&builder.timeout(Duration::from_secs(3)).build().unwrap()).await;
    assert!(text.contains("check that this port serves TLS"), "{text}");
    server.join().unwrap();
}
