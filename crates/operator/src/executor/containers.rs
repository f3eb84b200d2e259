//! The containers of a session's pod: a Task's Functions with their variables replaced.

use api::{
    FunctionSpec, TaskSpec,
    runtime_settings::{ContainerSettings, IoNice, Nice},
    task::Step,
};
use k8s_openapi::api::core::v1::{Container, EnvVar, SecurityContext, Volume};

use super::{ExecutorError, Settings, Work, hooks, variables, volumes::Volumes};
use crate::{catalog, names, pods, substitute};

/// A Task whose variables were replaced.
pub(super) struct Containers {
    /// In order; the last is the pod's container, those before it are init containers.
    pub(super) in_order: Vec<Container>,
    /// The Task's volumes.
    pub(super) volumes: Vec<Volume>,
    /// Whether all of them are the operator's own image.
    pub(super) own: bool,
}

pub(super) fn of(work: &Work<'_>, settings: &Settings, volumes: &Volumes) -> Result<Containers, ExecutorError> {
    let known = variables::of(work, settings);
    let in_task = |source| ExecutorError::Variables { what: format!("Task {}", work.task), source };
    let value = |name: &str| variables::value(&known, [work.params, &[]], name);
    let TaskSpec { steps, volumes: task_volumes } = substitute::object(work.task_spec, value).map_err(in_task)?;
    let steps = steps.unwrap_or_default();
    if steps.is_empty() {
        return Err(ExecutorError::NoSteps { task: work.task.to_owned() });
    }
    let mut containers = Vec::with_capacity(steps.len());
    let mut output_dir = None;
    for (at, step) in steps.iter().enumerate() {
        let (name, function) = function(work, step)?;
        let image = or_own(function.image.clone(), settings);
        let params = step.params.as_deref().unwrap_or_default();
        output_dir = output_dir.or_else(|| variables::value(&known, [work.params, params], "outputDir"));
        let value = |name: &str| match name {
            "ADDON_IMAGE" => Some(image.clone()),
            name => variables::value(&known, [work.params, params], name),
        };
        let in_function = |source| ExecutorError::Variables { what: format!("Function {name}"), source };
        let function = substitute::object(function, value).map_err(in_function)?;
        containers.push(container(work, settings, volumes, names::container(&name, at), function));
    }
    let mounts = hooks::mounts(&containers, &volumes.mounts);
    let hook = |last| {
        let (name, function) = hooks::function(work, last, output_dir.as_deref().unwrap_or_default(), mounts.clone());
        container(work, settings, volumes, name, function)
    };
    let [before, behind] = [work.hooks.before.then(|| hook(false)), work.hooks.behind.then(|| hook(true))];
    let containers = hooks::among(containers, before, behind);
    let own = containers.iter().all(|container| container.image.as_ref() == Some(&settings.image));
    Ok(Containers { in_order: containers, volumes: task_volumes.unwrap_or_default(), own })
}

fn function<'a>(work: &Work<'a>, step: &Step) -> Result<(String, &'a FunctionSpec), ExecutorError> {
    let name = step.name.clone().unwrap_or_default();
    let without_revision = || catalog::without_revision(&name).and_then(|name| work.functions.get(name));
    match work.functions.get(&name).or_else(without_revision) {
        Some(function) => Ok((name, function)),
        None => Err(ExecutorError::NoFunction { task: work.task.to_owned(), function: name }),
    }
}

fn container(
    work: &Work<'_>,
    settings: &Settings,
    volumes: &Volumes,
    name: String,
    function: FunctionSpec,
) -> Container {
    let FunctionSpec {
        image,
        command,
        args,
        working_dir,
        ports,
        volume_mounts,
        volume_devices,
        runtime_settings,
        pod_security_policy_name: _,
    } = function;
    let image = or_own(image, settings);
    let by_invoker = work.runtime_settings.and_then(|settings| settings.container.clone()).unwrap_or_default();
    let runs = merged(runtime_settings.unwrap_or_default(), by_invoker);
    let own = image == settings.image;
    let mut env = priorities(runs.nice, runs.ionice);
    env.extend(runs.env.unwrap_or_default());
    Container {
        name,
        image: Some(image),
        image_pull_policy: Some("IfNotPresent".into()),
        command,
        args,
        working_dir,
        ports,
        volume_mounts: Some([volume_mounts.unwrap_or_default(), volumes.mounts.clone()].concat()),
        volume_devices,
        resources: runs.resources,
        liveness_probe: runs.liveness_probe,
        readiness_probe: runs.readiness_probe,
        lifecycle: runs.lifecycle,
        security_context: security(runs.security_context, own),
        env: Some(env).filter(|env| !env.is_empty()),
        env_from: runs.env_from,
        // What a container said last tells why it died.
        termination_message_policy: own.then(|| "FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

/// A Function without an image is one of the operator's.
fn or_own(image: Option<String>, settings: &Settings) -> String {
    image.filter(|image| !image.is_empty()).unwrap_or_else(|| settings.image.clone())
}

/// What the invoker says counts more; variables of both are kept, the invoker's behind, where they win.
fn merged(function: ContainerSettings, invoker: ContainerSettings) -> ContainerSettings {
    ContainerSettings {
        resources: invoker.resources.or(function.resources),
        liveness_probe: invoker.liveness_probe.or(function.liveness_probe),
        readiness_probe: invoker.readiness_probe.or(function.readiness_probe),
        lifecycle: invoker.lifecycle.or(function.lifecycle),
        security_context: invoker.security_context.or(function.security_context),
        nice: invoker.nice.or(function.nice),
        ionice: invoker.ionice.or(function.ionice),
        env_from: both(function.env_from, invoker.env_from),
        env: both(function.env, invoker.env),
    }
}

fn both<T>(first: Option<Vec<T>>, second: Option<Vec<T>>) -> Option<Vec<T>> {
    match (first, second) {
        (Some(mut first), Some(second)) => {
            first.extend(second);
            Some(first)
        }
        (first, second) => first.or(second),
    }
}

fn priorities(nice: Option<Nice>, ionice: Option<IoNice>) -> Vec<EnvVar> {
    let ionice = ionice.unwrap_or_default();
    let numbers = [
        ("NICE_ADJUSTMENT", nice.and_then(|nice| nice.adjustment)),
        ("IONICE_CLASS", ionice.class),
        ("IONICE_CLASS_DATA", ionice.class_data),
    ];
    let variable = |(name, value): (&str, Option<i32>)| {
        value.map(|value| EnvVar { name: name.into(), value: Some(value.to_string()), value_from: None })
    };
    numbers.into_iter().filter_map(variable).collect()
}

/// Our own program needs no rights at all; what users bring along may.
fn security(wanted: Option<SecurityContext>, own: bool) -> Option<SecurityContext> {
    if own { Some(pods::without_rights(wanted.unwrap_or_default())) } else { wanted }
}
