//! `download`: which snapshots are meant, and how their folders are called. Pure.

use serde_json::Value;

use crate::{Error, Result, errand::Answer};

/// The shortest beginning of an id that becomes a folder's name as it is.
const SHORT: usize = 8;

/// Which snapshots.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Beginnings of ids, or `latest`.
    pub snapshots: Vec<String>,
    /// The newest of each of these paths instead.
    pub paths: Vec<String>,
    /// The host of newest ones.
    pub host: String,
}

/// One that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its whole id.
    pub id: String,
    /// Its folder: the id as it was given, or its first eight digits.
    pub folder: String,
}

impl Wanted {
    /// Chooses among the snapshots that `larder snapshots` listed.
    ///
    /// # Errors
    /// Where none or several are meant by one word.
    pub fn choose(&self, listed: &Answer) -> Result<Vec<Chosen>> {
        let all: Vec<&Value> = listed.of("snapshot").collect();
        let mut chosen: Vec<Chosen> = Vec::new();
        let one = |found: Result<Chosen>, chosen: &mut Vec<Chosen>| {
            let found = found?;
            if !chosen.iter().any(|known| known.id == found.id) {
                chosen.push(found);
            }
            Result::Ok(())
        };
        if self.snapshots.is_empty() && self.paths.is_empty() {
            one(self.newest(&all, None), &mut chosen)?;
        }
        for path in &self.paths {
            one(self.newest(&all, Some(path)), &mut chosen)?;
        }
        for id in &self.snapshots {
            let found = if id == "latest" { self.newest(&all, None) } else { by_id(&all, id) };
            one(found, &mut chosen)?;
        }
        Ok(chosen)
    }

    /// They are listed oldest first.
    fn newest(&self, all: &[&Value], path: Option<&str>) -> Result<Chosen> {
        let has = |snapshot: &&&Value| {
            let of_path =
                |path: &str| snapshot["paths"].as_array().is_some_and(|paths| paths.iter().any(|one| one == path));
            snapshot["host"] == self.host.as_str() && path.is_none_or(of_path)
        };
        let found = all.iter().rev().find(has).and_then(|snapshot| snapshot["id"].as_str());
        let Some(id) = found else {
            let of_path = path.map_or_else(String::new, |path| format!(" of path {path}"));
            let why =
                format!("there is no snapshot of host {}{of_path}: give another --host, or --snapshots", self.host);
            return Err(Error::Errand { what: why, code: 1 });
        };
        Ok(Chosen { id: id.to_owned(), folder: id[..SHORT].to_owned() })
    }
}

fn by_id(all: &[&Value], beginning: &str) -> Result<Chosen> {
    let lower = beginning.to_ascii_lowercase();
    let ids = all.iter().filter_map(|snapshot| snapshot["id"].as_str());
    let found: Vec<&str> = ids.filter(|id| !lower.is_empty() && id.starts_with(&lower)).collect();
    match found[..] {
        [id] => {
            let folder = if lower.len() >= SHORT { lower } else { id[..SHORT].to_owned() };
            Ok(Chosen { id: id.to_owned(), folder })
        }
        [] => Err(Error::Errand { what: format!("there is no snapshot {beginning:?}"), code: 1 }),
        _ => Err(Error::Errand { what: format!("{} snapshots begin with {beginning:?}", found.len()), code: 1 }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed() -> Answer {
        let snapshot = |first: &str, host: &str, path: &str| json!({"type": "snapshot", "id": format!("{first}{}", "0".repeat(64 - first.len())), "host": host, "paths": [path]});
        let objects =
            vec![snapshot("aa11", "host-0", "/a"), snapshot("aa22", "host-0", "/b"), snapshot("bb33", "host-1", "/a")];
        let mut answer = Answer::default();
        answer.objects = objects;
        answer
    }

    fn folders(wanted: &Wanted) -> Vec<String> {
        wanted.choose(&listed()).expect("a choice").into_iter().map(|one| one.folder).collect()
    }

    #[test]
    fn snapshots_are_chosen_by_id_by_path_or_as_the_newest_of_a_host() {
        let wanted = |snapshots: &[&str], paths: &[&str], host: &str| Wanted {
            snapshots: snapshots.iter().map(|text| (*text).to_owned()).collect(),
            paths: paths.iter().map(|text| (*text).to_owned()).collect(),
            host: host.into(),
        };
        assert_eq!(folders(&wanted(&[], &[], "host-0")), ["aa220000"]);
        assert_eq!(
            folders(&wanted(&["AA11", "latest", "aa2200000"], &[], "host-1")),
            ["aa110000", "bb330000", "aa2200000"]
        );
        assert_eq!(folders(&wanted(&["aa11", "aa110"], &[], "host-0")), ["aa110000"]);
        assert_eq!(folders(&wanted(&[], &["/a", "/b"], "host-0")), ["aa110000", "aa220000"]);
        for (wanted, words) in [
            (wanted(&["aa"], &[], "host-0"), "2 snapshots begin with \"aa\""),
            (wanted(&["cc"], &[], "host-0"), "no snapshot \"cc\""),
            (wanted(&[], &[], "host-9"), "no snapshot of host host-9"),
            (wanted(&[], &["/x"], "host-0"), "of path /x"),
        ] {
            let error = wanted.choose(&listed()).expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
