//! One table of what criterion has measured.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What everything is compared with: the same predicate, as a filter.
const YARDSTICK: &str = "call/four fields";

/// Prints the latest estimate of every measurement, and how many calls of a filter it is worth.
pub(crate) fn print() {
    let mut rows = Vec::new();
    collect(&folder(), &mut rows);
    rows.sort_by(|left: &(String, f64), right| left.0.cmp(&right.0));
    let yardstick = rows.iter().find(|(name, _)| name == YARDSTICK).map(|(_, nanos)| *nanos);
    println!("| measured | median | in calls of a filter |\n|---|---:|---:|");
    for (name, nanos) in rows {
        let ratio = yardstick.map_or_else(String::new, |yardstick| format!("{:.2}", nanos / yardstick));
        println!("| {name} | {} | {ratio} |", time(nanos));
    }
}

/// Where criterion keeps its results: `criterion` in the target folder, above this very program.
fn folder() -> PathBuf {
    let program = std::env::current_exe().expect("the system tells");
    let target = program.ancestors().find(|folder| folder.join("criterion").is_dir());
    target.map_or_else(|| PathBuf::from("target/criterion"), |target| target.join("criterion"))
}

fn collect(folder: &Path, rows: &mut Vec<(String, f64)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        collect(&entry.path(), rows);
    }
    let read = |name| serde_json::from_slice::<Value>(&fs::read(folder.join(name)).ok()?).ok();
    if folder.ends_with("new")
        && let (Some(benchmark), Some(estimates)) = (read("benchmark.json"), read("estimates.json"))
        && let (Some(name), Some(nanos)) =
            (benchmark["full_id"].as_str(), estimates["median"]["point_estimate"].as_f64())
    {
        rows.push((name.to_owned(), nanos));
    }
}

fn time(nanos: f64) -> String {
    match nanos {
        ..1e3 => format!("{nanos:.0} ns"),
        1e3..1e6 => format!("{:.2} µs", nanos / 1e3),
        _ => format!("{:.2} ms", nanos / 1e6),
    }
}
