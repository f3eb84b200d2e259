//! Whether who asks may do what is asked: the API server says so, for each request.

use std::sync::Arc;

use api::snapshot;
use axum::http::HeaderMap;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, api::PostParams};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};

use super::{
    answer::Failure,
    front_proxy::{Trust, User},
};
use crate::cluster::Cluster;

/// What a connection has shown, and whom to ask about it.
pub(crate) struct Access<'a> {
    pub(crate) cluster: &'a Cluster,
    trust: Trust,
    shown: Arc<[CertificateDer<'static>]>,
}

impl<'a> Access<'a> {
    pub(super) fn new(cluster: &'a Cluster, trust: Trust, shown: Arc<[CertificateDer<'static>]>) -> Self {
        Self { cluster, trust, shown }
    }

    /// Lets a request through: its user is known, whose name is given, and may do this with snapshots.
    ///
    /// # Errors
    /// 401, 403, or 503 where the API server cannot be asked.
    pub(crate) async fn allowed(
        &self,
        headers: &HeaderMap,
        verb: &str,
        namespace: &str,
        name: Option<&str>,
    ) -> Result<String, Failure> {
        let user = self.trust.user(&self.shown, headers, UnixTime::now());
        let user = user.map_err(|unknown| Failure::new(401, "Unauthorized", unknown.to_string()))?;
        let who = user.name.clone();
        let review = review(user, verb, namespace, name);
        let reviews: Api<SubjectAccessReview> = self.cluster.all();
        let answered = reviews.create(&PostParams::default(), &review).await.map_err(|error| {
            Failure::new(503, "ServiceUnavailable", format!("cannot ask whether {who:?} may do this: {error}"))
        })?;
        let status = answered.status.unwrap_or_default();
        if status.allowed && status.denied != Some(true) {
            return Ok(who);
        }
        let why = status.reason.map(|why| format!(": {why}")).unwrap_or_default();
        let place = if namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {namespace:?}")
        };
        let what = name.map(|name| format!(" {name:?}")).unwrap_or_default();
        let (resource, group) = (snapshot::PLURAL, snapshot::GROUP);
        let message = format!(
            "{resource}.{group}{what} is forbidden: User {who:?} cannot {verb} resource {resource:?} in API group {group:?} \
             {place}{why}"
        );
        Err(Failure { name: name.map(str::to_owned), ..Failure::new(403, "Forbidden", message) })
    }
}

fn review(user: User, verb: &str, namespace: &str, name: Option<&str>) -> SubjectAccessReview {
    let User { name: user, uid, groups, extra } = user;
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user),
            uid,
            groups: Some(groups),
            extra: Some(extra),
            resource_attributes: Some(ResourceAttributes {
                verb: Some(verb.to_owned()),
                group: Some(snapshot::GROUP.into()),
                version: Some(snapshot::VERSION.into()),
                resource: Some(snapshot::PLURAL.into()),
                namespace: Some(namespace.to_owned()),
                name: name.map(str::to_owned),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}
