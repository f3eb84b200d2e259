//! Questions to a person at a terminal, each with an answer that Enter gives. Knows no terminal: it reads and writes lines.

use std::io::{BufRead, Write};

use crate::{Error, Result, restore::Conflict};

/// So often a person may answer something that cannot be meant.
const PATIENCE: usize = 5;
/// Choices that are listed.
const LISTED: usize = 20;

/// Who asks, and hears.
pub struct Asker<R, W> {
    input: R,
    output: W,
}

impl<R: BufRead, W: Write> Asker<R, W> {
    /// Asks on `output`, hears on `input`.
    pub fn new(input: R, output: W) -> Self {
        Self { input, output }
    }

    /// Which one of these; Enter takes the first. Where there is only one, nothing is asked.
    ///
    /// # Errors
    /// Where there are none, or no answer comes.
    pub fn choose(&mut self, what: &str, choices: &[String]) -> Result<usize> {
        match choices {
            [] => return Err(Error::Flags { why: format!("there is no {what} to choose") }),
            [only] => {
                self.say(&format!("{what}: {only}"))?;
                return Ok(0);
            }
            _ => {}
        }
        for (at, choice) in choices.iter().enumerate().take(LISTED) {
            self.say(&format!("  {:>2}  {choice}", at + 1))?;
        }
        if choices.len() > LISTED {
            self.say(&format!("      and {} more", choices.len() - LISTED))?;
        }
        self.ask(&format!("{what}, by its number"), "1", |answer| {
            let number: usize = answer.parse().map_err(|_| "a number of the list is needed".to_owned())?;
            if (1..=choices.len()).contains(&number) { Ok(number - 1) } else { Err(format!("1 to {}", choices.len())) }
        })
    }

    /// Patterns of indices; none for all.
    ///
    /// # Errors
    /// Where no answer comes.
    pub fn indices(&mut self) -> Result<Vec<String>> {
        self.ask("Which indices (names parted by spaces, * stands for anything)", "all", |answer| {
            let words = answer.split([' ', ',']).filter(|word| !word.is_empty());
            Ok(if answer == "all" { Vec::new() } else { words.map(str::to_owned).collect() })
        })
    }

    /// New names of indices.
    ///
    /// # Errors
    /// Where no answer comes.
    pub fn rename(&mut self) -> Result<Option<String>> {
        self.ask("Under which names (* stands for the old one, such as restored-*)", "*", |answer| {
            if answer == "*" {
                return Ok(None);
            }
            if answer.matches('*').count() == 1 {
                Ok(Some(answer.to_owned()))
            } else {
                Err("one * is needed".to_owned())
            }
        })
    }

    /// What becomes of what is there already.
    ///
    /// # Errors
    /// Where no answer comes.
    pub fn conflict(&mut self) -> Result<Conflict> {
        let question =
            "What if an index is there already: fail (change nothing), skip (leave it), overwrite (DELETE it first)";
        self.ask(question, Conflict::Fail.word(), |answer| {
            let all = [Conflict::Fail, Conflict::Skip, Conflict::Overwrite];
            let meant = all.into_iter().find(|conflict| conflict.word() == answer);
            meant.ok_or_else(|| "fail, skip or overwrite".to_owned())
        })
    }

    /// Whether to go on. Enter does not.
    ///
    /// # Errors
    /// Where no answer comes.
    pub fn agreed(&mut self, question: &str) -> Result<bool> {
        self.ask(question, "no", |answer| match answer.to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("yes or no".to_owned()),
        })
    }

    /// A line to read.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.output, "{line}").map_err(|source| Error::Here { doing: "ask".to_owned(), source })
    }

    fn ask<T>(
        &mut self,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> std::result::Result<T, String>,
    ) -> Result<T> {
        let failed = |source| Error::Here { doing: "ask".to_owned(), source };
        for _ in 0..PATIENCE {
            write!(self.output, "{question} [{default}]: ").and_then(|()| self.output.flush()).map_err(failed)?;
            let mut line = String::new();
            if self.input.read_line(&mut line).map_err(failed)? == 0 {
                return Err(Error::Interrupted);
            }
            let answer = if line.trim().is_empty() { default } else { line.trim() };
            match read(answer) {
                Ok(meant) => return Ok(meant),
                Err(why) => self.say(&format!("  {answer:?} cannot be meant: {why}"))?,
            }
        }
        Err(Error::Flags { why: format!("no answer could be understood: {question}?") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(input: &str, asked: impl FnOnce(&mut Asker<&[u8], &mut Vec<u8>>) -> Result<T>) -> (Result<T>, String) {
        let mut output = Vec::new();
        let done = asked(&mut Asker::new(input.as_bytes(), &mut output));
        (done, String::from_utf8(output).expect("text"))
    }

    #[test]
    fn enter_takes_what_harms_least() {
        let (done, text) = with("\n\n\n\n\n", |asker| {
            let at = asker.choose("Snapshot", &["new".into(), "old".into()])?;
            Ok((at, asker.indices()?, asker.rename()?, asker.conflict()?, asker.agreed("Apply it?")?))
        });
        assert_eq!(done.expect("answers"), (0, Vec::new(), None, Conflict::Fail, false));
        assert!(text.starts_with("   1  new\n   2  old\nSnapshot, by its number [1]: "), "{text}");
    }

    #[test]
    fn answers_are_read_and_what_cannot_be_meant_is_asked_again() {
        let (done, text) = with("3\n2\nlogs-* a\nx\nold-*\nreplace\nskip\nYES\n", |asker| {
            let at = asker.choose("Snapshot", &["new".into(), "old".into()])?;
            Ok((at, asker.indices()?, asker.rename()?, asker.conflict()?, asker.agreed("Apply it?")?))
        });
        let expected = (1, vec!["logs-*".to_owned(), "a".to_owned()], Some("old-*".to_owned()), Conflict::Skip, true);
        assert_eq!(done.expect("answers"), expected);
        assert!(text.contains("\"3\" cannot be meant: 1 to 2") && text.contains("one * is needed"), "{text}");
    }

    #[test]
    fn no_answer_ends_it_and_nonsense_does_after_a_while() {
        assert!(matches!(with("", |asker| asker.agreed("?")).0, Err(Error::Interrupted)));
        let (done, _) = with(&"maybe\n".repeat(9), |asker| asker.agreed("Apply it?"));
        assert!(done.expect_err("nonsense").to_string().contains("Apply it?"));
    }

    #[test]
    fn of_one_there_is_nothing_to_choose() {
        let (done, text) = with("", |asker| asker.choose("Backup", &["es".into()]));
        assert_eq!((done.expect("it"), text.as_str()), (0, "Backup: es\n"));
    }
}
