//! What came out of several runs of the same, as the rows of a table. Pure.

use std::fmt::Write as _;

use super::measure::Cost;

/// One run of one contender.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What all its steps cost together.
    pub cost: Cost,
    /// Seconds of each step.
    pub steps: Vec<f64>,
    /// Bytes on the disk that are there only on the way.
    pub temporary: u64,
    /// Bytes on the disk that stay.
    pub stored: u64,
}

/// All runs of one contender.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its letter.
    pub key: char,
    /// What it is.
    pub what: String,
    /// What must be known to read its figures rightly.
    pub remark: Option<String>,
    /// Its runs.
    pub runs: Vec<Outcome>,
}

impl Outcome {
    /// One step.
    pub fn one(cost: Cost) -> Self {
        Self { cost, steps: vec![cost.wall], temporary: 0, stored: 0 }
    }

    /// Another step behind it.
    pub fn then(mut self, cost: Cost) -> Self {
        self.cost = self.cost.then(cost);
        self.steps.push(cost.wall);
        self
    }
}

/// The table, in Markdown: medians of the runs; ratios of time to the rows `against`.
pub fn table(rows: &[Row], against: &[char], documents: u64) -> String {
    let mut text = String::from("| | what | runs | s | documents/s |");
    for key in against {
        write!(text, " faster than ({key}) |").expect("memory takes it");
    }
    text.push_str(
        " CPU s | server's CPU s | peak MiB | temporary MB | stored MB | load | others' cores |\n|---|---|---|---|---|",
    );
    text.push_str(&"---|".repeat(against.len() + 7));
    text.push('\n');
    for row in rows {
        line(row, rows, against, documents, &mut text);
    }
    for row in rows {
        if let Some(remark) = &row.remark {
            writeln!(text, "\n({}) {remark}", row.key).expect("memory takes it");
        }
    }
    text
}

fn line(row: &Row, rows: &[Row], against: &[char], documents: u64, text: &mut String) {
    let wall = row.wall();
    text.push('|');
    let mut put = |cell: String| write!(text, " {cell} |").expect("memory takes it");
    put(format!("({})", row.key));
    put(row.what.clone());
    put(row.runs.len().to_string());
    put(row.seconds());
    put(thousands(documents as f64 / wall));
    for key in against {
        let other = rows.iter().find(|other| other.key == *key);
        put(other.map_or_else(String::new, |other| format!("{:.2}×", other.wall() / wall)));
    }
    put(format!("{:.1}", row.median(|run| run.cost.cpu)));
    put(format!("{:.1}", row.median(|run| run.cost.server_cpu)));
    put(format!("{:.0}", row.median(|run| run.cost.rss as f64) / f64::from(1 << 20)));
    put(megabytes(row.median(|run| run.temporary as f64)));
    put(megabytes(row.median(|run| run.stored as f64)));
    put(format!("{:.1} → {:.1}", row.median(|run| run.cost.load_before), row.median(|run| run.cost.load_after)));
    put(format!("{:.2}", row.median(|run| run.cost.others)));
    text.push('\n');
}

impl Row {
    fn wall(&self) -> f64 {
        self.median(|run| run.cost.wall)
    }

    /// The whole, and the steps that it is made of.
    fn seconds(&self) -> String {
        let steps = self.runs.first().map_or(0, |run| run.steps.len());
        let mut cell = format!("{:.1}", self.wall());
        if steps > 1 {
            let steps: Vec<String> = (0..steps).map(|n| format!("{:.1}", self.median(|run| run.steps[n]))).collect();
            write!(cell, " ({})", steps.join(" + ")).expect("memory takes it");
        }
        cell
    }

    fn median(&self, of: impl Fn(&Outcome) -> f64) -> f64 {
        median(self.runs.iter().map(of).collect())
    }
}

/// The middle one, or the mean of the two in the middle; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

fn megabytes(bytes: f64) -> String {
    if bytes == 0.0 { "–".into() } else { format!("{:.0}", bytes / 1e6) }
}

/// A whole number with commas.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Puts `part` between the two marks of its name, at the end of the text where it has none yet.
pub fn replaced(text: &str, name: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->"), format!("<!-- end {name} -->"));
    let between = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    match between {
        Some((before, after)) => format!("{before}{begin}\n{part}\n{end}{after}"),
        None => format!("{}\n\n{begin}\n{part}\n{end}\n", text.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: char, walls: &[&[f64]]) -> Row {
        let cost = |wall| Cost {
            wall,
            cpu: 1.0,
            server_cpu: 2.0,
            rss: 3 << 20,
            load_before: 0.5,
            load_after: 1.5,
            others: 0.25,
        };
        let run = |steps: &&[f64]| {
            let first = Outcome { stored: 5_000_000, ..Outcome::one(cost(steps[0])) };
            steps[1..].iter().fold(first, |run, wall| run.then(cost(*wall)))
        };
        Row { key, what: "it".into(), remark: None, runs: walls.iter().map(run).collect() }
    }

    #[test]
    fn a_table_shows_medians_and_ratios() {
        let rows = [row('b', &[&[24.0, 5.0], &[20.0, 6.0], &[30.0, 4.0]]), row('f', &[&[4.0], &[6.0]])];
        let text = table(&rows, &['b'], 1_000_000);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "| (b) | it | 3 | 29.0 (24.0 + 5.0) | 34,483 | 1.00× | 2.0 | 4.0 | 3 | – | 5 | 0.5 → 1.5 | 0.25 |"
        );
        assert_eq!(lines[3], "| (f) | it | 2 | 5.0 | 200,000 | 5.80× | 1.0 | 2.0 | 3 | – | 5 | 0.5 → 1.5 | 0.25 |");
        assert_eq!(lines[0].matches('|').count(), lines[1].matches('|').count());
        assert_eq!(lines[0].matches('|').count(), lines[3].matches('|').count());
    }

    #[test]
    fn a_part_is_replaced_or_added() {
        let once = replaced("# Title\n", "x", "one");
        assert_eq!(once, "# Title\n\n<!-- begin x -->\none\n<!-- end x -->\n");
        assert_eq!(
            replaced(&format!("{once}tail"), "x", "two"),
            "# Title\n\n<!-- begin x -->\ntwo\n<!-- end x -->\ntail"
        );
    }
}
