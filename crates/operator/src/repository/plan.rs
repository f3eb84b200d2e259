//! What a Repository leads to. Pure: all that was seen comes in.

use api::{
    Repository, labels,
    repository::{Reference, RepositoryStatus},
};

use super::wipe;
use crate::{
    plan::{Plan, Unwanted},
    rights::{self, User},
};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The object.
    pub repository: Repository,
    /// Who uses it.
    pub users: Vec<UserObject>,
    /// Names of Roles that were made for users in other namespaces.
    pub roles: Vec<String>,
    /// The same of what binds them.
    pub role_bindings: Vec<String>,
}

/// An object that uses a Repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserObject {
    /// Its namespace.
    pub namespace: String,
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// What is to be done.
pub fn plan(observed: &Observed) -> Plan<RepositoryStatus> {
    let mut users = observed.users.clone();
    users.sort_unstable();
    let reference = |user: &UserObject| Reference {
        api_group: Some(labels::GROUP.into()),
        kind: Some(user.kind.into()),
        name: user.name.clone(),
        namespace: Some(user.namespace.clone()),
    };
    let status = RepositoryStatus {
        observed_generation: observed.repository.metadata.generation,
        references: Some(users.iter().map(reference).collect()).filter(|references: &Vec<_>| !references.is_empty()),
        ..observed.repository.status.clone().unwrap_or_default()
    };
    let needed: Vec<String> = users.iter().map(UserObject::rights).collect();
    let unneeded = |names: &[String]| names.iter().filter(|name| !needed.contains(name)).cloned().collect::<Vec<_>>();
    let delete = unneeded(&observed.role_bindings)
        .into_iter()
        .map(Unwanted::RoleBinding)
        .chain(unneeded(&observed.roles).into_iter().map(Unwanted::Role))
        .collect();
    Plan { marks: wipe::marks(&observed.repository), delete, ..Plan::say(status, None) }
}

impl UserObject {
    fn rights(&self) -> String {
        rights::name(User { kind: self.kind, namespace: &self.namespace, name: &self.name })
    }
}

#[cfg(test)]
mod tests {
    use api::RepositorySpec;

    use super::*;

    #[test]
    fn references_are_those_who_use_it_and_rights_of_others_go() {
        let user =
            |namespace: &str, kind, name: &str| UserObject { namespace: namespace.into(), kind, name: name.into() };
        let mut repository = Repository::new("store", RepositorySpec::default());
        repository.status = Some(RepositoryStatus { integrity: Some(true), ..RepositoryStatus::default() });
        let observed = Observed {
            repository,
            users: vec![user("search", "RestoreSession", "back"), user("logs", "BackupConfiguration", "alpha")],
            roles: vec!["search-restoresession-back".into(), "search-backupconfiguration-gone".into()],
            role_bindings: vec!["search-backupconfiguration-gone".into()],
        };
        let planned = plan(&observed);
        let references = planned.status.references.expect("references");
        let names: Vec<_> = references.iter().map(|reference| reference.name.as_str()).collect();
        assert_eq!(names, ["alpha", "back"]);
        assert_eq!(planned.status.integrity, Some(true));
        let gone = "search-backupconfiguration-gone".to_owned();
        assert_eq!(planned.delete, [Unwanted::RoleBinding(gone.clone()), Unwanted::Role(gone)]);
    }
}
