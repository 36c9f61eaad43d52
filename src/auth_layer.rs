//! The parts of a [`SessionAuthLayer`](crate::SessionAuthLayer): its service and future, its
//! optional mode, and the responses to rejected requests.
//!
//! | task | item |
//! |---|---|
//! | name the type of a service with the layer | [`SessionAuth`] |
//! | accept requests without a token | [`OptionalMode`] |
//! | answer rejected requests in a way of your own | [`Reject`], with the [`Head`] of the request |
//! | read the session as a handler's argument | [`Caller`], or the `extractors` of the feature `axum` |
//! | see that a request passed without its session | [`TokenOnly`] |
//! | read the bearer token of a request as the layer does | [`bearer`] |

pub use crate::authenticate::token_only::{TokenLogin, TokenOnly};
pub use crate::middleware::attach::Caller;
pub use crate::middleware::extract::bearer;
pub use crate::middleware::future::ResponseFuture;
pub use crate::middleware::optional_mode::OptionalMode;
pub use crate::middleware::reject::{Head, JsonRejection, Reject};
pub use crate::middleware::service::SessionAuth;
