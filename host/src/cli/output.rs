//! What goes to standard output: text for people, or JSON for programs.
//!
//! Text has no colours. Much of it is not ours (names, reasons of filters), so control characters are
//! shown, never sent to the terminal.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

use serde::Serialize;

/// Blanks between the columns of a table.
const GAP: &str = "  ";

/// How to print.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    is_json: bool,
}

impl Output {
    pub(super) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Prints `value` on a line of its own as JSON, or else `text`.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn print<T: Serialize, D: fmt::Display>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> D,
    ) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.is_json {
            writeln!(out, "{}", serde_json::to_string(value)?)?;
        } else {
            writeln!(out, "{}", text(value))?;
        }
        Ok(out.flush()?)
    }
}

/// Text that cannot move the cursor or end the line.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// The name that a value of the contract has in JSON.
pub(super) fn named<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// A table: a row of headings, then rows of as many cells.
#[derive(Debug)]
pub(super) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) fn new(headings: [&str; COLUMNS]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    pub(super) fn push(&mut self, row: [String; COLUMNS]) {
        self.rows.push(row.map(|cell| plain(&cell).into_owned()));
    }

    /// The table, and how to get the next part of the list that it shows.
    pub(super) fn paged(&self, next_cursor: Option<&str>) -> String {
        match next_cursor {
            Some(cursor) => format!("{self}\nmore with --cursor {cursor}"),
            None => self.to_string(),
        }
    }

    /// The rows as lines, the headings first; every column as wide as its widest cell.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let widest = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; COLUMNS] = std::array::from_fn(widest);
        self.rows.iter().map(move |row| {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
        })
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_blanks_at_their_end() {
        let mut table = Table::new(["ID", "NAME", "NOTE"]);
        table.push(["wh_1".to_owned(), "é".to_owned(), String::new()]);

        assert_eq!(table.to_string(), "ID    NAME  NOTE\nwh_1  é");
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert!(matches!(plain("plain é"), Cow::Borrowed(_)));
    }
}
