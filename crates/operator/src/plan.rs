//! What a look at the cluster led to: what should exist, what an object's status should say, when to look again. Data only.

use std::time::Duration;

use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::{PersistentVolumeClaim, ServiceAccount},
    rbac::v1::RoleBinding,
};

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<S> {
    /// What should exist, in the order in which it is needed.
    pub apply: Vec<Wanted>,
    /// What the object's status should say.
    pub status: S,
    /// When to look again, even if nothing changes.
    pub next: Option<Duration>,
}

/// An object that should exist.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// An identity.
    ServiceAccount(ServiceAccount),
    /// What it may do.
    RoleBinding(RoleBinding),
    /// Room for a dump.
    Claim(Box<PersistentVolumeClaim>),
    /// What begins sessions.
    CronJob(Box<CronJob>),
    /// What does the work of one.
    Job(Box<Job>),
}

/// Something that is needed and not there is looked for again after this.
pub const SOON: Duration = Duration::from_secs(5);
