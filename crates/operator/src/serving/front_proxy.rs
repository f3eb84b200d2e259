//! Who asks. The API server asks in the name of a user, whom it names in headers; it is believed where it shows the certificate of
//! its front proxy, as the ConfigMap `extension-apiserver-authentication` says. The decision is pure.

use std::{collections::BTreeMap, sync::Arc};

use axum::http::HeaderMap;
use tokio_rustls::rustls::{
    RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, UnixTime, pem::PemObject as _},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The ConfigMap, which every API server keeps.
pub(crate) const CONFIG_MAP: (&str, &str) = ("kube-system", "extension-apiserver-authentication");

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// The name.
    pub(crate) name: String,
    /// Another name that is never used twice.
    pub(crate) uid: Option<String>,
    /// The groups.
    pub(crate) groups: Vec<String>,
    /// What else is said of the user.
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

/// Why nobody knows who asks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unknown {
    /// The API server is not set up to pass requests on.
    #[error(
        "ConfigMap kube-system/extension-apiserver-authentication names no authority of the front proxy: the API server has to be \
         started with --requestheader-client-ca-file and --proxy-client-cert-file"
    )]
    NotConfigured,
    /// No certificate came with the connection.
    #[error("only the API server may ask, with the certificate of its front proxy; none was shown")]
    NoCertificate,
    /// It is not the front proxy's.
    #[error("the certificate is not that of the API server's front proxy: {0}")]
    NotTheProxy(String),
    /// It says not for whom.
    #[error("the API server names no user")]
    NoUser,
}

/// Whom to believe, and where the user's name stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust {
    /// `None` where nobody is.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// Names of the proxy; empty: any that the authority gave.
    names: Vec<String>,
    user: Vec<String>,
    uid: Vec<String>,
    groups: Vec<String>,
    /// Beginnings of headers.
    extra: Vec<String>,
}

impl Trust {
    /// As the ConfigMap says.
    ///
    /// # Errors
    /// Names the key that cannot be used.
    pub(crate) fn of(data: &BTreeMap<String, String>) -> Result<Self, String> {
        let list = |key: &str| match data.get(key).map(String::as_str) {
            None | Some("") => Ok(Vec::new()),
            Some(text) => serde_json::from_str::<Vec<String>>(text).map_err(|error| format!("{key}: {error}")),
        };
        Ok(Self {
            verifier: data
                .get("requestheader-client-ca-file")
                .filter(|pem| !pem.is_empty())
                .map(|pem| verifier(pem).map_err(|error| format!("requestheader-client-ca-file: {error}")))
                .transpose()?,
            names: list("requestheader-allowed-names")?,
            user: list("requestheader-username-headers")?,
            uid: list("requestheader-uid-headers")?,
            groups: list("requestheader-group-headers")?,
            extra: list("requestheader-extra-headers-prefix")?,
        })
    }

    /// Who asks, by what was shown and what the headers say.
    ///
    /// # Errors
    /// [`Unknown`].
    pub(crate) fn user(
        &self,
        shown: &[CertificateDer<'_>],
        headers: &HeaderMap,
        now: UnixTime,
    ) -> Result<User, Unknown> {
        let verifier = self.verifier.as_ref().ok_or(Unknown::NotConfigured)?;
        let (own, others) = shown.split_first().ok_or(Unknown::NoCertificate)?;
        let verified = verifier.verify_client_cert(own, others, now);
        verified.map_err(|error| Unknown::NotTheProxy(error.to_string()))?;
        let name = common_name(own).ok_or_else(|| Unknown::NotTheProxy("it has no name".into()))?;
        if !self.names.is_empty() && !self.names.contains(&name) {
            return Err(Unknown::NotTheProxy(format!("it is for {name:?}, and not for one of {:?}", self.names)));
        }
        let values = |names: &[String]| -> Vec<String> {
            let values = names.iter().flat_map(|name| headers.get_all(name.as_str()));
            values.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
        };
        let first = |names: &[String]| values(names).into_iter().find(|value| !value.is_empty());
        Ok(User {
            name: first(&self.user).ok_or(Unknown::NoUser)?,
            uid: first(&self.uid),
            groups: values(&self.groups),
            extra: self.extra(headers),
        })
    }

    fn extra(&self, headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            let behind = |prefix: &String| name.as_str().strip_prefix(&prefix.to_ascii_lowercase()).map(str::to_owned);
            let Some(key) = self.extra.iter().find_map(behind) else { continue };
            let Ok(value) = value.to_str() else { continue };
            // What a header's name cannot hold comes encoded.
            let key = percent_encoding::percent_decode_str(&key).decode_utf8().map_or(key.clone(), Into::into);
            extra.entry(key).or_default().push(value.to_owned());
        }
        extra
    }
}

fn verifier(pem: &str) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    built.map_err(|error| error.to_string())
}

fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    parsed.subject().iter_common_name().next()?.as_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
        KeyPair,
    };

    use super::*;

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
    }

    fn certificate(by: &CertifiedIssuer<'static, KeyPair>, name: &str) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        params.signed_by(&key, by).expect("a certificate").der().clone()
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"))
        };
        pairs.iter().map(header).collect()
    }

    #[test]
    fn the_front_proxy_is_believed_and_nobody_else() {
        let (proxy, other) = (authority(), authority());
        let data = |names: &str| {
            let pairs = [
                ("requestheader-client-ca-file", proxy.pem()),
                ("requestheader-allowed-names", names.to_owned()),
                ("requestheader-username-headers", r#"["X-Remote-User"]"#.to_owned()),
                ("requestheader-group-headers", r#"["X-Remote-Group"]"#.to_owned()),
                ("requestheader-extra-headers-prefix", r#"["X-Remote-Extra-"]"#.to_owned()),
            ];
            pairs.map(|(key, value)| (key.to_owned(), value)).into()
        };
        let ann = headers(&[
            ("x-remote-user", "ann"),
            ("x-remote-group", "search"),
            ("x-remote-group", "system:authenticated"),
            ("x-remote-extra-scopes.io%2fname", "a"),
        ]);
        let ask = |names: &str, shown: &[CertificateDer<'_>], headers: &HeaderMap| {
            Trust::of(&data(names)).expect("trust").user(shown, headers, UnixTime::now())
        };
        let ours = [certificate(&proxy, "front-proxy-client")];
        let user = ask(r#"["front-proxy-client"]"#, &ours, &ann).expect("ann");
        assert_eq!((user.name.as_str(), user.groups.len()), ("ann", 2));
        assert_eq!(user.extra["scopes.io/name"], ["a"]);
        assert!(ask("[]", &ours, &ann).is_ok());
        for (names, shown, headers, why) in [
            ("[]", vec![], &ann, "none was shown"),
            (
                "[]",
                vec![certificate(&other, "front-proxy-client")],
                &ann,
                "is not that of the API server's front proxy",
            ),
            (r#"["front-proxy-client"]"#, vec![certificate(&proxy, "somebody")], &ann, "it is for \"somebody\""),
            ("[]", ours.to_vec(), &HeaderMap::new(), "names no user"),
        ] {
            let unknown = ask(names, &shown, headers).expect_err(why).to_string();
            assert!(unknown.contains(why), "{unknown}");
        }
        let unset = Trust::of(&BTreeMap::new()).expect("trust").user(&ours, &ann, UnixTime::now());
        assert_eq!(unset, Err(Unknown::NotConfigured));
    }
}
