//! What a restore will do: which indices under what names, which definitions, and what stands in the way. Changes
//! nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use elasticsearch::{
    DataStream, Definition, Matcher, Selection,
    load::{LoadError, Loader, OnConflict, Standing},
};
use regex::Regex;

use super::{ConflictRules, streams};
use crate::{
    backup::is_left_out,
    blocking::blocking,
    dump::Dump,
    error::{Doing as _, Error, Result},
    parts::{Part, Parts},
};

/// A change of names: the first match of the pattern is replaced.
#[derive(Debug, Clone)]
pub struct Rename {
    /// What to look for in the index's name.
    pub pattern: Regex,
    /// What to put there; `$1` and `${name}` stand for groups.
    pub replacement: String,
}

/// What of a dump is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which indices, by the names that they have in the dump.
    pub selection: Selection,
    /// Applied in order, each once.
    pub renames: Vec<Rename>,
    /// Which parts.
    pub parts: Parts,
    /// Templates of any kind that are left out, by their names.
    pub without_templates: Option<Matcher>,
}

/// What a restore will do.
#[derive(Debug)]
pub struct RestorePlan {
    /// The indices that belong to no data stream, by their names in the dump.
    pub indices: Vec<IndexPlan>,
    /// The data streams, by their names in the dump.
    pub streams: Vec<StreamPlan>,
    /// Pipelines, templates, policies and the like.
    pub definitions: Vec<Definition>,
    /// Parts that are wanted, and that the dump does not have.
    pub missing: Parts,
    /// What is there already, in words.
    pub conflicts: Vec<String>,
    /// What of it may neither be left nor overwritten: nothing is restored.
    pub in_the_way: Vec<String>,
    /// Definitions that the server has no place for, in words.
    pub unsupported: Vec<String>,
    /// Indices of a foreign dump that are left out because their names begin with a dot.
    pub left_out_system: Vec<String>,
}

/// One index to be restored.
#[derive(Debug, Clone)]
pub struct IndexPlan {
    /// Its name in the dump.
    pub name: String,
    /// Its name in the cluster.
    pub target: String,
    /// Its documents; `None` in a dump without manifest.
    pub documents: Option<u64>,
    /// Whether the cluster has it already.
    pub exists: bool,
}

/// One data stream to be restored.
#[derive(Debug, Clone)]
pub struct StreamPlan {
    /// As it was saved.
    pub stream: DataStream,
    /// Its name in the cluster.
    pub target: String,
    /// Its backing indices, oldest first. The server names them: until they are made, their targets are not known.
    pub indices: Vec<IndexPlan>,
    /// Whether the cluster has it already, or an index of its name.
    pub exists: bool,
}

impl RestorePlan {
    /// How many indices, those of data streams among them.
    pub fn index_count(&self) -> usize {
        self.indices.len() + self.streams.iter().map(|stream| stream.indices.len()).sum::<usize>()
    }

    /// How many documents, as far as the dump says.
    pub fn documents(&self) -> u64 {
        let of_streams = self.streams.iter().flat_map(|stream| &stream.indices);
        self.indices.iter().chain(of_streams).filter_map(|index| index.documents).sum()
    }
}

impl Rename {
    /// Puts text before every name.
    pub fn prefix(text: &str) -> Self {
        Self::at("^", text)
    }

    /// Puts text behind every name.
    pub fn suffix(text: &str) -> Self {
        Self::at("$", text)
    }

    fn at(anchor: &str, text: &str) -> Self {
        let pattern = Regex::new(anchor).expect("an anchor is a pattern");
        // The text stands for itself, whatever is in it.
        Self { pattern, replacement: text.replace('$', "$$") }
    }
}

impl Wanted {
    /// Whether a part is wanted.
    pub fn has(&self, part: Part) -> bool {
        self.parts.has(part)
    }

    /// The name that an index gets.
    pub fn rename(&self, name: &str) -> String {
        self.renames.iter().fold(name.to_owned(), |name, rename| {
            rename.pattern.replace(&name, rename.replacement.as_str()).into_owned()
        })
    }

    /// Whether anything of indices is wanted.
    fn any_of_an_index(&self) -> bool {
        Part::OF_AN_INDEX.into_iter().any(|part| self.has(part))
    }

    fn wants(&self, definition: &Definition) -> bool {
        self.has(Part::of(definition.kind)) && !is_left_out(definition, self.without_templates.as_ref())
    }
}

