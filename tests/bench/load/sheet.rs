//! The table: one row a figure, with the median of its runs.

use crate::usage::{self, Used};

/// The figures so far, in the order in which they first came.
#[derive(Default)]
pub struct Sheet {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    unit: &'static str,
    of: Option<String>,
    values: Vec<f64>,
    loads: Vec<f64>,
    others: Vec<f64>,
}

/// A figure.
pub struct Figure<'a> {
    pub name: &'a str,
    pub unit: &'static str,
    /// The name of the figure that it is a share or a multiple of.
    pub of: Option<&'a str>,
}

impl Sheet {
    /// One run's value of a figure.
    pub fn note(&mut self, figure: &Figure<'_>, value: f64, used: &Used) {
        let Figure { name, unit, of } = figure;
        eprintln!("  {name}: {value:.2} {unit}");
        let row = match self.rows.iter_mut().position(|row| row.name == *name) {
            Some(at) => &mut self.rows[at],
            None => {
                let (name, of) = ((*name).to_owned(), of.map(str::to_owned));
                self.rows.push(Row { name, unit, of, values: vec![], loads: vec![], others: vec![] });
                self.rows.last_mut().expect("it was pushed")
            }
        };
        row.values.push(value);
        row.loads.push(usage::load_average());
        row.others.push(used.others_cores);
    }

    pub fn print(&self) {
        println!(
            "{:<52} {:<4} {:>9} {:>9} {:>9} {:>6} {:>6} {:>6}  of",
            "figure", "unit", "median", "lowest", "highest", "load", "others", "ratio"
        );
        self.rows.iter().for_each(|row| self.print_row(row));
        println!("\nload: the machine's load average of the last minute, this program and the host included");
        println!("others: cores that were busy with neither of them");
    }

    fn print_row(&self, row: &Row) {
        let Row { name, unit, of, values, loads, others } = row;
        let [median, lowest, highest, load, others] =
            [at(values, 0.5), at(values, 0.0), at(values, 1.0), at(loads, 0.5), at(others, 0.5)];
        let base = of.as_ref().and_then(|of| self.rows.iter().find(|row| row.name == *of));
        let ratio = base.map(|base| {
            // What was measured in the same run is compared with each other.
            let ratios: Vec<f64> = values.iter().zip(&base.values).map(|(value, base)| value / base).collect();
            format!(" {:>6.2}  {}", at(&ratios, 0.5), base.name)
        });
        println!(
            "{name:<52} {unit:<4} {median:>9.2} {lowest:>9.2} {highest:>9.2} {load:>6.1} {others:>6.2}{}",
            ratio.unwrap_or_default()
        );
    }
}

/// The value below which `share` of all values are, 0 for the lowest and 1 for the highest.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few values")]
pub fn at(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
