//! Events for the `tracing` ecosystem: `trace::warn!("what happened", field = value)`.
//!
//! Values are shown by their `Display`. Without the feature `tracing` nothing is emitted, and the arguments are
//! type-checked all the same, so that neither build can rot.

#![expect(clippy::allow_attributes, reason = "which levels are unused depends on the features")]

macro_rules! event {
    ($d:tt $inner:ident => $name:ident) => {
        #[cfg(feature = "tracing")]
        #[allow(unused_macros, reason = "a level may be unused")]
        macro_rules! $inner {
                            ($d message:literal $d(, $d field:ident = $d value:expr)* $d(,)?) => {
                                ::tracing::$name!(
                                    target: "tower_session_auth",
                                    $d($d field = %$d value,)*
                                    $d message
                                )
                            };
                        }
        #[cfg(not(feature = "tracing"))]
        #[allow(unused_macros, reason = "a level may be unused")]
        macro_rules! $inner {
                            ($d message:literal $d(, $d field:ident = $d value:expr)* $d(,)?) => {
                                if false {
                                    $d(let _ = ::std::format_args!("{}", $d value);)*
                                }
                            };
                        }
        #[allow(unused_imports, reason = "a level may be unused")]
        pub(crate) use $inner as $name;
    };
}

// `warn` alone would be ambiguous with the attribute of that name.
event!($ error_event => error);
event!($ warn_event => warn);
event!($ info_event => info);
event!($ debug_event => debug);
