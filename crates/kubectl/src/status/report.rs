//! What is to be said of all that was seen, what needs a person first. Pure.

use std::collections::BTreeSet;

use api::{AppBinding, invoker};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use serde::Serialize;

use super::{
    Observed,
    backup::{self, Backup, State},
};
use crate::session::{self, Phase, Session};

/// Restores that succeeded longer ago are counted only.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The namespace that was looked at; all if none.
    pub namespace: Option<String>,
    /// When.
    pub now: Timestamp,
    /// Backups.
    pub backups: Vec<Backup>,
    /// Databases that no backup names.
    pub unprotected: Vec<Unprotected>,
    /// Restores.
    pub restores: Vec<Restore>,
    /// Restores that succeeded more than a week ago and are not listed.
    pub older_restores: usize,
}

/// A database that no backup names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unprotected {
    /// The AppBinding's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it is, such as `kubedb.com/elasticsearch`.
    pub database: String,
}

/// A restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restore {
    /// RestoreSession or RestoreBatch.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Names of its targets.
    pub targets: Vec<String>,
    /// How far it is.
    pub phase: Phase,
    /// When it was made.
    pub begun: Option<Timestamp>,
    /// How long it took, such as `1m12s`.
    pub duration: Option<String>,
    /// Why it failed.
    pub why: Vec<String>,
}

impl Report {
    /// Backups that a person should look at.
    pub fn needing(&self) -> usize {
        self.backups.iter().filter(|backup| backup.state <= State::Late).count()
    }
}

/// What is to be said of what was seen.
pub fn report(observed: &Observed, now: Timestamp) -> Report {
    let mut backups: Vec<Backup> = observed.invokers.iter().map(|invoker| backup::of(observed, invoker, now)).collect();
    backups.sort_by(|a, b| (a.state, &a.namespace, &a.name, a.kind).cmp(&(b.state, &b.namespace, &b.name, b.kind)));
    let recent = |restore: &&Session| {
        restore.phase != Phase::Succeeded || restore.begun().is_none_or(|begun| now.duration_since(begun) < RECENT)
    };
    let mut restores: Vec<Session> = observed.restores.iter().filter(recent).cloned().collect();
    session::newest_first(&mut restores);
    restores.sort_by_key(|restore| rank(restore.phase));
    let older_restores = observed.restores.len() - restores.len();
    Report {
        namespace: observed.namespace.clone(),
        now,
        backups,
        unprotected: unprotected(observed),
        restores: restores.into_iter().map(restore).collect(),
        older_restores,
    }
}

/// What has failed, then what is at work, then the rest.
fn rank(phase: Phase) -> u8 {
    match phase {
        phase if phase.is_bad() => 0,
        Phase::Pending | Phase::Running => 1,
        _ => 2,
    }
}

fn restore(session: Session) -> Restore {
    Restore {
        kind: session.kind,
        namespace: session.namespace().to_owned(),
        name: session.name().to_owned(),
        phase: session.phase,
        begun: session.begun(),
        targets: session.targets.into_iter().map(|target| target.name).collect(),
        duration: session.duration,
        why: if session.phase == Phase::Succeeded { Vec::new() } else { session.why },
    }
}

/// Databases of our kind that nothing backs up. Targets lie in the namespace of what names them.
fn unprotected(observed: &Observed) -> Vec<Unprotected> {
    let is_ours = |binding: &&AppBinding| {
        let database = binding.spec.type_.as_deref().unwrap_or_default().to_ascii_lowercase();
        database.contains("elasticsearch") || database.contains("opensearch")
    };
    let named: BTreeSet<(String, String)> = observed
        .invokers
        .iter()
        .flat_map(|invoker| invoker.members().iter().map(move |member| (invoker, member)))
        .filter_map(|(invoker, member)| {
            let target = member.target.as_ref()?.target_ref.as_ref()?;
            let name = target.name.clone()?;
            let namespace = invoker.metadata.namespace.clone()?;
            invoker::is(target, "AppBinding", &name).then_some((namespace, name))
        })
        .collect();
    let mut all: Vec<Unprotected> = observed
        .bindings
        .iter()
        .filter(is_ours)
        .map(|binding| Unprotected {
            namespace: binding.namespace().unwrap_or_default(),
            name: binding.name_any(),
            database: binding.spec.type_.clone().unwrap_or_default(),
        })
        .filter(|one| !named.contains(&(one.namespace.clone(), one.name.clone())))
        .collect();
    all.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    all
}
