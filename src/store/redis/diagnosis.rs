//! The diagnosis: it finds problems in the setup of a server that otherwise works.

use std::collections::HashSet;
use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::{RedisResult, ServerErrorKind, Value, cmd, pipe};

use super::connect::error::ConnectError;
use super::connect::server::{Role, ServerInfo, text};
use super::connect::{Endpoint, plain_config};
use super::error::unexpected;
use super::time::micros_of;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::store::StoreError;

/// The state of the server, as [`RedisStore::diagnose`](super::RedisStore::diagnose) found it.
///
/// ```no_run
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let store = tower_session_auth::RedisStore::new("redis://127.0.0.1/")?;
/// let diagnosis = store.diagnose().await?;
/// for finding in &diagnosis.findings {
///     eprintln!("Redis: {finding}");
/// }
/// let server = diagnosis.usable?; // too old, a replica, or rights are missing
/// println!("sessions live in {} {}", server.name, server.version);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The server, or the reason why the store cannot use it. The error has one of these kinds:
    ///
    /// - [`NotPrimary`](crate::store::StoreErrorKind::NotPrimary): the server is a replica.
    /// - [`Unsupported`](crate::store::StoreErrorKind::Unsupported): the server is too old, or
    ///   rights are missing. If rights are missing, the source of the error names all of them, in
    ///   the syntax of `ACL SETUSER`.
    pub usable: Result<ServerInfo, StoreError>,
    /// Problems in the setup that an operator should fix. A server that cannot be used may refuse
    /// the commands of the diagnosis. In that case, this list is empty.
    pub findings: Vec<Finding>,
}

/// A problem in the setup of a server.
/// [`RedisStore::diagnose`](super::RedisStore::diagnose) returns it.
///
/// `Display` names the problem and its fix on one line, without an address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The server has a `maxmemory`, and this eviction policy removes sessions when the limit is
    /// reached.
    EvictionPolicy(String),
    /// The server has this version, which is older than Redis 7.0 or Valkey 7.2.
    ServerTooOld(String),
    /// The server is a replica. The store rejects its answers, so requests fail with 503.
    Replica,
    /// The server sends no invalidations, so the near cache cannot be used.
    TrackingRefused(TrackingRefusal),
    /// Another application, with another token issuer, writes under the same key prefix.
    SharedPrefix,
    /// The clocks of this host and of the server differ by at least this duration. The diagnosis
    /// reports this finding only if the duration is more than 1 s.
    ClockSkew(Duration),
}

/// Why a server sends no invalidations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrackingRefusal {
    /// The Redis user lacks the permission for `CLIENT TRACKING`.
    NotPermitted,
    /// The server, or a proxy in front of it, does not support `CLIENT TRACKING`.
    NotSupported,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EvictionPolicy(policy) => {
                let which = if policy.starts_with("allkeys-") {
                    "any session"
                } else {
                    "sessions (all of them have a TTL)"
                };
                let policy = policy.escape_debug();
                write!(
                    f,
                    "maxmemory-policy is {policy}, which evicts {which} when the memory is full: \
                     set it to noeviction"
                )
            }
            Self::ServerTooOld(version) => write!(
                f,
                "the server has version {}: upgrade it to Redis 7.0, Valkey 7.2 or later",
                version.escape_debug()
            ),
            Self::Replica => f.write_str(
                "the server is a replica, so requests fail with 503: give the address of the \
                 primary",
            ),
            Self::TrackingRefused(TrackingRefusal::NotPermitted) => f.write_str(
                "CLIENT TRACKING is not permitted, so the near cache is off and each request asks \
                 the server: grant the Redis user +client|tracking +get +set +del",
            ),
            Self::TrackingRefused(TrackingRefusal::NotSupported) => f.write_str(
                "CLIENT TRACKING is not supported, so the near cache is off and each request asks \
                 the server: use a server that supports it, without a proxy in between",
            ),
            Self::SharedPrefix => f.write_str(
                "another application, with another token issuer, uses the same key prefix, so the \
                 two share users and sessions: give each application a prefix of its own \
                 (`RedisStoreBuilder::prefix`)",
            ),
            Self::ClockSkew(apart) => write!(
                f,
                "the clocks of this host and of the server differ by {:.1} s: synchronize both \
                 with NTP",
                apart.as_secs_f64()
            ),
        }
    }
}

