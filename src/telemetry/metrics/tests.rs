use super::names::Kind;
use super::*;

#[test]
fn docs_table_lists_exactly_the_existing_metrics() {
    let rows = include_str!("mod.rs").lines().filter_map(|line| {
        let cells = line.strip_prefix("//! | `")?;
        let (name, rest) = cells.split_once("` | ")?;
        let mut rest = rest.split(" | ");
        Some((name, rest.next()?, rest.next()?))
    });
    let expected = Name::ALL.map(|name| {
        let (kind, unit) = match name.kind() {
            Kind::Counter => ("counter", "1"),
            Kind::Gauge if [Name::Breaker, Name::NearCoherent].contains(&name) => {
                ("gauge", "0 or 1")
            }
            Kind::Gauge => ("gauge", "1"),
            Kind::Age => ("gauge", "seconds"),
            Kind::Time => ("histogram", "seconds"),
        };
        (name.as_str(), kind, unit)
    });
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

#[test]
fn each_store_error_kind_has_its_own_label_value() {
    // This match does not compile with a new kind. Add the kind to `STORE_ERRORS`.
    let known = |kind| match kind {
        StoreErrorKind::Unavailable
        | StoreErrorKind::Interrupted
        | StoreErrorKind::NotPrimary
        | StoreErrorKind::WriteRefused
        | StoreErrorKind::Unreadable
        | StoreErrorKind::Unsupported => STORE_ERRORS.contains(&kind),
    };
    assert!(STORE_ERRORS.into_iter().all(known));
    let labelled = Labelled::new(STORE_ERRORS.map(StoreErrorKind::as_str), str::len);
    for kind in STORE_ERRORS {
        assert_eq!(labelled.get(kind.as_str()), Some(&kind.as_str().len()));
    }
    assert_eq!(labelled.get("ok"), None);
}

#[test]
fn store_duration_buckets_ascend() {
    let ascend = STORE_DURATION_BUCKETS.is_sorted_by(|bound, next| bound < next);
    assert!(ascend, "{STORE_DURATION_BUCKETS:?}");
}
