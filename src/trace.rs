//! Events for the `tracing` ecosystem: `trace::warn!("what happened", field = value)`.
//!
//! Values are shown by their `Display`. Without the feature `tracing` nothing is emitted, and the arguments are
//! type-checked all the same, so that neither build can rot.

#![allow(unused_macros, unused_imports, reason = "a level may be unused")]

#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {
        ::tracing::$level!(target: "tower_session_auth", $($field = %$value,)* $message)
    };
}

#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($level:ident, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {
        if false {
            $(let _ = ::std::format_args!("{}", $value);)*
        }
    };
}

macro_rules! error_event {
    ($($event:tt)*) => { $crate::trace::event!(error, $($event)*) };
}

macro_rules! warn_event {
    ($($event:tt)*) => { $crate::trace::event!(warn, $($event)*) };
}

macro_rules! info_event {
    ($($event:tt)*) => { $crate::trace::event!(info, $($event)*) };
}

macro_rules! debug_event {
    ($($event:tt)*) => { $crate::trace::event!(debug, $($event)*) };
}

pub(crate) use event;
// Under their own names they would be ambiguous: `warn` is an attribute as well.
pub(crate) use {
    debug_event as debug, error_event as error, info_event as info, warn_event as warn,
};
