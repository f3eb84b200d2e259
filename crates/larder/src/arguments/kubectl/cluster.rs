//! Which cluster, and as whom: flags that every kubectl plugin has.

use std::path::PathBuf;

use clap::Args;
use kubectl::Choice;

/// Which cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArguments {
    /// The kubeconfig; KUBECONFIG or ~/.kube/config if nothing is said
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// The namespace; the context's if nothing is said
    #[arg(long, short, global = true, value_name = "NAME")]
    namespace: Option<String>,
    /// The kubeconfig's cluster, instead of the context's
    #[arg(long, global = true, value_name = "NAME")]
    cluster: Option<String>,
    /// The kubeconfig's user, instead of the context's
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
    /// Act as this user
    #[arg(long = "as", global = true, value_name = "USER")]
    impersonate: Option<String>,
    /// Act as a member of this group; needs --as
    #[arg(long = "as-group", global = true, value_name = "GROUP", requires = "impersonate")]
    groups: Vec<String>,
    /// Taken, as Stash's plugin has it; means nothing here
    #[arg(long, global = true, hide = true, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    use_kubeapiserver_fqdn_for_aks: Option<String>,
}

impl ClusterArguments {
    /// The choice that was described.
    pub fn choice(&self) -> Choice {
        Choice {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            namespace: self.namespace.clone(),
            impersonate: self.impersonate.clone(),
            groups: self.groups.clone(),
        }
    }

    /// Flags that were given and mean nothing here.
    pub fn without_effect(&self) -> Vec<&'static str> {
        self.use_kubeapiserver_fqdn_for_aks.iter().map(|_| "--use-kubeapiserver-fqdn-for-aks").collect()
    }
}
