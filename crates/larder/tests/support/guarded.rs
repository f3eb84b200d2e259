//! A server that wants TLS and a login, and users of it who may not do everything.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use elasticsearch::{Auth, Connection, Request, Tls};
use serde_json::{Value, json};

use super::{
    cluster::{Cluster, listed},
    larder::Larder,
};

/// The password of each user that a test makes.
pub const PASSWORD: &str = "a-Long-passw0rd-for-tests!";

/// What guards a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// Elastic's own.
    XPack,
    /// OpenSearch's.
    OpenSearch,
    /// Search Guard without its paid modules: logins, no interface for roles.
    SearchGuard,
}

/// What a user sees of an index.
pub struct Role {
    /// Only documents that match, as JSON.
    pub query: Option<&'static str>,
    /// Not this field.
    pub hidden: Option<&'static str>,
}

/// One server.
pub struct Guarded {
    /// It, asked by its `admin`.
    pub cluster: Cluster,
    /// What guards it.
    pub plugin: Plugin,
    authority: PathBuf,
}

/// A certificate and its key, as files.
pub struct Certificate {
    /// The certificate.
    pub file: String,
    /// Its key.
    pub key: String,
}

impl Certificate {
    /// The program with this certificate.
    pub fn shown_by(&self, larder: &Larder) -> Larder {
        larder.clone().with("LARDER_CLIENT_CERT", &self.file).with("LARDER_CLIENT_KEY", &self.key)
    }

    /// One that `by` signed, an authority's `….crt` with its `….key` beside it, or else the certificate signed itself.
    pub fn make(folder: &Path, name: &str, by: Option<&Path>) -> Self {
        let path = |suffix| folder.join(format!("{name}.{suffix}")).to_str().unwrap().to_owned();
        let (file, key) = (path("crt"), path("key"));
        let mut made = Command::new("openssl");
        made.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &format!("/CN={name}")]);
        if let Some(by) = by {
            made.arg("-CA").arg(by).arg("-CAkey").arg(by.with_extension("key"));
            made.args(["-addext", "basicConstraints=CA:FALSE", "-addext", "extendedKeyUsage=clientAuth"]);
        }
        let made = made.args(["-keyout", &key, "-out", &file]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        Self { file, key }
    }
}

impl Guarded {
    /// Every server of the list.
    pub fn all() -> Vec<Self> {
        let folder = env::var("LARDER_TEST_TLS").expect("LARDER_TEST_TLS must be the folder of the servers' authority");
        let authority = Path::new(&folder).join("ca.crt");
        let guarded = |(name, url): (String, String)| {
            let connection = Connection {
                auth: Auth::Basic { user: "admin".into(), password: "admin".to_owned().into() },
                tls: Tls { ca: Some(fs::read(&authority).unwrap()), ..Tls::default() },
                ..Connection::new(vec![url.parse().unwrap()])
            };
            let plugin = match name.as_str() {
                name if name.starts_with("os-") => Plugin::OpenSearch,
                name if name.starts_with("6.") => Plugin::SearchGuard,
                _ => Plugin::XPack,
            };
            Self { cluster: Cluster::over(name, url, connection), plugin, authority: authority.clone() }
        };
        listed("LARDER_TEST_ES_TLS").into_iter().map(guarded).collect()
    }

    /// Those whose roles a test can write.
    pub fn with_roles() -> Vec<Self> {
        Self::all().into_iter().filter(|guarded| guarded.plugin != Plugin::SearchGuard).collect()
    }

    /// The program on a new repository in a folder, as nobody.
    pub fn larder_as_nobody(&self, folder: &Path) -> Larder {
        Larder::on_new(folder)
            .with("LARDER_ELASTICSEARCH", &self.cluster.url)
            .with("LARDER_CA_FILE", self.authority.to_str().unwrap())
    }

    /// The same as this user.
    pub fn larder(&self, folder: &Path, user: &str, password: &str) -> Larder {
        self.larder_as_nobody(folder).with("LARDER_USER", user).with("LARDER_ELASTICSEARCH_PASSWORD", password)
    }

    /// A certificate of the servers' authority.
    pub fn certificate(&self, folder: &Path, name: &str) -> Certificate {
        Certificate::make(folder, name, Some(&self.authority))
    }

    /// Where a role, the mapping of a role and a user of this name are.
    pub fn security_paths(&self, name: &'static str) -> [Vec<&'static str>; 3] {
        match self.plugin {
            Plugin::OpenSearch => {
                ["roles", "rolesmapping", "internalusers"].map(|kind| vec!["_plugins", "_security", "api", kind, name])
            }
            _ => ["role", "role_mapping", "user"].map(|kind| vec!["_security", kind, name]),
        }
    }

    /// Makes a user who reads one index, as far as the role lets; gives its name.
    pub fn user(&self, name: &str, index: &str, role: &Role) -> String {
        let (role, body) = (self.plugin.role(index, role), |user: &str| json!({ "password": PASSWORD, user: [name] }));
        let put = |path: &[&str], body: &Value| drop(self.cluster.ask(Request::put(path).json(body.to_string())));
        match self.plugin {
            Plugin::XPack => {
                put(&["_security", "role", name], &role);
                put(&["_security", "user", name], &body("roles"));
            }
            Plugin::OpenSearch => {
                put(&["_plugins", "_security", "api", "roles", name], &role);
                put(&["_plugins", "_security", "api", "internalusers", name], &body("opendistro_security_roles"));
            }
            Plugin::SearchGuard => panic!("Search Guard's free edition has no interface for roles"),
        }
        name.to_owned()
    }
}

impl Plugin {
    /// A role as this plugin describes it: everything that a backup of one index takes.
    pub fn role(self, index: &str, role: &Role) -> Value {
        let &Role { query, hidden } = role;
        if self == Self::OpenSearch {
            return json!({
                "cluster_permissions": ["cluster_all", "indices:admin/template/get", "indices:admin/index_template/get"],
                "index_permissions": [{
                    "index_patterns": [index],
                    "dls": query.unwrap_or_default(),
                    "fls": hidden.map(|field| format!("~{field}")).into_iter().collect::<Vec<_>>(),
                    "allowed_actions": ["indices_all"],
                }],
            });
        }
        let mut indices = json!({
            "names": [index], "privileges": ["read", "view_index_metadata", "monitor", "maintenance"],
        });
        if let Some(query) = query {
            indices["query"] = query.into();
        }
        if let Some(field) = hidden {
            indices["field_security"] = json!({ "grant": ["*"], "except": [field] });
        }
        json!({ "cluster": ["monitor", "manage_index_templates", "manage_pipeline"], "indices": [indices] })
    }
}
