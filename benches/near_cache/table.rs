//! The result table: numbers and the limits that they must reach.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::results::Results;

pub(crate) struct Table {
    results: Vec<Value>,
    rows: Vec<String>,
    notes: Vec<String>,
    /// False in a short run, which only shows that everything works.
    pub(crate) judged: bool,
    failed: usize,
}

/// The limit of a number.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Table {
    pub(crate) fn new(judged: bool) -> Self {
        Self { results: Vec::new(), rows: Vec::new(), notes: Vec::new(), judged, failed: 0 }
    }

    /// Adds a row. `number` must reach `limit`.
    pub(crate) fn row(
        &mut self,
        case: &str,
        figure: &str,
        baseline: &str,
        number: f64,
        limit: Limit,
    ) {
        let (reached, limit) = match limit {
            Limit::AtMost(limit) => (number <= limit, format!("≤ {limit}")),
            Limit::AtLeast(limit) => (number >= limit, format!("≥ {limit}")),
        };
        let verdict = match (self.judged, reached) {
            (false, _) => "not judged",
            (true, true) => "pass",
            (true, false) => {
                self.failed += 1;
                "**FAIL**"
            }
        };
        self.results.push(json!({
            "case": case,
            "figure": figure,
            "baseline": baseline,
            "number": number,
            "limit": limit,
            "verdict": verdict,
        }));
        // Show about three significant digits.
        let number = match number.abs() {
            small if small < 0.1 => format!("{number:.4}"),
            medium if medium < 10.0 => format!("{number:.2}"),
            _ => format!("{number:.0}"),
        };
        self.rows
            .push(format!("| {case} | {figure} | {baseline} | {number} | {limit} | {verdict} |"));
        eprintln!("{}", self.rows[self.rows.len() - 1]);
    }

    /// Adds a paragraph below the table.
    pub(crate) fn note(&mut self, note: String) {
        eprintln!("{note}");
        self.notes.push(note);
    }

    /// Writes the rows for the page of the benchmarks.
    pub(crate) fn save(&self) {
        let mut results = Results::of("requests", !self.judged);
        self.results.iter().for_each(|row| results.row(row));
    }

    pub(crate) fn print(&self) {
        if self.rows.is_empty() && self.notes.is_empty() {
            return;
        }
        let mut text = String::from(
            "\nIn process, each time is less the bare inner service.\n\n\
             | case | figure | baseline | number judged | must reach | |\n|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            writeln!(text, "{row}").unwrap();
        }
        for note in &self.notes {
            writeln!(text, "\n{note}").unwrap();
        }
        println!("{text}");
        if self.judged {
            println!(
                "{} of {} rows reach what they must.",
                self.rows.len() - self.failed,
                self.rows.len()
            );
        }
    }
}

/// Formats nanoseconds for a reader.
pub(crate) fn time(nanos: f64) -> String {
    if nanos < 10_000.0 { format!("{nanos:.0} ns") } else { format!("{:.1} µs", nanos / 1e3) }
}
