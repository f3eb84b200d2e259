//! The account of what was loaded: every document is either stored or rejected. Counts all rejections, keeps the
//! details of the first ones.

use super::answer::Refusal;

/// Details of more rejections than this are not kept: they are counted. A wrong mapping rejects every document.
pub const MAX_DETAILS: usize = 1_000;

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
    /// The first [`MAX_DETAILS`] of these.
    pub rejected: Vec<Rejected>,
}

impl Loaded {
    /// Adds another account to this one.
    pub fn add(&mut self, other: Self) {
        let Self { indexed, rejected_count, rejected } = other;
        self.indexed += indexed;
        self.rejected_count += rejected_count;
        let room = MAX_DETAILS.saturating_sub(self.rejected.len());
        self.rejected.extend(rejected.into_iter().take(room));
    }

    pub(super) fn reject(&mut self, index: &str, id: &[u8], refusal: Refusal) {
        self.rejected_count += 1;
        if self.rejected.len() < MAX_DETAILS {
            let Refusal { status, kind, reason } = refusal;
            let id = super::batch::plain(id).unwrap_or_else(|| String::from_utf8_lossy(id).into_owned());
            self.rejected.push(Rejected { index: index.to_owned(), id, status, kind, reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rejections_are_counted_and_the_first_are_told() {
        let refusal = || Refusal { status: 400, kind: "k".into(), reason: "r".into() };
        let mut one = Loaded { indexed: 5, ..Loaded::default() };
        for number in 0..MAX_DETAILS + 7 {
            one.reject("i", format!("\"{number}\"").as_bytes(), refusal());
        }
        let mut all = Loaded::default();
        all.add(one.clone());
        all.add(one);
        assert_eq!((all.indexed, all.rejected_count, all.rejected.len()), (10, 2 * 1_007, MAX_DETAILS));
        assert_eq!(all.rejected[3].id, "3");
    }
}
