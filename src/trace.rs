//! Macros that write log events with `tracing`. Without the feature `tracing`, the macros do
//! nothing, but their arguments are still type-checked.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;

/// The target of the log events of this library, except those of the macro `record`.
#[cfg(feature = "tracing")]
pub(crate) const TARGET: &str = "tower_session_auth";

macro_rules! event {
    ($level:ident, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        #[cfg(feature = "tracing")]
        ::tracing::event!(
            target: $crate::trace::TARGET,
            ::tracing::Level::$level,
            $($field = %$value,)*
            $message
        );
        #[cfg(not(feature = "tracing"))]
        {
            // Never runs; only type-checks the arguments.
            if false {
                $(let _ = ::std::format_args!("{}", $value);)*
            }
        }
    }};
}

/// Emits one event of the table in [`events`](crate::telemetry::events). The target is
/// `tower_session_auth::event`, not `TARGET`. The values of the fields keep their types, unlike in
/// the macro `event`.
macro_rules! record {
    ($level:ident, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        #[cfg(feature = "tracing")]
        ::tracing::event!(
            target: "tower_session_auth::event",
            ::tracing::Level::$level,
            $($field = $value,)*
            $message
        );
        #[cfg(not(feature = "tracing"))]
        {
            // Never runs; only type-checks the arguments.
            if false {
                $(let _ = &$value;)*
            }
        }
    }};
}

macro_rules! error {
    ($($event:tt)*) => { $crate::trace::event!(ERROR, $($event)*) };
}

macro_rules! warn_ {
    ($($event:tt)*) => { $crate::trace::event!(WARN, $($event)*) };
}

macro_rules! info {
    ($($event:tt)*) => { $crate::trace::event!(INFO, $($event)*) };
}

macro_rules! debug {
    ($($event:tt)*) => { $crate::trace::event!(DEBUG, $($event)*) };
}

pub(crate) use {debug, error, event, info, record, warn_ as warn};

/// Logs a problem with the setup of the session store.
pub(crate) fn store_warning(warning: &str) {
    warn_!("the setup of the session store has a problem", warning = warning);
}

/// Returns a future that runs in the current span of the caller, whichever task polls it.
#[cfg(feature = "tracing")]
pub(crate) fn in_this_span<F: Future>(work: F) -> impl Future<Output = F::Output> {
    ::tracing::Instrument::in_current_span(work)
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn in_this_span<F: Future>(work: F) -> F {
    work
}

/// Formats an error and its sources on one line. Error texts of drivers can be long, so the output
/// contains at most [`MAX_LINKS`](Self::MAX_LINKS) errors, and at most [`MAX_LINK`](Self::MAX_LINK)
/// characters of each error.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn StdError);

impl Chain<'_> {
    const MAX_LINKS: usize = 8;
    const MAX_LINK: usize = 300;
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut link = Some(self.0);
        for position in 0..Self::MAX_LINKS {
            let Some(error) = link else { break };
            if position > 0 {
                f.write_str(": ")?;
            }
            // Escaped, so that the text of a server cannot forge a log line.
            let text = error.to_string();
            write!(f, "{}", text.chars().take(Self::MAX_LINK).collect::<String>().escape_debug())?;
            link = error.source();
        }
        Ok(())
    }
}
