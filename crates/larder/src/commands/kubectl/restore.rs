//! `restore`: by flags, or asking at a terminal what they do not say.

use std::io::IsTerminal as _;

use anyhow::Result;
use api::{BackupBatch, BackupConfiguration, BackupInvoker, Repository, session::RepositoryRef, target::TargetRef};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kubectl::{
    Cluster, age,
    errand::Errands,
    guide::Asker,
    restore::{self, Source, Wanted},
    snapshots::{self, Snapshot},
    trigger::Of,
};

use super::{create::tell, wait};
use crate::{
    arguments::kubectl::RestoreBackupArguments,
    exit::{Exit, Misused},
    output::{Output, bytes, counted},
    signals::{abortable, cancellable},
};

/// Makes a RestoreSession of what was said and answered.
pub async fn run(cluster: &Cluster, arguments: &RestoreBackupArguments, output: &Output) -> Result<Exit> {
    let guided =
        !arguments.yes && !output.is_json() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let source = source(cluster, arguments, guided).await?;
    let mut wanted = arguments.wanted();
    if guided {
        wanted = answered(cluster, arguments, &source, wanted).await?;
    } else if let Some(repository) = repository(cluster, &source).await?
        && let Some(doubt) = source.doubt(&repository, &wanted)
    {
        return Err(Misused(doubt).into());
    }
    let session = source.object(&wanted, Timestamp::now())?;
    let yaml = restore::yaml(&session)?;
    if arguments.dry_run {
        output.say(yaml.trim_end());
        output.object("object", &session);
        return Ok(Exit::Done);
    }
    if guided {
        eprintln!("\n{yaml}");
        if !asked(|asker| asker.agreed("Apply it?")).await? {
            output.say("nothing is changed");
            return Ok(Exit::Done);
        }
    } else {
        output.say(yaml.trim_end());
    }
    let made = cluster.create(&session).await?;
    tell(output, "RestoreSession", cluster.namespace(), &made.name_any(), "created");
    if !arguments.wait.wait {
        output.say(format!(
            "  how it goes: kubectl larder logs {} -n {} --follow",
            made.name_any(),
            cluster.namespace()
        ));
    }
    wait::until_ended(cluster, &made.into(), &arguments.wait, output).await
}

/// From where, and into what.
async fn source(cluster: &Cluster, arguments: &RestoreBackupArguments, guided: bool) -> Result<Source> {
    let namespace = cluster.namespace();
    if let Some(repository) = &arguments.repo_name {
        return Ok(Source {
            namespace: namespace.to_owned(),
            repository: RepositoryRef { name: repository.clone(), namespace: arguments.repo_namespace.clone() },
            target: TargetRef {
                api_version: Some("appcatalog.appscode.com/v1alpha1".into()),
                kind: Some("AppBinding".into()),
                name: arguments.target_name.clone(),
            },
            host: arguments.host.clone(),
            task: arguments.task.clone(),
            ..Source::default()
        });
    }
    let invoker: BackupInvoker = match arguments.of() {
        Some(Of::Configuration(name)) => cluster.get::<BackupConfiguration>(namespace, &name).await?.into(),
        Some(Of::Batch(name)) => cluster.get::<BackupBatch>(namespace, &name).await?.into(),
        None => the_only(cluster, guided).await?,
    };
    let mut target = arguments.target_name.clone();
    if guided && target.is_none() && invoker.members().len() > 1 {
        let names = invoker.members().iter().filter_map(|member| member.target.clone()?.target_ref?.name);
        let names: Vec<String> = names.collect();
        let all = names.clone();
        let at = asked(move |asker| asker.choose("Database", &all)).await?;
        target = Some(names[at].clone());
    }
    let source = Source::of(&invoker, target.as_deref(), arguments.task.as_deref())?;
    Ok(Source { host: arguments.host.clone().or(source.host.clone()), ..source })
}

