//! What a look at the cluster led to: what should exist, what an object's status should say, when to look again. Data only.

use std::{collections::BTreeMap, time::Duration};

use api::{BackupConfiguration, BackupSession, Repository, metrics::Sample};
use k8s_openapi::{
    api::{
        batch::v1::{CronJob, Job},
        core::v1::{PersistentVolumeClaim, Secret, ServiceAccount},
        rbac::v1::{Role, RoleBinding},
    },
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};

use crate::events::Note;

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<S> {
    /// What should exist, in the order in which it is needed.
    pub apply: Vec<Wanted>,
    /// What the object itself is to bear.
    pub marks: Marks,
    /// Metrics to be pushed; then it is planned again.
    pub push: Option<Push>,
    /// What the object's status should say.
    pub status: S,
    /// What should no longer exist.
    pub delete: Vec<Unwanted>,
    /// When to look again, even if nothing changes.
    pub next: Option<Duration>,
}

/// What an object is to bear from now on, besides what it bears.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marks {
    /// Whom it belongs to, so that it goes with it: users make sessions by hand, without an owner.
    pub owner: Option<OwnerReference>,
    /// Labels that others look for.
    pub labels: BTreeMap<String, String>,
    /// A finalizer: it may not go before something was done.
    pub finalizer: Option<&'static str>,
}

/// An object that should exist.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// A copy of a Secret for pulling images.
    Secret(Box<Secret>),
    /// An identity.
    ServiceAccount(ServiceAccount),
    /// What may be done in a namespace.
    Role(Role),
    /// What an identity may do.
    RoleBinding(RoleBinding),
    /// Room for a dump.
    Claim(Box<PersistentVolumeClaim>),
    /// What begins sessions.
    CronJob(Box<CronJob>),
    /// What does the work of one.
    Job(Box<Job>),
    /// One that tries another again.
    BackupSession(Box<BackupSession>),
    /// Where a target's data goes that asks for backups by an annotation.
    Repository(Box<Repository>),
    /// How such a target is backed up.
    BackupConfiguration(Box<BackupConfiguration>),
}

/// An object of the same namespace that should no longer exist, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwanted {
    /// A session that has had its time.
    BackupSession(String),
    /// Rights that nobody needs any more.
    Role(String),
    /// The same, given to somebody.
    RoleBinding(String),
    /// A Job that has ended.
    Job(String),
    /// How a target was backed up that no longer asks for it.
    BackupConfiguration(String),
}

/// What is to be done with an object that is on its way out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Leaving {
    /// What should exist.
    pub(crate) apply: Vec<Wanted>,
    /// What should no longer exist.
    pub(crate) delete: Vec<Unwanted>,
    /// What people are told.
    pub(crate) note: Option<Note>,
    /// When to look again; if nothing is said, it may go.
    pub(crate) next: Option<Duration>,
}

/// Metrics, and the job that they are pushed under.
#[derive(Debug, Clone, PartialEq)]
pub struct Push {
    /// As [`api::metrics::job`] has it.
    pub job: String,
    /// What is pushed.
    pub samples: Vec<Sample>,
}

/// What came of a plan so far, when it is made again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    /// Why the API server took one of the objects for wrong.
    pub refused: Option<String>,
    /// What came of pushing metrics.
    pub pushed: Option<Result<(), String>>,
}

/// Something that is needed and not there is looked for again after this.
pub const SOON: Duration = Duration::from_secs(5);

impl Marks {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.owner.is_none() && self.labels.is_empty() && self.finalizer.is_none()
    }
}

impl<S> Plan<S> {
    /// The same with a status that is made of this one's.
    pub fn saying<T>(self, make: impl FnOnce(S) -> T) -> Plan<T> {
        let Self { apply, marks, push, status, delete, next } = self;
        Plan { apply, marks, push, status: make(status), delete, next }
    }

    /// Nothing is to be done but to say this.
    pub fn say(status: S, next: Option<Duration>) -> Self {
        Self { apply: Vec::new(), marks: Marks::default(), push: None, status, delete: Vec::new(), next }
    }
}
