//! The traits of the conditions that guards check.

use std::fmt::Debug;

use crate::session::Session;

/// A condition that a [`Guard`](super::Guard) checks on a session. The trait is sealed, so there
/// are only these conditions: [`Role`](super::Role), [`Fresh`](super::Fresh), [`Acr`](super::Acr)
/// and [`Amr`](super::Amr).
#[expect(private_bounds, reason = "sealed: only this library can implement a condition")]
pub trait Condition: Holds + Debug + Send + Sync + 'static {}

/// A [`Condition`] on the login. The user can meet this condition by another login.
pub trait LoginCondition: Condition {}

/// The check of a condition. This trait is private, so that [`Condition`] is sealed.
pub(super) trait Holds {
    /// Returns whether the session meets the condition. Reads only the session and does no I/O.
    fn holds<D>(&self, session: &Session<D>) -> bool;
}
