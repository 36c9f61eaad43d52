//! The part that all guards share: the check of a request, and how the guard is configured.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use http::Extensions;

use super::condition::Condition;
use crate::error::{AuthError, StepUp};
use crate::middleware::attach;
use crate::middleware::reject::JsonRejection;
use crate::session::SessionData;
use crate::telemetry::events::Event;

/// What a guard checks, and how it answers a request that does not meet the condition.
pub(super) struct Check<D, R> {
    condition: Arc<Condition>,
    /// The error of a rejection. It is created one time, and cloned for each rejection.
    refusal: AuthError,
    pub(super) reject: Arc<R>,
    data: PhantomData<fn() -> D>,
}

impl Check<(), JsonRejection> {
    pub(super) fn new(condition: Condition, refusal: AuthError) -> Self {
        let (condition, reject) = (Arc::new(condition), Arc::new(JsonRejection));
        Self { condition, refusal, reject, data: PhantomData }
    }
}

impl<D, R> Check<D, R> {
    pub(super) fn data<E>(self) -> Check<E, R> {
        let Self { condition, refusal, reject, data: _ } = self;
        Check { condition, refusal, reject, data: PhantomData }
    }

    pub(super) fn on_reject<R2>(self, reject: R2) -> Check<D, R2> {
        let Self { condition, refusal, reject: _, data } = self;
        Check { condition, refusal, reject: Arc::new(reject), data }
    }

    pub(super) fn challenge(self, step_up: StepUp) -> Self {
        let step_up = match self.refusal.step_up() {
            Some(own) => own.clone().and(step_up),
            None => step_up,
        };
        Self { refusal: AuthError::needs(step_up), ..self }
    }

    /// Returns an error if these extensions contain no session, or if the session does not meet the
    /// condition. Emits an event for each rejection, except for `NoLayer` and `StoreUnavailable`.
    pub(super) fn check(&self, extensions: &Extensions) -> Result<(), AuthError>
    where
        D: SessionData,
    {
        let session = attach::require::<D>(extensions)?;
        if self.condition.holds(session) {
            return Ok(());
        }
        session.events().emit(Event::Rejected {
            kind: self.refusal.kind(),
            user: Some(session.user_id().clone()),
            session: Some(session.id().clone()),
        });
        Err(self.refusal.clone())
    }
}

// Manual implementation: a derive would require `D: Clone` and `R: Clone`.
impl<D, R> Clone for Check<D, R> {
    fn clone(&self) -> Self {
        Self {
            condition: Arc::clone(&self.condition),
            refusal: self.refusal.clone(),
            reject: Arc::clone(&self.reject),
            data: PhantomData,
        }
    }
}

impl<D, R> fmt::Debug for Check<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.condition, f)
    }
}

/// Implements for a guard what all guards have in common: `data`, `on_reject`, [`Layer`], `Clone`
/// and `Debug`.
///
/// [`Layer`]: tower_layer::Layer
macro_rules! guard {
    ($guard:ident) => {
        impl<D, R> $guard<D, R> {
            /// Sets the type of the application's session data: the `D` of the
            /// [`SessionAuthLayer<D>`](crate::SessionAuthLayer) around this guard. If `D` differs
            /// from the layer's, the guard answers every request with 500.
            #[must_use]
            pub fn data<E: crate::session::SessionData>(self) -> $guard<E, R> {
                $guard { check: self.check.data() }
            }

            /// Answers rejected requests with `reject`, as
            /// [`SessionAuthLayer::on_reject`](crate::SessionAuthLayer::on_reject) does. The guard
            /// calls `reject` for every rejection, including
            /// [`NoLayer`](crate::error::AuthErrorKind::NoLayer).
            #[must_use]
            pub fn on_reject<R2>(self, reject: R2) -> $guard<D, R2> {
                $guard { check: self.check.on_reject(reject) }
            }
        }

        impl<S, D, R> tower_layer::Layer<S> for $guard<D, R> {
            type Service = crate::middleware::guards::service::Guarded<S, D, R>;

            fn layer(&self, inner: S) -> Self::Service {
                Self::Service::new(inner, self.check.clone())
            }
        }

        // Manual implementation: a derive would require `D: Clone` and `R: Clone`.
        impl<D, R> Clone for $guard<D, R> {
            fn clone(&self) -> Self {
                Self { check: self.check.clone() }
            }
        }

        impl<D, R> std::fmt::Debug for $guard<D, R> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($guard)).field(&self.check).finish()
            }
        }
    };
}

/// Implements `challenge` for a guard on the login. A user can meet the condition of such a guard
/// by logging in again.
macro_rules! login_guard {
    ($guard:ident) => {
        impl<D, R> $guard<D, R> {
            /// Adds `step_up` to the challenge of this guard. The challenge also keeps the
            /// requirements that the guard itself checks.
            ///
            /// Use this for a route with two guards, so that one response tells the client all
            /// requirements. Also use it for [`RequireAmr`](crate::guards::RequireAmr), whose own
            /// challenge names no requirement.
            ///
            /// ```
            /// use std::time::Duration;
            ///
            /// use tower_session_auth::error::StepUp;
            /// use tower_session_auth::guards::{RequireAcr, RequireFresh};
            ///
            /// # fn main() -> Result<(), tower_session_auth::error::ConfigError> {
            /// let (minute, strong) = (Duration::from_secs(60), ["phr", "phrh"]);
            /// let fresh = RequireFresh::new(minute).challenge(StepUp::acr(strong)?);
            /// let strong = RequireAcr::any_of(strong)?.challenge(StepUp::fresh(minute));
            /// # let _ = (fresh, strong);
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn challenge(self, step_up: crate::error::StepUp) -> Self {
                Self { check: self.check.challenge(step_up) }
            }
        }
    };
}

pub(super) use {guard, login_guard};
