//! The program of docs/tutorial.md.

include!(concat!(env!("OUT_DIR"), "/tutorial.rs"));
