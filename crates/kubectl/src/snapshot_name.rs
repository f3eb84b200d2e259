//! Names of Snapshots, as Stash's aggregated API has them: the Repository's name and the first eight digits of the snapshot's id. Pure.

use crate::{Error, Result};

/// Digits of an id in a name.
const DIGITS: usize = 8;

/// A snapshot of a Repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotName {
    /// The Repository's name.
    pub repository: String,
    /// The beginning of the snapshot's id.
    pub id: String,
}

impl SnapshotName {
    /// Reads `<repository>-<first digits of the id>`.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn parse(text: &str) -> Result<Self> {
        let parts = text.rsplit_once('-').filter(|(repository, id)| {
            !repository.is_empty()
                && (DIGITS..=64).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let Some((repository, id)) = parts else {
            let why = "it must be <repository>-<8 digits of the id>, such as store-4bc21d6f; `snapshots` lists them"
                .to_owned();
            return Err(Error::Flag { flag: "the snapshot's name", value: text.to_owned(), why });
        };
        Ok(Self { repository: repository.to_owned(), id: id.to_ascii_lowercase() })
    }

    /// The name of a snapshot by its whole id.
    pub fn of(repository: &str, id: &str) -> String {
        format!("{repository}-{}", &id[..id.len().min(DIGITS)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_repositorys_and_the_beginning_of_the_id() {
        let name = SnapshotName::parse("es-store-4BC21d6f").expect("a name");
        assert_eq!((name.repository.as_str(), name.id.as_str()), ("es-store", "4bc21d6f"));
        assert_eq!(SnapshotName::of("es-store", "4bc21d6f00112233"), "es-store-4bc21d6f");
        for wrong in ["store", "store-latest", "-4bc21d6f", "store-4bc21d6", "store-", "4bc21d6f", "store-4bc21d6g"] {
            let error = SnapshotName::parse(wrong).expect_err(wrong);
            assert!(error.is_misuse() && error.to_string().contains(wrong), "{error}");
        }
    }
}
