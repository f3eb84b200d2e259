//! File names that say nothing about what is inside.

use super::Complaint;

const EMPTY_WORDS: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc"];

/// Complains of each path with a folder or file name that is, or is joined from, one of the empty words.
pub fn check(paths: &[String]) -> Vec<Complaint> {
    paths.iter().filter_map(|path| Some(complaint(path, empty_word(path)?))).collect()
}

fn empty_word(path: &str) -> Option<&str> {
    path.split(['/', '.', '_', '-']).find(|word| EMPTY_WORDS.contains(&word.to_ascii_lowercase().as_str()))
}

fn complaint(path: &str, word: &str) -> Complaint {
    Complaint::error(path, 1, format!("`{word}` in a file's name says nothing: name the idea in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_words_are_found_in_folders_and_parts_of_names_but_not_inside_longer_words() {
        let paths =
            ["src/util.rs", "tests/common/mod.rs", "src/page_manager.rs", "src/utility_bill.rs", "src/uncommon.rs"];
        let paths: Vec<String> = paths.map(str::to_owned).to_vec();
        let found: Vec<String> = check(&paths).into_iter().map(|c| c.path).collect();
        assert_eq!(found, ["src/util.rs", "tests/common/mod.rs", "src/page_manager.rs"]);
    }
}
