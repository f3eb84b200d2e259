//! Keeps what we serve with: our own certificate, in a Secret that all replicas share and one of them renews; or somebody else's, in
//! a folder. What changes is taken up while we serve.

use std::{path::PathBuf, sync::Arc, time::Duration};

use k8s_openapi::{ByteString, api::core::v1::Secret, jiff::Timestamp};
use kube::{Api, api::PostParams};
use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;

use super::{
    certificate::{self, Material},
    listener, publish,
};
use crate::{apply::MANAGER, cluster::Cluster};

/// How our certificate comes about.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// We make it, keep it in this Secret of our namespace, and renew it.
    Own {
        /// The Secret's name.
        secret: String,
        /// How long each lasts.
        lifetime: Duration,
    },
    /// Somebody else sees to it, such as cert-manager, which also says whom to trust: `tls.crt` and `tls.key` in this folder.
    Folder(PathBuf),
}

/// Between two looks at what may have changed.
const LOOK: Duration = Duration::from_secs(10);
/// The same, where certificates last seconds: in tests.
const SHORTEST_LOOK: Duration = Duration::from_secs(1);
/// After something went wrong.
const AGAIN: Duration = Duration::from_secs(2);
/// How long the API server may take to heed a new authority, before the certificate that it signed is shown.
const HEEDED: Duration = Duration::from_secs(3);

/// What connections are served with; nothing before there is a certificate.
pub(crate) type Current = watch::Receiver<Option<Arc<ServerConfig>>>;

/// Keeps a certificate.
pub(crate) struct Keeper {
    pub(crate) source: CertificateSource,
    /// By which the API server calls us.
    pub(crate) names: Vec<String>,
    pub(crate) namespace: String,
    pub(crate) cluster: Arc<Cluster>,
    /// Who is to be told whom to trust.
    pub(crate) told: Vec<publish::Told>,
    pub(crate) current: watch::Sender<Option<Arc<ServerConfig>>>,
}

impl Keeper {
    /// Keeps it until it is dropped.
    pub(crate) async fn run(self) {
        let look = match &self.source {
            CertificateSource::Own { lifetime, .. } => (*lifetime / 20).clamp(SHORTEST_LOOK, LOOK),
            CertificateSource::Folder(_) => LOOK,
        };
        let mut shown = None;
        loop {
            let looked = match &self.source {
                CertificateSource::Own { secret, lifetime } => self.own(secret, *lifetime).await,
                CertificateSource::Folder(folder) => read(folder).await,
            };
            let pause = match looked.and_then(|material| self.show(material, &mut shown)) {
                Ok(()) => look,
                Err(error) => {
                    tracing::warn!(error, "the serving certificate is not kept");
                    AGAIN
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.cluster.observability.leads_changes() => {}
            }
        }
    }

    /// Takes up a certificate if it is another one.
    fn show(&self, material: Material, shown: &mut Option<Material>) -> Result<(), String> {
        if shown.as_ref() != Some(&material) {
            let config = listener::config(&material).map_err(|error| error.to_string())?;
            self.current.send_replace(Some(Arc::new(config)));
            tracing::info!("serving with a new certificate");
            *shown = Some(material);
        }
        Ok(())
    }

    /// Our own certificate: as it is kept, or a new one.
    ///
    /// # Errors
    /// Where it is not kept, or somebody is not told whom to trust.
    async fn own(&self, name: &str, lifetime: Duration) -> Result<Material, String> {
        let secrets: Api<Secret> = self.cluster.namespaced(&self.namespace);
        let secret = secrets.get(name).await.map_err(|error| format!("cannot read Secret {name}: {}", said(&error)))?;
        let kept = material(&secret);
        let now = Timestamp::now();
        let due = match &kept {
            Some(kept) => certificate::due(&kept.chain, &self.names, now, lifetime),
            None => Some("there is none"),
        };
        let leads = self.cluster.observability.does_lead();
        // The first one is made by any replica: the one that leads may be of a version that makes none.
        let Some(why) = due.filter(|_| leads || kept.is_none()) else {
            let kept = kept.ok_or("there is no certificate")?;
            if leads {
                self.tell(&kept.bundle).await;
            }
            return Ok(kept);
        };
        let made = certificate::make(&self.names, now, lifetime).map_err(|error| error.to_string())?;
        let before = kept.as_ref().map(|kept| kept.bundle.as_str()).unwrap_or_default();
        let made = Material { bundle: certificate::joined(&made.bundle, before, now), ..made };
        if leads && self.tell(&made.bundle).await && kept.is_some() {
            tokio::time::sleep(HEEDED).await;
        }
        let written = secrets.replace(name, &params(), &with(secret, &made)).await;
        written.map_err(|error| format!("cannot write Secret {name}: {}", said(&error)))?;
        tracing::info!(secret = name, why, "made a serving certificate");
        Ok(made)
    }

    /// Says whom to trust; whether everybody was told.
    async fn tell(&self, bundle: &str) -> bool {
        let mut all = true;
        for told in &self.told {
            if let Err(error) = publish::tell(&self.cluster.client, *told, bundle).await {
                tracing::warn!(what = told.name(), error = said(&error), "it is not told whom to trust");
                all = false;
            }
        }
        all
    }
}

/// What the API server said, without what its answer held besides.
fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        error => error.to_string(),
    }
}

fn params() -> PostParams {
    PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() }
}

const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";
const BUNDLE: &str = "ca.crt";

fn material(secret: &Secret) -> Option<Material> {
    let text = |key: &str| {
        let value = secret.data.as_ref()?.get(key)?;
        String::from_utf8(value.0.clone()).ok().filter(|text| !text.is_empty())
    };
    Some(Material { chain: text(CHAIN)?, key: text(KEY)?, bundle: text(BUNDLE)? })
}

/// The Secret, with the version that was read: of two who write at once, one comes too late.
fn with(mut secret: Secret, material: &Material) -> Secret {
    let data = secret.data.get_or_insert_default();
    for (key, value) in [(CHAIN, &material.chain), (KEY, &material.key), (BUNDLE, &material.bundle)] {
        data.insert(key.to_owned(), ByteString(value.clone().into_bytes()));
    }
    secret
}

async fn read(folder: &std::path::Path) -> Result<Material, String> {
    let text = async |name: &str| {
        let path = folder.join(name);
        tokio::fs::read_to_string(&path).await.map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    Ok(Material { chain: text(CHAIN).await?, key: text(KEY).await?, bundle: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_somebody_else_sees_to_is_read_as_it_is_now() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = read(folder.path()).await.expect_err("nothing is there");
        assert!(missing.contains("tls.crt"), "{missing}");
        for number in [1, 2] {
            for file in [CHAIN, KEY] {
                std::fs::write(folder.path().join(file), format!("{file} {number}")).expect("written");
            }
            let material = read(folder.path()).await.expect("read");
            assert_eq!((material.chain, material.key), (format!("tls.crt {number}"), format!("tls.key {number}")));
        }
    }

    #[test]
    fn a_secret_holds_what_was_made_and_an_empty_one_nothing() {
        assert_eq!(material(&Secret::default()), None);
        let made = Material { chain: "c".into(), key: "k".into(), bundle: "b".into() };
        let mut secret = Secret::default();
        secret.metadata.resource_version = Some("7".into());
        let secret = with(secret, &made);
        assert_eq!((material(&secret), secret.metadata.resource_version.as_deref()), (Some(made), Some("7")));
    }
}
