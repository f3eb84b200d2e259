//! Which crate may name which: the walls that the architecture stands on. Looks at manifests only, never at code: what a
//! manifest does not name, code cannot use.

use super::Complaint;
use crate::tree::{Dependency, Package, SourceFile};

/// What a crate of ours may depend on among our crates.
enum Arrows {
    Only(&'static [&'static str]),
    Any,
}

/// The table of arrows. A new crate needs its line here.
const ARROWS: &[(&str, Arrows)] = &[
    ("api", Arrows::Only(&[])),
    ("elasticsearch", Arrows::Only(&[])),
    ("repository", Arrows::Only(&[])),
    ("engine", Arrows::Only(&["elasticsearch", "repository"])),
    ("job", Arrows::Only(&["api", "elasticsearch", "engine", "pushgateway", "repository"])),
    ("kubectl", Arrows::Only(&["api", "engine", "job", "repository"])),
    ("operator", Arrows::Only(&["api", "pushgateway"])),
    ("pushgateway", Arrows::Only(&[])),
    ("larder", Arrows::Any),
    ("xtask", Arrows::Only(&["api", "operator", "samples"])),
    ("samples", Arrows::Only(&[])),
    ("larder-fuzz", Arrows::Only(&["elasticsearch", "engine", "repository"])),
];

/// Crates that every crate's tests may use.
const FOR_TESTS: &[&str] = &["samples"];

/// Foreign libraries that live in one crate and nowhere else, so that they can be replaced there. Tests may use them too.
const HOMES: &[(&str, &[&str])] = &[
    // In `repository` for the REST backend, and to hand certificates to opendal's transport.
    ("reqwest", &["elasticsearch", "job", "repository"]),
    ("rustic_core", &["repository"]),
    ("opendal", &["repository"]),
    ("schemars", &["api"]),
    ("regress", &["job"]),
    ("axum", &["operator"]),
    ("croner", &["kubectl"]),
    ("flate2", &["engine"]),
    ("tar", &["engine"]),
    ("rcgen", &["operator"]),
    ("tokio-rustls", &["operator"]),
    ("x509-parser", &["operator"]),
    ("clap", &["larder", "xtask"]),
    ("clap_complete", &["larder"]),
    ("tracing-subscriber", &["larder"]),
    ("indicatif", &["larder"]),
    ("anyhow", &["larder", "xtask"]),
];

/// Complains of each dependency that the tables do not allow.
pub fn check(packages: &[Package], files: &[SourceFile]) -> Vec<Complaint> {
    let ours: Vec<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    packages.iter().flat_map(|p| check_package(p, &ours, files)).collect()
}

fn check_package(package: &Package, ours: &[&str], files: &[SourceFile]) -> Vec<Complaint> {
    let manifest = package.manifest_path.as_str();
    let Some((_, arrows)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
        let message = format!("crate {} has no line in the table of arrows (xtask/src/tidy/arrows.rs)", package.name);
        return vec![Complaint::error(manifest, 1, message)];
    };
    let mut complaints = Vec::new();
    for dependency in &package.dependencies {
        let line = line_of(manifest, &dependency.name, files);
        if ours.contains(&dependency.name.as_str()) && !arrows.allow(dependency) {
            let message = format!("{} must not depend on {}: no such arrow", package.name, dependency.name);
            complaints.push(Complaint::error(manifest, line, message));
        }
        if let Some(home) = foreign_home(package, dependency) {
            let message = format!("{} lives in {} and nowhere else", dependency.name, home.join(", "));
            complaints.push(Complaint::error(manifest, line, message));
        }
    }
    complaints
}

impl Arrows {
    fn allow(&self, dependency: &Dependency) -> bool {
        let name = dependency.name.as_str();
        match self {
            Self::Only(allowed) => allowed.contains(&name) || is_dev(dependency) && FOR_TESTS.contains(&name),
            Self::Any => true,
        }
    }
}

fn is_dev(dependency: &Dependency) -> bool {
    dependency.kind.as_deref() == Some("dev")
}

/// The home of a library that this crate should not name.
fn foreign_home(package: &Package, dependency: &Dependency) -> Option<&'static [&'static str]> {
    if is_dev(dependency) {
        return None;
    }
    let (_, home) = HOMES.iter().find(|(library, _)| *library == dependency.name)?;
    (!home.contains(&package.name.as_str())).then_some(home)
}

/// Where the manifest names the dependency; line 1 when it is renamed or written in some other way.
fn line_of(manifest: &str, dependency: &str, files: &[SourceFile]) -> usize {
    let Some(file) = files.iter().find(|f| f.path == manifest) else { return 1 };
    let names = |line: &str| {
        line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
            || line.contains(&format!("dependencies.{dependency}]"))
    };
    file.text.lines().position(names).map_or(1, |n| n + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: name.into(),
            manifest_path: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency { name: (*name).into(), kind: kind.map(Into::into) })
                .collect(),
        }
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_an_error_at_its_line() {
        let packages = [package("elasticsearch", &[("engine", None)]), package("engine", &[("elasticsearch", None)])];
        let manifest = SourceFile {
            path: "crates/elasticsearch/Cargo.toml".into(),
            text: "[package]\n\n[dependencies]\nengine.workspace = true\n".into(),
        };
        let complaints = check(&packages, &[manifest]);
        let message = "elasticsearch must not depend on engine: no such arrow";
        assert_eq!(complaints, [Complaint::error("crates/elasticsearch/Cargo.toml", 4, message)]);
    }

    #[test]
    fn a_foreign_library_outside_its_home_is_an_error_except_in_tests() {
        let packages = [package("engine", &[("reqwest", None), ("reqwest", Some("dev")), ("serde", None)])];
        let complaints = check(&packages, &[]);
        let message = "reqwest lives in elasticsearch, job, repository and nowhere else";
        assert_eq!(complaints, [Complaint::error("crates/engine/Cargo.toml", 1, message)]);
    }

    #[test]
    fn a_crate_without_a_line_in_the_table_is_an_error() {
        assert_eq!(check(&[package("newcomer", &[])], &[]).len(), 1);
    }

    #[test]
    fn tests_may_use_the_samples_and_code_may_not() {
        let packages = [package("engine", &[("samples", None), ("samples", Some("dev"))]), package("samples", &[])];
        let message = "engine must not depend on samples: no such arrow";
        assert_eq!(check(&packages, &[]), [Complaint::error("crates/engine/Cargo.toml", 1, message)]);
    }

    #[test]
    fn the_binary_may_name_every_crate() {
        let packages = [
            package("larder", &[("engine", None), ("repository", None)]),
            package("engine", &[]),
            package("repository", &[]),
        ];
        assert_eq!(check(&packages, &[]), []);
    }
}
