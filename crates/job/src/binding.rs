//! What an AppBinding says about a database: its address, and what its Secret means once its keys are changed. Pure.

use std::collections::BTreeMap;

use api::app_binding::{AppBindingSpec, SecretTransform};

/// A Secret's keys and values.
pub type Keys = BTreeMap<String, Vec<u8>>;

/// Name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login {{ user: {:?}, password: *** }}", self.user)
    }
}

/// Why an AppBinding cannot be used. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// It names neither a URL nor a service.
    #[error("spec.clientConfig of AppBinding {name} has neither url nor service")]
    NoAddress {
        /// Its name.
        name: String,
    },
    /// A field of it cannot be used.
    #[error("{field} of AppBinding {name}: {why}")]
    Field {
        /// Its name.
        name: String,
        /// The field.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// Its Secret has no login that is known.
    #[error("Secret {secret} has neither username and password nor ADMIN_USERNAME and ADMIN_PASSWORD; it has {keys}")]
    NoLogin {
        /// The Secret's name.
        secret: String,
        /// The keys that it has.
        keys: String,
    },
    /// A Secret lacks a key.
    #[error("Secret {secret} has no key {key}")]
    NoKey {
        /// The Secret's name.
        secret: String,
        /// The key.
        key: String,
    },
    /// A value of its Secret is no text.
    #[error("key {key} of Secret {secret} is no UTF-8 text")]
    NoText {
        /// The Secret's name.
        secret: String,
        /// The key.
        key: String,
    },
}

/// The database's address: the URL, or that of the service.
///
/// # Errors
/// [`BindingError`], with the field's name.
pub fn address(name: &str, namespace: &str, spec: &AppBindingSpec) -> Result<String, BindingError> {
    let config = &spec.client_config;
    if let Some(url) = config.url.as_ref().filter(|url| !url.is_empty()) {
        return Ok(url.clone());
    }
    let Some(service) = &config.service else { return Err(BindingError::NoAddress { name: name.to_owned() }) };
    let wrong = |field: &str, why: &str| BindingError::Field {
        name: name.to_owned(),
        field: format!("spec.clientConfig.service.{field}"),
        why: why.to_owned(),
    };
    if !matches!(service.scheme.as_str(), "http" | "https") {
        return Err(wrong("scheme", "it is http or https"));
    }
    if !(1..=65535).contains(&service.port) {
        return Err(wrong("port", "it is a number from 1 to 65535"));
    }
    let at = service.namespace.as_deref().filter(|at| !at.is_empty()).unwrap_or(namespace);
    let path = service.path.as_deref().unwrap_or_default().trim_matches('/');
    let slash = if path.is_empty() { "" } else { "/" };
    // A query in front of every request's own says nothing to a server of Elasticsearch, and to none of its proxies.
    Ok(format!("{}://{}.{at}.svc:{}{slash}{path}", service.scheme, service.name, service.port))
}

/// Changes a Secret's keys, in order. `others`: the Secrets that are named on the way, by name.
///
/// # Errors
/// [`BindingError`], where a change cannot be made.
pub fn transformed(
    name: &str,
    mut keys: Keys,
    transforms: &[SecretTransform],
    others: &BTreeMap<String, Keys>,
) -> Result<Keys, BindingError> {
    for (number, transform) in transforms.iter().enumerate() {
        let wrong = |part: &str, why: String| BindingError::Field {
            name: name.to_owned(),
            field: format!("spec.secretTransforms[{number}].{part}"),
            why,
        };
        let SecretTransform { rename_key, add_key, add_keys_from, remove_key } = transform;
        if let Some(rename) = rename_key {
            let value = keys.remove(&rename.from);
            let value =
                value.ok_or_else(|| wrong("renameKey.from", format!("the Secret has no key {:?}", rename.from)))?;
            keys.insert(rename.to.clone(), value);
        }
        if let Some(add) = add_key {
            let text = add.string_value.clone().filter(|text| !text.is_empty()).map(String::into_bytes);
            let value = text.or_else(|| add.value.as_ref().map(|value| value.0.clone())).unwrap_or_default();
            keys.insert(add.key.clone(), value);
        }
        if let Some(from) = add_keys_from {
            let of = from.secret_ref.as_ref().map(|secret| secret.name.clone()).unwrap_or_default();
            let other =
                others.get(&of).ok_or_else(|| wrong("addKeysFrom.secretRef", format!("Secret {of:?} is not there")))?;
            keys.extend(other.clone());
        }
        if let Some(remove) = remove_key {
            keys.remove(&remove.key);
        }
    }
    Ok(keys)
}

