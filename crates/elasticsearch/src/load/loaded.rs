//! The account of what was loaded: every document is either stored or rejected. A batch's own account names each that was
//! rejected; a sum of accounts counts all of them and names the first ones.

use super::answer::Refusal;

/// A sum of accounts names no more rejected documents than this, and counts the rest: a wrong mapping rejects every document.
pub const MAX_NAMED: usize = 1_000;

/// A document that the server will not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The index it was meant for.
    pub index: String,
    /// Its id.
    pub id: String,
    /// HTTP status of its item.
    pub status: u16,
    /// `error.type`.
    pub kind: String,
    /// `error.reason`, cut to 500 characters.
    pub reason: String,
}

/// What became of documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// How many are stored.
    pub indexed: u64,
    /// How many the server will not take.
    pub rejected_count: u64,
    /// How many were sent without the version that they had, which a data stream does not take.
    pub unversioned: u64,
    /// Those that were rejected, each: in a sum the first [`MAX_NAMED`].
    pub rejected: Vec<Rejected>,
}

impl Loaded {
    /// Adds another account to this one.
    pub fn add(&mut self, other: Self) {
        let Self { indexed, rejected_count, unversioned, rejected } = other;
        self.unversioned += unversioned;
        self.indexed += indexed;
        self.rejected_count += rejected_count;
        let room = MAX_NAMED.saturating_sub(self.rejected.len());
        self.rejected.extend(rejected.into_iter().take(room));
    }

    pub(super) fn reject(&mut self, index: &str, id: &[u8], refusal: Refusal) {
        self.rejected_count += 1;
        let Refusal { status, kind, reason } = refusal;
        let id = super::batch::plain(id).unwrap_or_else(|| String::from_utf8_lossy(id).into_owned());
        self.rejected.push(Rejected { index: index.to_owned(), id, status, kind, reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_names_each_rejection_and_a_sum_the_first_ones() {
        let refusal = || Refusal { status: 400, kind: "k".into(), reason: "r".into() };
        let mut one = Loaded { indexed: 5, ..Loaded::default() };
        for number in 0..MAX_NAMED + 7 {
            one.reject("i", format!("\"{number}\"").as_bytes(), refusal());
        }
        assert_eq!(one.rejected.len(), MAX_NAMED + 7);
        let mut all = Loaded::default();
        all.add(one.clone());
        all.add(one);
        assert_eq!((all.indexed, all.rejected_count, all.rejected.len()), (10, 2 * 1_007, MAX_NAMED));
        assert_eq!(all.rejected[3].id, "3");
    }
}
