//! Events for `tracing`, or nothing: arguments are type-checked either way.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;

/// The target of every event of this library.
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
            // Type-checked, never run.
            if false {
                $(let _ = ::std::format_args!("{}", $value);)*
            }
        }
    }};
}

/// One record of what the table in [`events`](crate::events) promises: another target, and values with their types.
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
            // Type-checked, never run.
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

/// Logs a finding about how the session store is set up.
pub(crate) fn store_warning(warning: &str) {
    warn_!("the session store is not set up as it should be", warning = warning);
}

/// A future that runs in the span of who makes it, in whichever task it runs.
#[cfg(feature = "tracing")]
pub(crate) fn in_this_span<F: Future>(work: F) -> impl Future<Output = F::Output> {
    ::tracing::Instrument::in_current_span(work)
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn in_this_span<F: Future>(work: F) -> F {
    work
}

/// An error with everything behind it on one line, shortened: what drivers say can be long.
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
            // Escaped, so that what a server says cannot forge a log line.
            let text = error.to_string();
            write!(f, "{}", text.chars().take(Self::MAX_LINK).collect::<String>().escape_debug())?;
            link = error.source();
        }
        Ok(())
    }
}
