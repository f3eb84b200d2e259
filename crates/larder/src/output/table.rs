//! A table of text: columns as wide as they must be, numbers to the right.

use std::fmt;

/// A table with a head.
pub struct Table {
    head: Vec<&'static str>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of these columns; those that begin with `>` are set to the right.
    pub fn new(columns: &[&'static str]) -> Self {
        let right = columns.iter().map(|column| column.starts_with('>')).collect();
        let head = columns.iter().map(|column| column.trim_start_matches('>')).collect();
        Self { head, right, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(self.head[column].len())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.head.len()).map(|column| self.width(column)).collect();
        let line = |cells: Vec<&str>| {
            let mut line = String::new();
            for (column, cell) in cells.into_iter().enumerate() {
                let width = widths[column];
                let cell = if self.right[column] { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
                line.push_str(&cell);
                line.push_str("  ");
            }
            line.trim_end().to_owned()
        };
        write!(f, "{}", line(self.head.clone()))?;
        for row in &self.rows {
            write!(f, "\n{}", line(row.iter().map(String::as_str).collect()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let mut table = Table::new(&["Index", ">Documents"]);
        table.row(["logs".to_owned(), "1,000,000".to_owned()]);
        table.row(["a-long-name".to_owned(), "1".to_owned()]);
        let expected = "Index        Documents\nlogs         1,000,000\na-long-name          1";
        assert_eq!(table.to_string(), expected);
    }
}
