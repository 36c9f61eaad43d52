//! The session into the request's extensions, and what must not be there out of them.

use std::fmt;
use std::marker::PhantomData;

use http::Extensions;

use crate::error::{AuthError, AuthErrorKind};
use crate::events::{Event, Events};
use crate::id::{UserId, random_text};
use crate::manager::TokenOnly;
use crate::session::{Session, SessionData};
use crate::trace;

/// Left by a layer in optional mode when a request passes without a session, so that an extractor or a guard can tell that
/// from a layer that is missing, and where to tell what happens to the request.
struct Anonymous<D> {
    events: Events,
    layer: PhantomData<fn() -> D>,
}

// By hand: a derive would ask for `D: Clone`.
impl<D> Clone for Anonymous<D> {
    fn clone(&self) -> Self {
        Self { events: self.events.clone(), layer: PhantomData }
    }
}

/// Who sent a request that was let in, also by a layer with
/// [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly) while the store was away. With the feature `axum` it is
/// an extractor.
#[expect(clippy::exhaustive_enums, reason = "a handler must decide for both")]
pub enum Caller<D = ()> {
    /// Somebody with a session that was checked.
    Session(Session<D>),
    /// Somebody with a good token, and nobody knows whether they are still logged in.
    TokenOnly(TokenOnly),
}

impl<D: SessionData> Caller<D> {
    /// Who sent the request with these extensions. That it was nobody is told as an event: the request is refused.
    ///
    /// # Errors
    ///
    /// [`MissingToken`](AuthErrorKind::MissingToken) for a request that was let in without one,
    /// [`NoLayer`](AuthErrorKind::NoLayer) for one that no layer with this `D` has seen.
    pub fn of(extensions: &Extensions) -> Result<Self, AuthError> {
        match (extensions.get::<Session<D>>(), extensions.get::<TokenOnly>()) {
            (None, Some(token)) => Ok(Self::TokenOnly(token.clone())),
            _ => require::<D>(extensions).cloned().map(Self::Session),
        }
    }

    /// The same; `None` for a request that was let in without a token.
    ///
    /// # Errors
    ///
    /// [`NoLayer`](AuthErrorKind::NoLayer) for a request that no layer with this `D` has seen.
    pub fn find(extensions: &Extensions) -> Result<Option<Self>, AuthError> {
        match (extensions.get::<Session<D>>(), extensions.get::<TokenOnly>()) {
            (None, Some(token)) => Ok(Some(Self::TokenOnly(token.clone()))),
            _ => Ok(find::<D>(extensions)?.cloned().map(Self::Session)),
        }
    }
}

impl<D> Caller<D> {
    /// The user.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        match self {
            Self::Session(session) => session.user_id(),
            Self::TokenOnly(token) => token.claims().user(),
        }
    }
}

// By hand: a derive would ask for `D: Clone`.
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

/// Removes what an outer layer or a careless handler may have put where only this layer's word counts, for requests that
/// go on without a session, or do not go on.
pub(crate) fn clear<D: SessionData>(extensions: &mut Extensions) {
    extensions.remove::<Session<D>>();
    extensions.remove::<Anonymous<D>>();
    extensions.remove::<TokenOnly>();
}

/// Lets the inner service see the session, in the place of any other. What is left there of the other two is not looked
/// at beside it: to look for that would be a tenth of the cost of a hit.
pub(crate) fn session<D: SessionData>(extensions: &mut Extensions, session: Session<D>) {
    extensions.insert(session);
}

/// Lets the inner service see a token, where nobody can say whether its session lives.
pub(crate) fn token_only<D: SessionData>(extensions: &mut Extensions, token: TokenOnly) {
    clear::<D>(extensions);
    extensions.insert(token);
}

/// Lets the inner service see that there is none.
pub(crate) fn anonymous<D: SessionData>(extensions: &mut Extensions, events: Events) {
    clear::<D>(extensions);
    extensions.insert(Anonymous::<D> { events, layer: PhantomData });
}

/// The session that a layer let in; `None` where the layer let a request pass without one.
///
/// # Errors
///
/// [`StoreUnavailable`](AuthErrorKind::StoreUnavailable) for a request that was let in on its token alone;
/// [`NoLayer`](crate::error::AuthErrorKind::NoLayer) when no layer with this `D` has seen the request. The log then says
/// so, with the error's request id.
pub(crate) fn find<D: SessionData>(
    extensions: &Extensions,
) -> Result<Option<&Session<D>>, AuthError> {
    if let Some(session) = extensions.get::<Session<D>>() {
        return Ok(Some(session));
    }
    match (extensions.get::<Anonymous<D>>(), extensions.get::<TokenOnly>()) {
        (Some(_), _) => Ok(None),
        // Somebody is there, and nobody knows with which session: that is not "nobody".
        (None, Some(_)) => Err(AuthError::new(AuthErrorKind::StoreUnavailable)),
        (None, None) => {
            // Without random bytes the answer is the same, it is only harder to find.
            let request_id = random_text::<9>().unwrap_or_default();
            trace::error!(
                "a handler or a guard asks for a session that no layer has checked: put `SessionAuthLayer` (with the \
                 same data type) around this route",
                data_type = std::any::type_name::<D>(),
                request_id = request_id,
            );
            Err(AuthError::no_layer(request_id))
        }
    }
}

/// The session that a layer let in, for somebody who lets nobody pass without one. That it is missing is told as an
/// event.
///
/// # Errors
///
/// As for [`find`], and [`MissingToken`](AuthErrorKind::MissingToken).
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
