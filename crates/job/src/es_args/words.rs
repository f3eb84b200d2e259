//! Splits arguments into words. Stash splits at white space and knows no quotes; here a quote at the beginning of a word or of
//! a value holds it together, and everything that Stash could take means what it meant there.

use super::EsArgsError;

/// The words of a text.
///
/// A quote in the middle of a word is a character like any other, so that `--searchBody={"query":{}}` stays what it is; so is
/// a backslash, so that `--match=^a\.b$` does, but for one before a quote inside of the same quotes.
pub(super) fn split(text: &str) -> Result<Vec<String>, EsArgsError> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, behind) = word(rest)?;
        words.push(word);
        rest = behind.trim_start();
    }
    Ok(words)
}

fn word(text: &str) -> Result<(String, &str), EsArgsError> {
    let mut out = String::new();
    let mut may_quote = true;
    for (at, c) in text.char_indices() {
        match c {
            c if c.is_whitespace() => return Ok((out, &text[at..])),
            '"' | '\'' if may_quote => {
                let (quoted, behind) = quoted(&text[at + 1..], c)?;
                if behind.chars().next().is_none_or(char::is_whitespace) {
                    return Ok((out + &quoted, behind));
                }
                // It closes in the middle of a word: no quotation, as Stash's users wrote it.
                out.push(c);
            }
            c => out.push(c),
        }
        // Only what the first `=` gives can be quoted.
        may_quote = c == '=' && !out[..out.len() - 1].contains('=');
    }
    Ok((out, ""))
}

/// What stands before the closing quote, and what behind it.
fn quoted(text: &str, quote: char) -> Result<(String, &str), EsArgsError> {
    let mut out = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((out, &text[at + 1..]));
        }
        match chars.next_if(|(_, next)| c == '\\' && *next == quote) {
            Some(_) => out.push(quote),
            None => out.push(c),
        }
    }
    Err(EsArgsError::Quote { text: format!("{quote}{text}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_stash_and_quotes_hold_together() {
        let cases: [(&str, &[&str]); 10] = [
            ("", &[]),
            (" --a  --b=c\td ", &["--a", "--b=c", "d"]),
            (
                r"--match=^(?![.])(?!searchguard).+ --ignoreType=template",
                &[r"--match=^(?![.])(?!searchguard).+", "--ignoreType=template"],
            ),
            (r"--match=^a\.b\d$", &[r"--match=^a\.b\d$"]),
            (r#"--searchBody={"query":{"match_all":{}}}"#, &[r#"--searchBody={"query":{"match_all":{}}}"#]),
            (
                r#"--searchBody='{"query": {"term": {"a": "b c"}}}' --x"#,
                &[r#"--searchBody={"query": {"term": {"a": "b c"}}}"#, "--x"],
            ),
            (r#"--match "^a b$" '--limit=5'"#, &["--match", "^a b$", "--limit=5"]),
            (r#"--x="a \"b\" c""#, &[r#"--x=a "b" c"#]),
            (r#"--x="a"b"#, &[r#"--x="a"b"#]),
            ("--a=b='c d'", &["--a=b='c", "d'"]),
        ];
        for (text, words) in cases {
            assert_eq!(
                split(text).as_deref(),
                Ok(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>().as_slice()),
                "{text}"
            );
        }
        assert_eq!(split("--x='a b"), Err(EsArgsError::Quote { text: "'a b".into() }));
    }
}
