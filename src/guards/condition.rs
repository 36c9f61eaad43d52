//! What a guard can ask for.

use std::fmt::Debug;

use crate::session::Session;

/// What a [`Guard`](super::Guard) asks of a session. The list is closed: [`Role`](super::Role),
/// [`Fresh`](super::Fresh), [`Acr`](super::Acr) and [`Amr`](super::Amr).
#[expect(private_bounds, reason = "only this library knows how to ask, so nobody else can add one")]
pub trait Condition: Holds + Debug + Send + Sync + 'static {}

/// A [`Condition`] on how the user logged in: one that another login can meet.
pub trait LoginCondition: Condition {}

pub(super) trait Holds {
    fn holds<D>(&self, session: &Session<D>) -> bool;
}
