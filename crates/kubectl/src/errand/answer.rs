//! What `larder --json` printed: an object a line, among them its last words about a failure. Log lines are no answer. Pure.

use serde_json::Value;

use crate::{Error, Result};

/// Objects of an answer that are kept; nothing of ours prints more in one run.
const MOST: usize = 200_000;

/// What was printed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// All but progress.
    pub objects: Vec<Value>,
    /// The exit code.
    pub code: u8,
    /// What was said before it ended without an object.
    noise: String,
}

impl Answer {
    /// The objects of a type.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["type"] == kind)
    }

    /// The last summary; null if there is none.
    pub fn summary(&self) -> Value {
        self.of("summary").last().cloned().unwrap_or_default()
    }

    /// Takes a line, and tells of the object in it.
    pub(super) fn line(&mut self, line: &str, told: &mut (dyn FnMut(&Value) + Send)) {
        let object = serde_json::from_str::<Value>(line).ok().filter(|value| value["type"].is_string());
        let Some(object) = object else {
            if !line.trim().is_empty() {
                self.noise = said(line);
            }
            return;
        };
        told(&object);
        if object["type"] != "progress" && self.objects.len() < MOST {
            self.objects.push(object);
        }
    }

    /// The whole answer, where the exit code is one that `larder` gives about what it found.
    ///
    /// # Errors
    /// [`Error::Errand`] with the last words otherwise.
    pub(super) fn ended(mut self, code: u8) -> Result<Self> {
        self.code = code;
        let error = self.of("error").last().and_then(|object| object["message"].as_str()).map(str::to_owned);
        if let Some(what) = error {
            return Err(Error::Errand { what, code });
        }
        let silent = self.objects.is_empty() && code != 0;
        if silent || code > 3 {
            let said = if self.noise.is_empty() { String::new() } else { format!(": {}", self.noise) };
            return Err(Error::Errand { what: format!("larder ended with exit code {code}{said}"), code });
        }
        Ok(self)
    }
}

/// A log line's message, or the line.
fn said(line: &str) -> String {
    let parsed = serde_json::from_str::<Value>(line).ok();
    let message = parsed.as_ref().and_then(|log| log["fields"]["message"].as_str());
    message.unwrap_or(line).trim().chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(lines: &[&str]) -> (Answer, usize) {
        let (mut answer, mut told) = (Answer::default(), 0);
        lines.iter().for_each(|line| answer.line(line, &mut |_| told += 1));
        (answer, told)
    }

    #[test]
    fn logs_are_no_answer_and_progress_is_told_but_not_kept() {
        let (answer, told) = answer(&[
            r#"{"timestamp":"t","level":"WARN","fields":{"message":"slow"}}"#,
            r#"{"type":"progress","documents":1}"#,
            r#"{"type":"summary","removed":2}"#,
        ]);
        assert_eq!((told, answer.objects.len()), (2, 1));
        assert_eq!(answer.ended(0).expect("an answer").summary(), json!({"type": "summary", "removed": 2}));
    }

    #[test]
    fn the_last_words_about_a_failure_are_the_error() {
        let (failed, _) = answer(&[r#"{"type":"error","message":"cannot open the repository","exit_code":1}"#]);
        let error = failed.ended(1).expect_err("an error");
        assert_eq!(error.to_string(), "cannot open the repository");
        let (misused, _) = answer(&["error: unexpected argument '--to'"]);
        let error = misused.ended(2).expect_err("an error");
        assert!(error.is_misuse() && error.to_string().contains("unexpected argument"), "{error}");
        let (killed, _) = answer(&[r#"{"type":"snapshot"}"#]);
        assert!(killed.ended(137).expect_err("an error").to_string().contains("137"));
    }

    #[test]
    fn damage_that_was_found_is_an_answer() {
        let (found, _) = answer(&[r#"{"type":"summary","good":false}"#]);
        assert_eq!(found.ended(1).expect("an answer").code, 1);
    }
}
