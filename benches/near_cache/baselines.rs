//! The baselines: what applications write by hand. One Tower layer verifies a JWT only; another one
//! also reads the session from Redis.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bb8_redis::{RedisConnectionManager, bb8};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response, StatusCode};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use pin_project_lite::pin_project;
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};
use tower::Service;

use crate::measure::Measured;
use crate::support::{AUDIENCE, ISSUER, SECRET};

type Answer = Result<Response<String>, Infallible>;

/// The inner service. It answers 200 if the request's extensions hold an `E`, otherwise 202.
pub(crate) struct Inner<E>(PhantomData<fn() -> E>);

impl<E> Inner<E> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E> Clone for Inner<E> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<E: Send + Sync + 'static> Service<Request<String>> for Inner<E> {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let known = request.extensions().get::<E>().is_some();
        ready(Ok(answer(if known { StatusCode::OK } else { StatusCode::ACCEPTED })))
    }
}

fn answer(status: StatusCode) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = status;
    response
}

/// The claims of the token.
#[derive(Clone, Deserialize)]
#[expect(dead_code, reason = "only an application would read the fields")]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    jti: String,
    iat: u64,
    exp: u64,
}

/// The usual check of a token: HS256 only, with `iss`, `aud` and `exp`.
#[derive(Clone)]
pub(crate) struct Verifier(Arc<(DecodingKey, Validation)>);

impl Verifier {
    pub(crate) fn new() -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        Self(Arc::new((DecodingKey::from_secret(SECRET), validation)))
    }

    fn verify(&self, headers: &HeaderMap) -> Option<Claims> {
        let (key, validation) = &*self.0;
        let token = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        Some(decode(token, key, validation).ok()?.claims)
    }
}

/// Verifies the JWT and does not check the session.
#[derive(Clone)]
pub(crate) struct JwtOnly<S> {
    pub(crate) inner: S,
    pub(crate) verifier: Verifier,
}

pin_project! {
    #[project = EitherProj]
    pub(crate) enum Either<F> {
        Refused { response: Option<Response<String>> },
        Passed { #[pin] call: F },
    }
}

impl<F: Future<Output = Answer>> Future for Either<F> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        match self.project() {
            EitherProj::Refused { response } => Poll::Ready(Ok(response.take().unwrap())),
            EitherProj::Passed { call } => call.poll(context),
        }
    }
}

impl<S: Measured> Service<Request<String>> for JwtOnly<S> {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Either<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<String>) -> Self::Future {
        match self.verifier.verify(request.headers()) {
            Some(claims) => {
                request.extensions_mut().insert(claims);
                Either::Passed { call: self.inner.call(request) }
            }
            None => Either::Refused { response: Some(answer(StatusCode::UNAUTHORIZED)) },
        }
    }
}

/// A session in the form of a hand-written application: JSON under one key.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Kept {
    pub(crate) user_id: String,
    pub(crate) user_name: String,
    pub(crate) email: String,
    pub(crate) roles: Vec<String>,
    pub(crate) ip_address: String,
    pub(crate) user_agent: String,
    pub(crate) created_at: u64,
    pub(crate) last_activity: u64,
}

/// The answers to `GET` and `PTTL`.
#[derive(Clone)]
#[expect(dead_code, reason = "only an application would read the fields")]
pub(crate) struct Raw(Vec<u8>, i64);

pub(crate) fn key_of(sid: &str) -> String {
    format!("app:session:{sid}")
}

/// A way to read the session from Redis.
pub(crate) trait Lookup: Clone + Send + Sync + 'static {
    type Found: Clone + Send + Sync + 'static;

    fn find(
        &mut self,
        claims: &Claims,
    ) -> impl Future<Output = Result<Option<Self::Found>, ()>> + Send;
}

/// `GET` over a standard pool: bb8-redis with its defaults.
#[derive(Clone)]
pub(crate) struct Bb8Get(pub(crate) bb8::Pool<RedisConnectionManager>);

impl Lookup for Bb8Get {
    type Found = Kept;

    async fn find(&mut self, claims: &Claims) -> Result<Option<Kept>, ()> {
        let mut connection = self.0.get().await.map_err(drop)?;
        let json: Option<String> = connection.get(key_of(&claims.sid)).await.map_err(drop)?;
        json.map(|json| serde_json::from_str(&json)).transpose().map_err(drop)
    }
}

/// `GET` over one shared connection.
#[derive(Clone)]
pub(crate) struct SharedGet(pub(crate) MultiplexedConnection);

impl Lookup for SharedGet {
    type Found = Kept;

    async fn find(&mut self, claims: &Claims) -> Result<Option<Kept>, ()> {
        let json: Option<String> = self.0.get(key_of(&claims.sid)).await.map_err(drop)?;
        json.map(|json| serde_json::from_str(&json)).transpose().map_err(drop)
    }
}

/// `GET` and `PTTL` in one pipeline over one shared connection. The value is not parsed.
#[derive(Clone)]
pub(crate) struct BareGetPttl(pub(crate) MultiplexedConnection);

impl Lookup for BareGetPttl {
    type Found = Raw;

    async fn find(&mut self, claims: &Claims) -> Result<Option<Raw>, ()> {
        let key = key_of(&claims.sid);
        let mut both = redis::pipe();
        both.get(&key).pttl(&key);
        let (value, ttl): (Option<Vec<u8>>, i64) =
            both.query_async(&mut self.0).await.map_err(drop)?;
        Ok(value.filter(|_| ttl > 0).map(|value| Raw(value, ttl)))
    }
}

/// Verifies the JWT and reads its session.
#[derive(Clone)]
pub(crate) struct JwtAnd<S, L> {
    pub(crate) inner: S,
    pub(crate) verifier: Verifier,
    pub(crate) lookup: L,
}

impl<S: Measured, L: Lookup> Service<Request<String>> for JwtAnd<S, L> {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<String>) -> Self::Future {
        let Some(claims) = self.verifier.verify(request.headers()) else {
            return Box::pin(ready(Ok(answer(StatusCode::UNAUTHORIZED))));
        };
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let mut lookup = self.lookup.clone();
        Box::pin(async move {
            match lookup.find(&claims).await {
                Ok(Some(found)) => {
                    request.extensions_mut().insert(claims);
                    request.extensions_mut().insert(found);
                    inner.call(request).await
                }
                Ok(None) => Ok(answer(StatusCode::UNAUTHORIZED)),
                Err(()) => Ok(answer(StatusCode::SERVICE_UNAVAILABLE)),
            }
        })
    }
}