/// What a diagnosis needs in addition to the server.
pub(super) struct Diagnostics {
    /// This host's clock. The diagnosis compares it with the server's clock. This clock also
    /// decides when the store writes the marks of its issuers again.
    host: Arc<dyn Clock>,
    pub(super) timeout: Duration,
    /// The kinds of findings that [`news`](Self::news) has already returned.
    told: Mutex<HashSet<Discriminant<Finding>>>,
}

/// The largest clock difference that is not reported. No login fails because of such a difference.
const TOLERATED: Duration = Duration::from_secs(1);

impl Diagnostics {
    pub(super) fn new(host: Option<Arc<dyn Clock>>, timeout: Duration) -> Self {
        let host = host.unwrap_or_else(|| Arc::new(SystemClock));
        Self { host, timeout, told: Mutex::default() }
    }

    /// Returns the time since a fixed moment, by this host's monotonic clock.
    pub(super) fn monotonic(&self) -> Duration {
        self.host.monotonic()
    }

    /// Returns the texts to log. Each kind of finding is logged only once, so a finding is left out
    /// if an earlier call had a finding of the same kind. `TrackingRefused` is always left out,
    /// because the near cache logs it.
    pub(super) fn news(&self, findings: Vec<Finding>) -> Vec<String> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let others = findings.into_iter().filter(|f| !matches!(f, Finding::TrackingRefused(_)));
        let new = others.filter(|finding| told.insert(discriminant(finding)));
        new.map(|finding| finding.to_string()).collect()
    }

    pub(super) async fn findings(&self, endpoint: &Endpoint) -> Result<Vec<Finding>, StoreError> {
        let (asked, time, round_trip, answers) = self.ask(endpoint).await?;
        let time = micros_of(&time).ok_or_else(unexpected)?;
        let [hello, memory, tracking] =
            <[Value; 3]>::try_from(answers).map_err(|_| unexpected())?;
        let server = ServerInfo::of_any_age(&hello)?;
        let role = server.role();
        Ok([
            eviction(&memory),
            server.is_too_old().then_some(Finding::ServerTooOld(server.version)),
            (role == Role::Replica).then_some(Finding::Replica),
            refusal(tracking.extract_error()).map(Finding::TrackingRefused),
            skew(asked, time, round_trip).map(Finding::ClockSkew),
        ]
        .into_iter()
        .flatten()
        .collect())
    }

    /// Sends the commands of the diagnosis. Returns the host's time, the server's time, the
    /// round-trip time, and the answers.
    ///
    /// Uses a separate connection and then closes it, because tracking is a state of a connection.
    async fn ask(
        &self,
        endpoint: &Endpoint,
    ) -> Result<(Timestamp, Value, Duration, Vec<Value>), ConnectError> {
        let config = plain_config(self.timeout);
        let mut connection = endpoint.target().await?.connect(config, |_| {}).await?;
        let (asked, sent) = (self.host.now(), Instant::now());
        let time = connection.send(&cmd("TIME")).await?.extract_error()?;
        let round_trip = sent.elapsed();
        let mut questions = pipe();
        questions
            .add_command(cmd("HELLO"))
            .cmd("INFO")
            .arg("memory")
            .cmd("CLIENT")
            .arg(&["TRACKING", "ON", "OPTIN"]);
        let answers = connection.send_all(&questions).await?;
        Ok((asked, time, round_trip, answers))
    }
}

/// Reads the answer to `INFO memory`. Returns `None` if the command was refused. Also returns
/// `None` if the server has no `maxmemory`, because without this limit no policy removes keys.
fn eviction(memory: &Value) -> Option<Finding> {
    let info = text(memory)?;
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
    let (limit, policy) = (field("maxmemory:")?, field("maxmemory_policy:")?.trim());
    (limit.trim() != "0" && policy != "noeviction")
        .then(|| Finding::EvictionPolicy(policy.to_owned()))
}

fn refusal(answer: RedisResult<Value>) -> Option<TrackingRefusal> {
    let error = answer.err()?;
    let not_permitted = error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoPerm);
    Some(if not_permitted { TrackingRefusal::NotPermitted } else { TrackingRefusal::NotSupported })
}