/// The login in a Secret: under the names of today, or those of older releases of KubeDB and of Search Guard.
///
/// # Errors
/// [`BindingError::NoLogin`], [`BindingError::NoText`].
pub fn login(secret: &str, keys: &Keys) -> Result<Login, BindingError> {
    for (user, password) in [("username", "password"), ("ADMIN_USERNAME", "ADMIN_PASSWORD")] {
        if let (Some(name), Some(word)) = (keys.get(user), keys.get(password)) {
            let text = |key: &str, value: &[u8]| {
                String::from_utf8(value.to_vec())
                    .map_err(|_| BindingError::NoText { secret: secret.to_owned(), key: key.to_owned() })
            };
            return Ok(Login { user: text(user, name)?, password: text(password, word)? });
        }
    }
    let keys = keys.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let keys = if keys.is_empty() { "no keys".to_owned() } else { keys };
    Err(BindingError::NoLogin { secret: secret.to_owned(), keys })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(spec: serde_json::Value) -> AppBindingSpec {
        serde_json::from_value(spec).expect("an AppBinding's spec")
    }

    #[test]
    fn the_address_is_the_url_or_that_of_the_service() {
        let service = |more: serde_json::Value| {
            let mut service = json!({ "scheme": "https", "name": "alpha", "port": 9200 });
            service.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            spec(json!({ "clientConfig": { "service": service } }))
        };
        let cases = [
            (
                spec(
                    json!({ "clientConfig": { "url": "http://es.example.net:9200/x", "service": { "scheme": "https", "name": "n", "port": 1 } } }),
                ),
                Ok("http://es.example.net:9200/x"),
            ),
            (service(json!({})), Ok("https://alpha.logs.svc:9200")),
            (
                service(json!({ "namespace": "search", "path": "/es/", "query": "pretty=false" })),
                Ok("https://alpha.search.svc:9200/es"),
            ),
            (
                service(json!({ "scheme": "ftp" })),
                Err("spec.clientConfig.service.scheme of AppBinding a: it is http or https"),
            ),
            (
                service(json!({ "port": 0 })),
                Err("spec.clientConfig.service.port of AppBinding a: it is a number from 1 to 65535"),
            ),
            (spec(json!({ "clientConfig": {} })), Err("spec.clientConfig of AppBinding a has neither url nor service")),
        ];
        for (spec, want) in cases {
            let found = address("a", "logs", &spec).map_err(|error| error.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), want);
        }
    }

    #[test]
    fn a_secrets_keys_are_changed_in_order() {
        let keys = |pairs: &[(&str, &str)]| -> Keys {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
        };
        let transforms: Vec<SecretTransform> = serde_json::from_value(json!([
            { "renameKey": { "from": "user", "to": "username" } },
            { "renameKey": { "from": "pw", "to": "password" } },
            { "addKey": { "key": "note", "stringValue": "hello" } },
            { "addKey": { "key": "note64", "value": "aGVsbG8=" } },
            { "addKeysFrom": { "secretRef": { "name": "extra" } } },
            { "removeKey": { "key": "junk" } },
        ]))
        .expect("transforms");
        let others = BTreeMap::from([("extra".to_owned(), keys(&[("extra", "y")]))]);
        let raw = keys(&[("user", "writer"), ("pw", "p\"ss w\\ord"), ("junk", "x")]);
        let changed = transformed("gamma", raw.clone(), &transforms, &others).expect("changed");
        assert_eq!(
            changed,
            keys(&[
                ("username", "writer"),
                ("password", "p\"ss w\\ord"),
                ("note", "hello"),
                ("note64", "hello"),
                ("extra", "y")
            ])
        );
        let login = login("s", &changed).expect("a login");
        assert_eq!((login.user.as_str(), login.password.as_str()), ("writer", "p\"ss w\\ord"));
        assert!(!format!("{login:?}").contains("ss w"));

        let missing = transformed("gamma", raw, &transforms, &BTreeMap::new()).expect_err("no such Secret");
        assert_eq!(
            missing.to_string(),
            "spec.secretTransforms[4].addKeysFrom.secretRef of AppBinding gamma: Secret \"extra\" is not there"
        );
        let missing = transformed("gamma", Keys::new(), &transforms, &others).expect_err("no such key");
        assert!(
            missing.to_string().contains("renameKey.from of AppBinding gamma: the Secret has no key \"user\""),
            "{missing}"
        );
    }

    #[test]
    fn a_login_stands_under_one_of_two_pairs_of_names() {
        let keys = |names: [&str; 2]| Keys::from(names.map(|name| (name.to_owned(), b"x".to_vec())));
        assert!(login("s", &keys(["username", "password"])).is_ok());
        assert!(login("s", &keys(["ADMIN_USERNAME", "ADMIN_PASSWORD"])).is_ok());
        let error = login("s", &keys(["user", "password"])).expect_err("no login").to_string();
        assert!(error.ends_with("it has password, user"), "{error}");
        let bad = Keys::from([("username".to_owned(), b"u".to_vec()), ("password".to_owned(), vec![0xff])]);
        assert_eq!(login("s", &bad), Err(BindingError::NoText { secret: "s".into(), key: "password".into() }));
    }
}
