//! Gives an index the aliases that it had: no more (a template of the server may have added some) and no fewer.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{
    Loader,
    error::{LoadError, Result},
    object::{Object, raw},
};
use crate::request::Request;

impl Loader {
    /// Makes `aliases` (`{"name":{"filter":…,"index_routing":…,"is_write_index":…}}`, as servers give them) the aliases
    /// of `index`, all at once. Gives what had to be changed, and why.
    ///
    /// # Errors
    /// [`LoadError::Definition`] where `aliases` is no object; [`LoadError::Server`].
    pub async fn put_aliases(&self, index: &str, aliases: &RawValue) -> Result<Vec<String>> {
        let doing = || LoadError::doing(format!("putting back the aliases of index {index}"));
        let saved = read(index, aliases)?;
        let current: Object = self.client().ask(Request::get(&[index, "_alias"])).await.map_err(doing())?;
        let current = current.object(index).and_then(|index| index.object("aliases")).unwrap_or_default();
        let can_hide = self.client().can().hidden_indices;
        let (actions, changes) = actions(index, &saved, &current, can_hide)?;
        if !actions.is_empty() {
            let body = Object::from_iter([("actions".to_owned(), raw(&actions))]);
            let request = Request::post(&["_aliases"]).json(body.to_raw().get().to_owned()).idempotent(true);
            self.client().ask::<IgnoredAny>(request).await.map_err(doing())?;
        }
        Ok(changes)
    }
}

fn read(name: &str, value: &RawValue) -> Result<Object> {
    Object::parse(value.get()).map_err(|source| LoadError::Definition {
        what: "aliases of index",
        name: name.to_owned(),
        source,
    })
}

fn actions(index: &str, saved: &Object, current: &Object, can_hide: bool) -> Result<(Vec<Object>, Vec<String>)> {
    let mut actions = Vec::new();
    let mut changes = Vec::new();
    let named = |alias: &str| Object::from_iter([("index".to_owned(), raw(index)), ("alias".to_owned(), raw(alias))]);
    for (alias, _) in current.iter().filter(|(alias, _)| saved.get(alias).is_none()) {
        actions.push(Object::from_iter([("remove".to_owned(), named(alias).to_raw())]));
    }
    for (alias, properties) in saved.iter() {
        let mut add = named(alias);
        for (name, value) in read(index, properties)?.iter() {
            if name == "is_hidden" && !can_hide {
                changes.push(format!("alias {alias} of index {index} is not hidden: the server cannot"));
            } else {
                add.set(name, value.to_owned());
            }
        }
        actions.push(Object::from_iter([("add".to_owned(), add.to_raw())]));
    }
    Ok((actions, changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_aliases_are_added_with_all_they_hold_and_others_removed() {
        let saved = r#"{"a":{"filter":{"term":{"n":9007199254740993}},"is_write_index":true},"h":{"is_hidden":true}}"#;
        let saved = Object::parse(saved).expect("an object");
        let current = Object::parse(r#"{"a":{},"t":{}}"#).expect("an object");
        let text = |can_hide| {
            let (actions, changes) = actions("i", &saved, &current, can_hide).expect("actions");
            (raw(&actions).get().to_owned(), changes.len())
        };
        let expected = r#"[{"remove":{"index":"i","alias":"t"}},{"add":{"index":"i","alias":"a","filter":{"term":{"n":9007199254740993}},"is_write_index":true}},{"add":{"index":"i","alias":"h","is_hidden":true}}]"#;
        assert_eq!(text(true), (expected.to_owned(), 0));
        assert_eq!(text(false), (expected.replace(r#","is_hidden":true"#, ""), 1));
    }
}