/// Returns a lower bound of the difference between the server's clock and the host's clock. Returns
/// `None` if the lower bound is not more than [`TOLERATED`]. `asked` is the host's time at which
/// the question was sent. `server` is the server's time in microseconds.
fn skew(asked: Timestamp, server: i64, round_trip: Duration) -> Option<Duration> {
    // The server read its clock at some moment of the round trip. The estimate assumes the middle
    // of the round trip, so the error of the estimate is at most half of the round trip.
    let half = round_trip / 2;
    let host = i128::from(asked.as_millis()) * 1_000 + half.as_micros().cast_signed();
    let apart = (i128::from(server) - host).unsigned_abs();
    let apart = Duration::from_micros(u64::try_from(apart).unwrap_or(u64::MAX));
    Some(apart.saturating_sub(half)).filter(|apart| *apart > TOLERATED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn bulk_string(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn maxmemory_with_an_eviction_policy_is_a_finding() {
        for (info, policy) in [
            ("# Memory\r\nmaxmemory:1\r\nmaxmemory_policy:allkeys-lru\r\n", Some("allkeys-lru")),
            ("maxmemory:52428800\r\nmaxmemory_policy:volatile-ttl\r\n", Some("volatile-ttl")),
            ("maxmemory_policy:a-new-one\r\nmaxmemory:1\r\n", Some("a-new-one")),
            ("maxmemory:1\r\nmaxmemory_policy:noeviction\r\n", None),
            ("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", None),
            ("maxmemory_human:1M\r\nmaxmemory_policy:allkeys-lru\r\n", None),
            ("", None),
        ] {
            let expected = policy.map(|policy| Finding::EvictionPolicy(policy.to_owned()));
            assert_eq!(eviction(&bulk_string(info)), expected, "{info}");
        }
        assert_eq!(eviction(&Value::Nil), None);
    }

    #[test]
    fn clock_skew_excludes_the_uncertainty_of_the_round_trip() {
        let asked = Timestamp::from_millis(1_000_000);
        for (server, round_trip, apart) in [
            (1_000_000, Duration::ZERO, None),
            (1_001_000, Duration::ZERO, None),
            (1_001_001, Duration::ZERO, Some(1_001 * MS)),
            (998_999, Duration::ZERO, Some(1_001 * MS)),
            // The middle of the round trip is 200 ms after `asked`. This estimate may be wrong by
            // 200 ms.
            (1_001_400, 400 * MS, None),
            (1_001_401, 400 * MS, Some(1_001 * MS)),
            (998_999, 400 * MS, Some(1_001 * MS)),
            (999_000, 400 * MS, None),
        ] {
            assert_eq!(skew(asked, server * 1_000, round_trip), apart, "{server} {round_trip:?}");
        }
        assert!(skew(Timestamp::MAX, i64::MIN, Duration::MAX).is_none());
        assert!(skew(Timestamp::MAX, i64::MIN, Duration::ZERO).is_some());
    }

    #[test]
    fn tracking_refusal_is_mapped_to_its_reason() {
        let refused = |kind| Err((redis::ErrorKind::Server(kind), "refused").into());
        use TrackingRefusal::{NotPermitted, NotSupported};
        assert_eq!(refusal(refused(ServerErrorKind::NoPerm)), Some(NotPermitted));
        assert_eq!(refusal(refused(ServerErrorKind::ResponseError)), Some(NotSupported));
        assert_eq!(refusal(Ok(Value::Okay)), None);
    }

    #[test]
    fn each_finding_names_its_fix_on_one_line() {
        for (finding, fix) in [
            (Finding::EvictionPolicy("allkeys-lru\nINFO all is well".to_owned()), "noeviction"),
            (Finding::ServerTooOld("6.2.14\n".to_owned()), "6.2.14\\n: upgrade it to Redis 7.0"),
            (Finding::Replica, "the address of the primary"),
            (Finding::TrackingRefused(TrackingRefusal::NotPermitted), "grant the Redis user"),
            (Finding::TrackingRefused(TrackingRefusal::NotSupported), "without a proxy"),
            (Finding::SharedPrefix, "a prefix of its own"),
            (Finding::ClockSkew(1_250 * MS), "differ by 1.2 s"),
        ] {
            let shown = finding.to_string();
            assert!(shown.contains(fix) && shown.lines().count() == 1, "{shown}");
        }
    }
}
