//! A table of text: columns as wide as they must be, numbers to the right, words under a row that explain it.

use std::fmt;

/// In which colour a cell is shown where there are colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Paint {
    /// As the terminal has it.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Somebody should know.
    Warning,
    /// Somebody must act.
    Bad,
}

/// A cell of a table.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    paint: Paint,
}

/// A table with a head.
pub struct Table {
    head: Vec<&'static str>,
    right: Vec<bool>,
    rows: Vec<Row>,
    coloured: bool,
}

enum Row {
    Cells(Vec<Cell>),
    Words(Cell),
}

impl Paint {
    /// The text in this colour.
    pub fn on(self, text: &str) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            Self::Good => 32,
            Self::Warning => 33,
            Self::Bad => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

impl Cell {
    /// A cell in a colour.
    pub fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self { text: text.into(), paint }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), paint: Paint::Plain }
    }
}

impl Table {
    /// A table of these columns; those that begin with `>` are set to the right.
    pub fn new(columns: &[&'static str]) -> Self {
        let right = columns.iter().map(|column| column.starts_with('>')).collect();
        let head = columns.iter().map(|column| column.trim_start_matches('>')).collect();
        Self { head, right, rows: Vec::new(), coloured: false }
    }

    /// The table with the colours of its cells.
    #[must_use]
    pub fn coloured(self, coloured: bool) -> Self {
        Self { coloured, ..self }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<Cell>>) {
        self.rows.push(Row::Cells(cells.into_iter().map(Into::into).collect()));
    }

    /// Adds words under the last row, as long as they are.
    pub fn words(&mut self, words: impl Into<Cell>) {
        self.rows.push(Row::Words(words.into()));
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| match row {
            Row::Cells(cells) => cells.get(column).map(|cell| cell.text.chars().count()),
            Row::Words(_) => None,
        });
        cells.max().unwrap_or(0).max(self.head[column].len())
    }

    /// A row's line: nothing stands behind its last word.
    fn line(&self, cells: &[Cell], widths: &[usize]) -> String {
        let last = cells.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate().take(last) {
            let blank = " ".repeat(widths[column] - cell.text.chars().count());
            let text = if self.coloured { cell.paint.on(&cell.text) } else { cell.text.clone() };
            if self.right[column] {
                line.push_str(&blank);
            }
            line.push_str(&text);
            if !self.right[column] && column + 1 < last {
                line.push_str(&blank);
            }
            if column + 1 < last {
                line.push_str("  ");
            }
        }
        line
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.head.len()).map(|column| self.width(column)).collect();
        let head: Vec<Cell> = self.head.iter().map(|title| Cell::from(*title)).collect();
        write!(f, "{}", self.line(&head, &widths))?;
        for row in &self.rows {
            match row {
                Row::Cells(cells) => write!(f, "\n{}", self.line(cells, &widths))?,
                Row::Words(words) if self.coloured => write!(f, "\n    {}", words.paint.on(&words.text))?,
                Row::Words(words) => write!(f, "\n    {}", words.text)?,
            }
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

    #[test]
    fn words_explain_a_row_and_colours_take_no_room() {
        let table = |coloured| {
            let mut table = Table::new(&["Name", "State", "Why"]).coloured(coloured);
            table.row([Cell::from("a"), Cell::painted("bad", Paint::Bad), "x".into()]);
            table.words(Cell::painted("it is longer than any of the columns", Paint::Bad));
            table.row(["b", "good", ""]);
            table.to_string()
        };
        assert_eq!(
            table(false),
            "Name  State  Why\na     bad    x\n    it is longer than any of the columns\nb     good"
        );
        assert!(table(true).contains("a     \u{1b}[31mbad\u{1b}[0m    x"), "{:?}", table(true));
    }
}
