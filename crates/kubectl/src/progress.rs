//! How far a pod's work is, read from its log: `job` writes a line now and then. Pure.

use serde::Serialize;

/// How such a line begins behind its level.
const BEGINNING: &str = "at work ";

/// How far a work is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is being done, such as `saving`.
    pub phase: String,
    /// Documents so far.
    pub documents: u64,
    /// At most so many documents in all.
    pub expected: u64,
    /// Bytes so far.
    pub bytes: u64,
    /// Indices in all.
    pub indices: u64,
    /// Indices that are done.
    pub finished: u64,
    /// How long it has taken.
    pub seconds: u64,
}

impl Progress {
    /// Reads a line of a log; none if it is another one.
    pub fn read(line: &str) -> Option<Self> {
        let (_, fields) = line.split_once(BEGINNING)?;
        let mut progress = Self::default();
        for field in fields.split_whitespace() {
            let (name, value) = field.split_once('=')?;
            let number = || value.parse::<u64>().ok();
            match name {
                "phase" => value.trim_matches('"').clone_into(&mut progress.phase),
                "documents" => progress.documents = number()?,
                "expected" => progress.expected = number()?,
                "bytes" => progress.bytes = number()?,
                "indices" => progress.indices = number()?,
                "finished" => progress.finished = number()?,
                "seconds" => progress.seconds = number()?,
                _ => {}
            }
        }
        (!progress.phase.is_empty()).then_some(progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_about_progress_is_told_from_others() {
        let line =
            r#" INFO at work phase="saving" documents=1200 expected=5000 bytes=9000 indices=3 finished=1 seconds=30"#;
        let read = Progress::read(line).expect("progress");
        let expected = Progress {
            phase: "saving".into(),
            documents: 1200,
            expected: 5000,
            bytes: 9000,
            indices: 3,
            finished: 1,
            seconds: 30,
        };
        assert_eq!(read, expected);
        for other in
            ["", " INFO the backup begins", " INFO hard at work today", " INFO at work phase=saving documents=many"]
        {
            assert_eq!(Progress::read(other), None, "{other}");
        }
    }
}
