//! Information for operators: events for audit trails and alarms, and metrics for dashboards.

pub mod events;
pub mod metrics;
