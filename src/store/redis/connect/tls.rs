//! TLS connections to the server, with rustls.
//!
//! The driver's TLS support is not used, for two reasons:
//! - The driver uses the default crypto provider of the process, and panics at each connect if
//!   there is none.
//! - The driver reads the root certificates of the system again for each connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::select_ok;
use redis::RedisError;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::SockRef;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::error::ConnectError;
use crate::error::ConfigError;
use crate::store::StoreErrorKind;
use crate::store::redis::error::fault;

/// The certificates that the application supplies, as PEM.
#[derive(Default)]
pub(crate) struct TlsSettings {
    pub(crate) roots: Option<Vec<u8>>,
    /// The certificate chain of the client, and its private key.
    pub(crate) client: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

impl TlsSettings {
    pub(crate) fn are_default(&self) -> bool {
        self.roots.is_none() && self.client.is_none()
    }

    fn config(self) -> Result<ClientConfig, ConfigError> {
        // Uses the process's default provider, if the application has installed one. Otherwise uses
        // aws-lc-rs, and never panics.
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
        let refused = |_| ConfigError::Store("the TLS crypto provider supports no TLS version");
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_root_certificates(match &self.roots {
                Some(pem) => roots(pem)?,
                None => system_roots()?,
            });
        let Some((chain, key)) = self.client else { return Ok(builder.with_no_client_auth()) };
        let chain = certificates(&chain, "`tls_client_certificate` holds no PEM certificate")?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| {
            ConfigError::Store(
                "the key of `tls_client_certificate` is not a PEM private key without a passphrase",
            )
        })?;
        builder.with_client_auth_cert(chain, key).map_err(|_| {
            ConfigError::Store(
                "the key of `tls_client_certificate` does not belong to the certificate",
            )
        })
    }
}

/// Opens TLS connections to one host.
pub(crate) struct Tls {
    connector: TlsConnector,
    host: String,
    port: u16,
    name: ServerName<'static>,
}

impl Tls {
    pub(crate) fn new(settings: TlsSettings, host: &str, port: u16) -> Result<Self, ConfigError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            ConfigError::Store("the host of the address is neither a DNS name nor an IP address")
        })?;
        let connector = TlsConnector::from(Arc::new(settings.config()?));
        Ok(Self { connector, host: host.to_owned(), port, name })
    }

    /// Connects to the first address of the host that answers, and verifies the server's
    /// certificate.
    pub(crate) async fn connect(
        &self,
        tcp: &TcpSettings,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host((&*self.host, self.port)).await.map_err(driver)?.collect();
        if addresses.is_empty() {
            return Err(unavailable("the host of the address has no IP address"));
        }
        let connects = addresses.into_iter().map(|address| Box::pin(TcpStream::connect(address)));
        let (stream, _others) = select_ok(connects).await.map_err(driver)?;
        set(&stream, tcp).map_err(driver)?;
        self.connector.connect(self.name.clone(), stream).await.map_err(|error| handshake(&error))
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "`tls_roots` holds no PEM certificate")? {
        roots.add(certificate).map_err(|_| {
            ConfigError::Store(
                "a certificate of `tls_roots` cannot be read as that of a certificate authority",
            )
        })?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    // Skips certificates that cannot be read, as browsers do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(ConfigError::Store(
            "this system has no root certificates for TLS: install its package \
             `ca-certificates`, or set `tls_roots`",
        ));
    }
    Ok(roots)
}

fn certificates(
    pem: &[u8],
    none: &'static str,
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or(ConfigError::Store(none))
}

/// Returns the error of a login over TLS. With TLS 1.3, a server refuses a client certificate only
/// after the handshake, so the refusal appears as an error of the login.
pub(crate) fn after_handshake(error: RedisError) -> ConnectError {
    let text = error.to_string();
    match text.strip_prefix("received fatal alert: ") {
        Some("CertificateRequired") => {
            unavailable("TLS: the server asks for a certificate: set `tls_client_certificate`")
        }
        Some(_) => unavailable(
            "TLS: the server refused the certificate of this client: check \
             `tls_client_certificate`",
        ),
        None => ConnectError::Driver(error),
    }
}

/// Sets the socket options that the driver also sets for its own connections.
fn set(stream: &TcpStream, tcp: &TcpSettings) -> io::Result<()> {
    stream.set_nodelay(tcp.nodelay())?;
    let socket = SockRef::from(stream);
    if let Some(keepalive) = tcp.keepalive() {
        socket.set_tcp_keepalive(keepalive)?;
    }
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    socket.set_tcp_user_timeout(tcp.user_timeout())?;
    Ok(())
}

fn driver(error: io::Error) -> ConnectError {
    ConnectError::Driver(error.into())
}

fn unavailable(what: &'static str) -> ConnectError {
    fault(StoreErrorKind::Unavailable, what).into()
}

/// Returns the cause of a failed handshake, as a text of this library, because the texts of rustls
/// contain the host name.
fn handshake(error: &io::Error) -> ConnectError {
    use rustls::AlertDescription as Alert;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(inner) = inner else {
        return ConnectError::Driver(io::Error::from(error.kind()).into());
    };
    unavailable(match inner {
        rustls::Error::InvalidCertificate(cause) => match cause {
            // A wrong signature means that the client trusts a different authority with the same
            // name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "TLS: the server's certificate was issued by an authority that is not trusted \
                 here: set `tls_roots`"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "TLS: the server's certificate is for another host name than the address"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "TLS: the server's certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "TLS: the server's certificate is not valid yet: check this host's clock"
            }
            CertificateError::Revoked => "TLS: the server's certificate is revoked",
            _ => "TLS: the server's certificate is not valid",
        },
        rustls::Error::AlertReceived(Alert::CertificateRequired | Alert::HandshakeFailure) => {
            "TLS: the server refused the handshake: set `tls_client_certificate` if the server \
             requires it"
        }
        rustls::Error::AlertReceived(_) => "TLS: the server refused the handshake",
        rustls::Error::InvalidMessage(_) => {
            "TLS: the server's answer is not TLS: check that this port serves TLS"
        }
        _ => "TLS: the handshake failed",
    })
}
