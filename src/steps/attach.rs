//! The session into the request's extensions, and what must not be there out of them.

use http::Extensions;

use crate::session::{Session, SessionData};

/// Left by a layer in optional mode when a request passes without a session, so that an extractor can tell that from a
/// layer that is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anonymous;

/// Removes what an outer layer or a careless handler may have put where only this layer's word counts.
pub(crate) fn clear<D: SessionData>(extensions: &mut Extensions) {
    extensions.remove::<Session<D>>();
    extensions.remove::<Anonymous>();
}

/// Lets the inner service see the session.
pub(crate) fn session<D: SessionData>(extensions: &mut Extensions, session: Session<D>) {
    extensions.insert(session);
}

/// Lets the inner service see that there is none.
pub(crate) fn anonymous(extensions: &mut Extensions) {
    extensions.insert(Anonymous);
}
