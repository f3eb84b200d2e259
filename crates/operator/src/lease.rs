//! Which replica of the operator works: the one that holds a Lease, as Kubernetes' own components have it. What two replicas did
//! at once would still be safe, since every write names the version of the object that it was decided on.

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};

/// A Lease that was not renewed for so long is anybody's.
const DURATION: Duration = Duration::from_secs(15);
/// Who could not renew it for so long holds it no more.
const RENEW_WITHIN: Duration = Duration::from_secs(10);
/// Between two tries.
const RETRY: Duration = Duration::from_secs(2);

/// Our side of a Lease.
pub(crate) struct Leadership {
    api: Api<Lease>,
    name: String,
    us: String,
    /// What was seen last, and when it was seen first: clocks of different nodes are not compared.
    seen: Option<(Option<String>, Instant)>,
}

impl Leadership {
    /// `us`: a name that no other replica has.
    pub(crate) fn new(client: Client, namespace: &str, name: &str, us: &str) -> Self {
        Self { api: Api::namespaced(client, namespace), name: name.to_owned(), us: us.to_owned(), seen: None }
    }

    /// Waits until the Lease is ours.
    pub(crate) async fn take(&mut self) {
        let mut told = false;
        loop {
            match self.try_once().await {
                Ok(true) => return,
                Ok(false) => {
                    if !told {
                        tracing::info!(lease = self.name, "another replica works; waiting");
                    }
                    told = true;
                }
                Err(error) => tracing::warn!(lease = self.name, %error, "cannot take the lease"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Renews the Lease until it is lost.
    pub(crate) async fn keep(&mut self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(RETRY).await;
            match tokio::time::timeout(RENEW_WITHIN, self.try_once()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => return,
                Ok(Err(error)) => tracing::warn!(lease = self.name, %error, "cannot renew the lease"),
                Err(_) => tracing::warn!(lease = self.name, "cannot renew the lease: no answer"),
            }
            if renewed.elapsed() >= RENEW_WITHIN {
                return;
            }
        }
    }

    /// Gives the Lease back, so that the next replica need not wait.
    pub(crate) async fn release(&self) {
        let Ok(Some(mut lease)) = self.api.get_opt(&self.name).await else { return };
        let Some(spec) = lease.spec.as_mut().filter(|spec| spec.holder_identity.as_ref() == Some(&self.us)) else {
            return;
        };
        spec.holder_identity = None;
        if let Err(error) = self.api.replace(&self.name, &PostParams::default(), &lease).await {
            tracing::debug!(%error, "the lease was not given back");
        }
    }

    async fn try_once(&mut self) -> Result<bool, kube::Error> {
        let params = PostParams::default();
        let Some(mut lease) = self.api.get_opt(&self.name).await? else {
            let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
            let lease = Lease { metadata, spec: Some(self.renewed(&LeaseSpec::default())) };
            return taken(self.api.create(&params, &lease).await);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let ours = spec.holder_identity.as_ref() == Some(&self.us);
        if !ours && !self.is_free(&lease, &spec) {
            return Ok(false);
        }
        lease.spec = Some(self.renewed(&spec));
        taken(self.api.replace(&self.name, &params, &lease).await)
    }

    /// Whether nobody holds it, or who did has not renewed it for as long as it lasts.
    fn is_free(&mut self, lease: &Lease, spec: &LeaseSpec) -> bool {
        if spec.holder_identity.as_ref().is_none_or(String::is_empty) {
            return true;
        }
        let version = lease.metadata.resource_version.clone();
        match &self.seen {
            Some((seen, since)) if *seen == version => since.elapsed() >= DURATION,
            _ => {
                self.seen = Some((version, Instant::now()));
                false
            }
        }
    }

    fn renewed(&self, before: &LeaseSpec) -> LeaseSpec {
        let ours = before.holder_identity.as_ref() == Some(&self.us);
        let now = MicroTime(Timestamp::now());
        LeaseSpec {
            holder_identity: Some(self.us.clone()),
            lease_duration_seconds: Some(15),
            acquire_time: if ours { before.acquire_time.clone() } else { Some(now.clone()) },
            renew_time: Some(now),
            lease_transitions: Some(before.lease_transitions.unwrap_or_default() + i32::from(!ours)),
            ..before.clone()
        }
    }
}

/// Somebody else was quicker.
fn taken(written: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
    match written {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(answer)) if answer.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}