/// Reads the dump's definitions and asks the cluster what it has of them.
pub(super) async fn make(
    loader: &Loader,
    dump: &Arc<Dump>,
    wanted: &Wanted,
    rules: &ConflictRules,
) -> Result<RestorePlan> {
    let (mut indices, mut streams, left_out_system) = choose(dump, wanted)?;
    let mut conflicts = streams::conflicts(loader, &mut streams).await?;
    let reading = Arc::clone(dump);
    let mut definitions = blocking(move || reading.cluster_definitions()).await?;
    definitions.retain(|definition| wanted.wants(definition));
    let targets: Vec<String> = indices.iter().map(|index| index.target.clone()).collect();
    let taken = loader.existing(&targets).await.doing(|| "cannot see which indices are there".into())?;
    for index in &mut indices {
        index.exists = taken.contains(&index.target);
    }
    conflicts.extend(taken.iter().map(|name| format!("index {name}")));
    let mut in_the_way = if rules.of_indices() == OnConflict::Fail { conflicts.clone() } else { Vec::new() };
    let mut unsupported = Vec::new();
    for definition in &definitions {
        let name = format!("{} {}", definition.kind.noun(), definition.name);
        match loader.standing(definition).await {
            // One that says the same is no conflict.
            Ok(Standing::Absent | Standing::Same) => {}
            Ok(Standing::Other) => {
                let conflict = format!("{name} with other content");
                if rules.of_definition(definition.kind) == OnConflict::Fail {
                    in_the_way.push(conflict.clone());
                }
                conflicts.push(conflict);
            }
            Err(LoadError::Unknown { .. }) if !definition.kind.is_needed_by_indices() => unsupported.push(name),
            Err(error) => return Err(error).doing(|| format!("cannot see whether {name} is there")),
        }
    }
    let missing = wanted.parts.without(&dump.parts());
    Ok(RestorePlan { indices, streams, definitions, missing, conflicts, in_the_way, unsupported, left_out_system })
}

/// The chosen indices and data streams, and the indices left out because they are the system's. A data stream of which only a
/// part is chosen, or which only its backing indices' names choose, is none: then these are plain indices. What larder saved was wanted when it was
/// saved; Stash saves everything there is, and restoring a foreign `.security` breaks clusters.
fn choose(dump: &Dump, wanted: &Wanted) -> Result<(Vec<IndexPlan>, Vec<StreamPlan>, Vec<String>)> {
    let mut selection = wanted.selection.clone();
    selection.include_system |= dump.is_ours();
    let (chosen, left_out) = dump.choose(&selection)?;
    if let Some(patterns) = selection.patterns().filter(|_| chosen.is_empty()) {
        let but = if left_out.is_empty() { "" } else { " but what is left out as the system's" };
        let why = format!("it has no index that matches {patterns}{but}");
        return Err(Error::NotADump { snapshot: dump.snapshot().short_id(), why });
    }
    if !wanted.any_of_an_index() {
        return Ok((Vec::new(), Vec::new(), left_out));
    }
    let mut names = BTreeMap::<String, String>::new();
    let mut renamed = |name: &str| {
        let target = wanted.rename(name);
        match names.insert(target.clone(), name.to_owned()) {
            Some(first) => Err(Error::Collision { first, second: name.to_owned(), name: target }),
            None => Ok(target),
        }
    };
    let plan = |name: &str, target: String| {
        let documents = dump.index(name).map(|index| index.documents);
        IndexPlan { name: name.to_owned(), target, documents, exists: false }
    };
    let mut alone: BTreeSet<String> = chosen.into_iter().collect();
    let mut streams = Vec::new();
    for stream in dump.streams() {
        if selection.asks_for(&stream.name) && stream.indices.iter().all(|index| alone.contains(index)) {
            let indices = stream.indices.iter().map(|index| plan(index, index.clone())).collect();
            alone.retain(|index| !stream.indices.contains(index));
            streams.push(StreamPlan { target: renamed(&stream.name)?, stream, indices, exists: false });
        }
    }
    let indices = alone.iter().map(|name| Ok(plan(name, renamed(name)?))).collect::<Result<_>>()?;
    Ok((indices, streams, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(renames: Vec<Rename>) -> Wanted {
        Wanted { selection: Selection::default(), renames, parts: Parts::usual(), without_templates: None }
    }

    #[test]
    fn a_prefix_and_a_suffix_stand_around_every_name() {
        let both = wanted(vec![Rename::prefix("$1a-"), Rename::suffix("-${b}$")]);
        for name in ["x", "a^b$", ".kibana", "ü-2021"] {
            assert_eq!(both.rename(name), format!("$1a-{name}-${{b}}$"));
        }
        assert_eq!(wanted(vec![Rename::prefix(""), Rename::suffix("")]).rename("x"), "x");
    }
}