/// The backup of the namespace, or that of several which a person chooses.
async fn the_only(cluster: &Cluster, guided: bool) -> Result<BackupInvoker> {
    let namespace = Some(cluster.namespace());
    let (configurations, batches) =
        (cluster.list::<BackupConfiguration>(namespace, "").await?, cluster.list::<BackupBatch>(namespace, "").await?);
    let configurations = configurations.into_iter().map(BackupInvoker::from);
    let mut all: Vec<BackupInvoker> = configurations.chain(batches.into_iter().map(Into::into)).collect();
    let names: Vec<String> = all.iter().map(|invoker| format!("{} {}", invoker.kind, invoker.name())).collect();
    let at = match all.len() {
        0 => {
            let why = format!(
                "nothing is backed up in namespace {}: name a Repository (--repo-name) and a database (--target-name)",
                cluster.namespace()
            );
            return Err(Misused(why).into());
        }
        1 => 0,
        _ if guided => asked(move |asker| asker.choose("Backup", &names)).await?,
        _ => return Err(Misused(format!("which backup is to be restored? There are: {}", names.join(", "))).into()),
    };
    Ok(all.swap_remove(at))
}

/// The Repository, where the person may look.
async fn repository(cluster: &Cluster, source: &Source) -> Result<Option<Repository>> {
    let RepositoryRef { name, namespace } = &source.repository;
    let namespace = namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(cluster.namespace());
    match cluster.get::<Repository>(namespace, name).await {
        Ok(repository) => Ok(Some(repository)),
        // Its user needs no right to see it.
        Err(kubectl::Error::Forbidden { .. }) if namespace != cluster.namespace() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What was said, and what is answered to the rest.
async fn answered(
    cluster: &Cluster,
    arguments: &RestoreBackupArguments,
    source: &Source,
    said: Wanted,
) -> Result<Wanted> {
    let mut wanted = said;
    let elsewhere = source.repository.namespace.as_deref().filter(|namespace| !namespace.is_empty());
    let of_repository = cluster.within(elsewhere.unwrap_or(cluster.namespace()));
    let name = &source.repository.name;
    let place = arguments.errand.place();
    if arguments.snapshot.is_none() {
        eprintln!("reading the snapshots of Repository {name} ...");
        let listed = cancellable(async |cancel| {
            let errands = Errands::on(&of_repository, name, place.clone(), cancel).await?;
            Ok(errands.run(&["snapshots"], &mut |_| {}).await?)
        })
        .await?;
        let all = snapshots::of_repository(name, &listed);
        let choices: Vec<String> = all.iter().map(|snapshot| choice(snapshot, Timestamp::now())).collect();
        let at = asked(move |asker| asker.choose("Snapshot", &choices)).await?;
        wanted.snapshot.clone_from(&all[at].id);
        wanted.snapshot.truncate(8);
    }
    if arguments.indices.is_empty() {
        eprintln!("reading what is in snapshot {} ...", wanted.snapshot);
        let shown = cancellable(async |cancel| {
            let errands = Errands::on(&of_repository, name, place.clone(), cancel).await?;
            Ok(errands.run(&["show", &wanted.snapshot], &mut |_| {}).await?)
        })
        .await?;
        for index in snapshots::indices(&shown) {
            let documents = index.documents.map_or_else(|| "? documents".to_owned(), |many| counted(many, "document"));
            eprintln!("      {}: {documents}, {}", index.name, bytes(index.bytes));
        }
        wanted.indices = asked(Asker::indices).await?;
    }
    if arguments.rename.is_none() {
        wanted.rename = asked(Asker::rename).await?;
    }
    if arguments.conflict.is_none() {
        wanted.conflict = asked(Asker::conflict).await?;
    }
    Ok(wanted)
}

fn choice(snapshot: &Snapshot, now: Timestamp) -> String {
    let time = snapshot.time.map_or_else(
        || "?".to_owned(),
        |time| format!("{} UTC, {}", time.strftime("%Y-%m-%d %H:%M"), age::ago(time, now)),
    );
    let size = snapshot.bytes.map_or_else(|| "?".to_owned(), bytes);
    format!("{}  {time}, host {}, {size}", &snapshot.id[..snapshot.id.len().min(8)], snapshot.host)
}

/// The terminal: questions go to standard error, so that standard output holds results.
type Terminal = Asker<std::io::BufReader<std::io::Stdin>, std::io::Stderr>;

/// Asks on a thread that may block; a signal ends the program.
async fn asked<T: Send + 'static>(
    question: impl FnOnce(&mut Terminal) -> kubectl::Result<T> + Send + 'static,
) -> Result<T> {
    let asking = move || question(&mut Asker::new(std::io::BufReader::new(std::io::stdin()), std::io::stderr()));
    abortable(async { Ok(tokio::task::spawn_blocking(asking).await??) }).await
}
