//! Places that exist on one machine only: home folders, work folders, folders beside the project.

use super::Complaint;
use crate::tree::SourceFile;

/// Written in two parts, so that this file does not name the places itself.
const PLACES: &[(&str, &str)] = &[("/ro", "ot/"), ("/wo", "rk/"), ("/ho", "me/"), ("/Us", "ers/"), ("../sha", "red")];

/// Complains of each line that names a place of one machine.
pub fn check(file: &SourceFile) -> Vec<Complaint> {
    let places: Vec<String> = PLACES.iter().map(|(a, b)| format!("{a}{b}")).collect();
    let found = |(n, line): (usize, &str)| {
        let place = places.iter().find(|place| names(line, place))?;
        Some(Complaint::error(&file.path, n + 1, format!("`{place}` is a place of one machine only")))
    };
    file.text.lines().enumerate().filter_map(found).collect()
}

/// Whether the line has this path from the root on, not as the middle of a longer one.
fn names(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | '}' | '$' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_path_is_found_and_the_middle_of_a_longer_path_is_not() {
        let home = format!("cd /ho{}anna/x", "me/");
        let middle = format!("see docs/wo{}x and https://a.b/ro{}", "rk/", "ot/");
        let file = SourceFile { path: "a.md".into(), text: format!("fine\n{home}\n{middle}\n") };
        let lines: Vec<usize> = check(&file).iter().map(|c| c.line).collect();
        assert_eq!(lines, [2]);
    }
}
