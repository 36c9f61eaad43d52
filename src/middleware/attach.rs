//! Puts the session into the request's extensions, and removes values that must not be there.

use std::fmt;
use std::marker::PhantomData;

use http::Extensions;

use crate::authenticate::token_only::TokenOnly;
use crate::cache::Session;
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{UserId, random_text};
use crate::session::SessionData;
use crate::telemetry::events::{Event, Events};
use crate::trace;

/// The marker of a request that passed a layer in optional mode without a session. The marker tells
/// an extractor or a guard that the layer is present. The marker also contains the event handle
/// with which [`require`] emits an event for a rejection.
struct Anonymous<D> {
    events: Events,
    layer: PhantomData<fn() -> D>,
}

// Manual implementation: a derive would require `D: Clone`.
impl<D> Clone for Anonymous<D> {
    fn clone(&self) -> Self {
        Self { events: self.events.clone(), layer: PhantomData }
    }
}

/// The caller of a request that the layer let pass. The layer either checked the caller's session,
/// or let the request pass on its valid token alone because the store was unavailable
/// ([`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly)). With the feature `axum`, this
/// type is an extractor.
#[expect(clippy::exhaustive_enums, reason = "a handler must handle both cases")]
pub enum Caller<D = ()> {
    /// The layer checked the caller's session.
    Session(Session<D>),
    /// The caller's token is valid, but the layer could not check whether the session is still
    /// live.
    TokenOnly(TokenOnly),
}

impl<D: SessionData> Caller<D> {
    /// Returns the caller of the request that has these extensions. If the request passed without a
    /// session, this function emits an [`Event::Rejected`], because the returned error becomes a
    /// rejection.
    ///
    /// # Errors
    ///
    /// [`MissingToken`](AuthErrorKind::MissingToken) for a request that passed without a session,
    /// [`NoLayer`](AuthErrorKind::NoLayer) for a request that passed no layer with this `D`.
    pub fn of(extensions: &Extensions) -> Result<Self, AuthError> {
        match (extensions.get::<Session<D>>(), extensions.get::<TokenOnly>()) {
            (None, Some(token)) => Ok(Self::TokenOnly(token.clone())),
            _ => require::<D>(extensions).cloned().map(Self::Session),
        }
    }

    /// Returns the caller of the request that has these extensions. Returns `None` if the request
    /// passed without a session.
    ///
    /// # Errors
    ///
    /// [`NoLayer`](AuthErrorKind::NoLayer) for a request that passed no layer with this `D`.
    pub fn find(extensions: &Extensions) -> Result<Option<Self>, AuthError> {
        match (extensions.get::<Session<D>>(), extensions.get::<TokenOnly>()) {
            (None, Some(token)) => Ok(Some(Self::TokenOnly(token.clone()))),
            _ => Ok(find::<D>(extensions)?.cloned().map(Self::Session)),
        }
    }
}

impl<D> Caller<D> {
    /// Returns the id of the caller's user.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        match self {
            Self::Session(session) => session.user_id(),
            Self::TokenOnly(token) => token.claims().user(),
        }
    }
}

// Manual implementation: a derive would require `D: Clone`.
impl<D> Clone for Caller<D> {
    fn clone(&self) -> Self {
        match self {
            Self::Session(session) => Self::Session(session.clone()),
            Self::TokenOnly(token) => Self::TokenOnly(token.clone()),
        }
    }
}

impl<D> fmt::Debug for Caller<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(session) => f.debug_tuple("Session").field(session).finish(),
            Self::TokenOnly(token) => f.debug_tuple("TokenOnly").field(token).finish(),
        }
    }
}

/// Removes the [`Session`], the [`Anonymous`] and the [`TokenOnly`], in case other code has set
/// them. Only this layer may set these values. The layer calls this function for a request that
/// continues without a session, and for a request that it rejects.
pub(crate) fn clear<D: SessionData>(extensions: &mut Extensions) {
    extensions.remove::<Session<D>>();
    extensions.remove::<Anonymous<D>>();
    extensions.remove::<TokenOnly>();
}

/// Puts the session into the extensions and replaces any other session. The function does not
/// remove an [`Anonymous`] or a [`TokenOnly`], because all readers of the extensions look for the
/// session first. Removing these two values would make a cache hit a tenth more expensive.
pub(crate) fn session<D: SessionData>(extensions: &mut Extensions, session: Session<D>) {
    extensions.insert(session);
}

/// Puts a token into the extensions of a request whose session could not be checked.
pub(crate) fn token_only<D: SessionData>(extensions: &mut Extensions, token: TokenOnly) {
    clear::<D>(extensions);
    extensions.insert(token);
}

/// Marks a request that passed without a session.
pub(crate) fn anonymous<D: SessionData>(extensions: &mut Extensions, events: Events) {
    clear::<D>(extensions);
    extensions.insert(Anonymous::<D> { events, layer: PhantomData });
}

/// Returns the session of a request that the layer let pass. Returns `None` if the request passed
/// without a session.
///
/// # Errors
///
/// - [`StoreUnavailable`](AuthErrorKind::StoreUnavailable): the layer could not check the session,
///   and let the request pass on its valid token alone
///   ([`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly)).
/// - [`NoLayer`](crate::error::AuthErrorKind::NoLayer): no layer with this `D` has handled the
///   request. The log has an entry with the error's request id.
pub(crate) fn find<D: SessionData>(
    extensions: &Extensions,
) -> Result<Option<&Session<D>>, AuthError> {
    if let Some(session) = extensions.get::<Session<D>>() {
        return Ok(Some(session));
    }
    match (extensions.get::<Anonymous<D>>(), extensions.get::<TokenOnly>()) {
        (Some(_), _) => Ok(None),
        // The caller has a valid token, but the session is unknown. This is not an anonymous
        // request, so `None` would be wrong.
        (None, Some(_)) => Err(AuthError::new(AuthErrorKind::StoreUnavailable)),
        (None, None) => {
            // If the system returns no random bytes, the request id is empty. The response has the
            // same status and code, but the log entry is harder to find.
            let request_id = random_text::<9>().unwrap_or_default();
            trace::error!(
                "a handler or a guard asks for a session that no layer has checked: put \
                 `SessionAuthLayer` (with the same data type) around this route",
                data_type = std::any::type_name::<D>(),
                request_id = request_id,
            );
            Err(AuthError::no_layer(request_id))
        }
    }
}

/// Returns the session of a request, for a handler or guard that requires a session. If the request
/// passed without a session, this function emits an [`Event::Rejected`].
///
/// # Errors
///
/// The errors of [`find`], and [`MissingToken`](AuthErrorKind::MissingToken).
pub(crate) fn require<D: SessionData>(extensions: &Extensions) -> Result<&Session<D>, AuthError> {
    let found = find::<D>(extensions)?;
    found.ok_or_else(|| {
        let kind = AuthErrorKind::MissingToken;
        if let Some(Anonymous::<D> { events, .. }) = extensions.get() {
            events.emit(Event::Rejected { kind, user: None, session: None });
        }
        AuthError::new(kind)
    })
}
