//! The certificate that we make for ourselves, and when it is due for another one. Pure but for the keys' randomness.
//!
//! Each certificate comes with an authority of its own, whose key is thrown away at once: nobody can sign by it again.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;
use tokio_rustls::rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    server::ParsedCertificate,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// How far the clocks of others may be behind ours.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

/// A certificate and what belongs to it, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Material {
    /// The certificate, with those that lead to its authority.
    pub(crate) chain: String,
    /// Its key.
    pub(crate) key: String,
    /// Authorities that are to be trusted.
    pub(crate) bundle: String,
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Material {{ chain: {:?}, key: *** }}", self.chain)
    }
}

/// Why a certificate cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub(crate) struct CertificateError {
    what: &'static str,
    why: String,
}

/// Makes a certificate for `names`, good from `now` on.
pub(crate) fn make(names: &[String], now: Timestamp, lifetime: Duration) -> Result<Material, CertificateError> {
    let wrong = |error: rcgen::Error| CertificateError { what: "cannot make a certificate", why: error.to_string() };
    let ends = SignedDuration::try_from(lifetime).ok().and_then(|lifetime| now.checked_add(lifetime).ok());
    let ends = ends.ok_or(CertificateError {
        what: "cannot make a certificate",
        why: format!("{} s are too long", lifetime.as_secs()),
    })?;
    let dated = |mut params: CertificateParams, name: &str| {
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = moment(now - CLOCKS);
        params.not_after = moment(ends);
        params
    };
    let mut authority = dated(CertificateParams::default(), &format!("larder-authority-{}", now.as_millisecond()));
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(wrong)?).map_err(wrong)?;
    let params = CertificateParams::new(names.to_vec()).map_err(wrong)?;
    let mut params = dated(params, names.first().map(String::as_str).unwrap_or_default());
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(wrong)?;
    let certificate = params.signed_by(&key, &authority).map_err(wrong)?;
    Ok(Material { chain: certificate.pem(), key: key.serialize_pem(), bundle: authority.pem() })
}

fn moment(at: Timestamp) -> OffsetDateTime {
    // Every second that a `Timestamp` can be is one of the years that a certificate can name.
    OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Why a certificate is to be replaced, if it is: in the last third of its life, when it is for other names, and when it lasts
/// much longer than it should.
pub(crate) fn due(chain: &str, names: &[String], now: Timestamp, lifetime: Duration) -> Option<&'static str> {
    let Ok((certificate, ends)) = first(chain) else { return Some("it cannot be read") };
    let left = now.duration_until(ends);
    let lifetime = SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX);
    if left < lifetime / 3 {
        return Some("it ends soon");
    }
    if left / 2 > lifetime {
        return Some("it lasts longer than it should");
    }
    let Ok(parsed) = ParsedCertificate::try_from(&certificate) else { return Some("it cannot be read") };
    let covers = |name: &String| {
        ServerName::try_from(name.as_str()).is_ok_and(|name| verify_server_name(&parsed, &name).is_ok())
    };
    (!names.iter().all(covers)).then_some("it is for other names")
}

/// The bundle in which `new` stands first, and behind it those of `old` that have not ended.
pub(crate) fn joined(new: &str, old: &str, now: Timestamp) -> String {
    let mut bundle = new.to_owned();
    for part in parts(old) {
        let good = first(&part).is_ok_and(|(_, ends)| ends > now);
        if good && !bundle.contains(part.trim()) {
            bundle.push_str(&part);
        }
    }
    bundle
}

fn parts(bundle: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    bundle.split_inclusive(END).filter(|part| part.contains(END)).map(|part| format!("{}\n", part.trim())).collect()
}

/// The first certificate of a text, and when it ends.
fn first(chain: &str) -> Result<(CertificateDer<'static>, Timestamp), CertificateError> {
    let wrong = |why: String| CertificateError { what: "the certificate cannot be read", why };
    let certificate = CertificateDer::from_pem_slice(chain.as_bytes()).map_err(|error| wrong(error.to_string()))?;
    let (_, parsed) = X509Certificate::from_der(&certificate).map_err(|error| wrong(error.to_string()))?;
    let ends = Timestamp::from_second(parsed.validity().not_after.timestamp());
    let ends = ends.map_err(|error| wrong(error.to_string()))?;
    Ok((certificate, ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("a time")
    }

    #[test]
    fn a_certificate_is_due_in_its_last_third_and_for_other_names() {
        let names = vec!["larder.backup.svc".to_owned()];
        let made = make(&names, at(0), DAY).expect("made");
        assert_eq!(due(&made.chain, &names, at(0), DAY), None);
        assert_eq!(due(&made.chain, &names, at(15 * 3600), DAY), None);
        assert_eq!(due(&made.chain, &names, at(17 * 3600), DAY), Some("it ends soon"));
        assert_eq!(due(&made.chain, &["other.svc".to_owned()], at(0), DAY), Some("it is for other names"));
        assert_eq!(due(&made.chain, &names, at(0), DAY / 4), Some("it lasts longer than it should"));
        assert_eq!(due("", &names, at(0), DAY), Some("it cannot be read"));
    }

    #[test]
    fn the_authority_before_is_trusted_until_it_ends() {
        let names = vec!["larder.backup.svc".to_owned()];
        let [old, new] = [0, 20 * 3600].map(|second| make(&names, at(second), DAY).expect("made").bundle);
        let both = joined(&new, &old, at(20 * 3600));
        assert_eq!((parts(&both).len(), both.starts_with(&new)), (2, true));
        assert_eq!(joined(&new, &both, at(25 * 3600)), new);
    }

    #[test]
    fn a_key_is_never_printed() {
        let made = make(&["a.svc".to_owned()], at(0), DAY).expect("made");
        assert!(!format!("{made:?}").contains("PRIVATE"));
    }
}
