//! Where a hook's action takes place: the target's pod, the addresses and ports in it.

use api::AppBinding;
use k8s_openapi::{
    api::{
        core::v1::{Container, Pod},
        discovery::v1::{Endpoint, EndpointSlice},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::{ResourceExt as _, api::ListParams};

use crate::{
    cluster::{Cluster, patiently},
    error::JobError,
};

/// Which container commands run in where nobody says it, as `kubectl exec` has it.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Why a hook has no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// A batch's hook has no target of its own.
    #[error(
        "{field} of a batch has no pod of its own: name a host in httpGet, httpPost or tcpSocket, or use a member's hook"
    )]
    OfNoTarget {
        /// The hook's field.
        field: String,
    },
    /// Nobody knows a pod of this target.
    #[error("no pod found for {kind} {name}: {why}; a hook of httpGet, httpPost or tcpSocket can name a host")]
    NoPod {
        /// The target's kind.
        kind: String,
        /// The target's namespace and name.
        name: String,
        /// Why there is none.
        why: String,
    },
    /// The pod has no such container.
    #[error("containerName: pod {pod} has no container {container:?}")]
    NoContainer {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
    },
    /// The port is no number, and no port of the container is called so.
    #[error("port: {port:?} is neither a number from 1 to 65535 nor the name of a port of the container")]
    NoPort {
        /// What is written there.
        port: String,
    },
}

/// A container of the target's pod.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) pod: String,
    pub(crate) address: String,
    pub(crate) container: Container,
}

/// The pod that the target's service leads to: one that is ready, or one that is not.
pub(crate) async fn of_target(
    cluster: &Cluster,
    namespace: &str,
    (kind, name): (&str, &str),
    container: Option<&str>,
) -> Result<Place, JobError> {
    let no_pod = |why: &str| PlaceError::NoPod {
        kind: kind.to_owned(),
        name: format!("{namespace}/{name}"),
        why: why.to_owned(),
    };
    if kind != "AppBinding" {
        return Err(no_pod("pods are looked for by the service of an AppBinding").into());
    }
    let binding: AppBinding = cluster.get(namespace, name).await?;
    let Some(service) = binding.spec.client_config.service else { return Err(no_pod("it names no service").into()) };
    let slices = cluster.api::<EndpointSlice>(namespace);
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={}", service.name));
    let listed = patiently(|| slices.list(&of_service)).await.map_err(|source| JobError::Object {
        doing: "list",
        kind: "EndpointSlices of Service".into(),
        name: format!("{namespace}/{}", service.name),
        source,
    })?;
    let endpoints = listed.items.into_iter().flat_map(|slice| slice.endpoints);
    let pod =
        chosen(endpoints.collect()).ok_or_else(|| no_pod(&format!("Service {} leads to no pod", service.name)))?;
    let pod: Pod = cluster.get(namespace, &pod).await?;
    Ok(in_pod(&pod, container)?)
}

/// The pod of an endpoint that is ready, or of any.
fn chosen(endpoints: Vec<Endpoint>) -> Option<String> {
    let ready =
        |endpoint: &Endpoint| endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) != Some(false);
    let (ready, others): (Vec<_>, Vec<_>) = endpoints.into_iter().partition(ready);
    let of_pods = ready.into_iter().chain(others).filter_map(|endpoint| endpoint.target_ref);
    of_pods.filter(|target| target.kind.as_deref() == Some("Pod")).find_map(|target| target.name)
}

/// The container that is meant.
fn in_pod(pod: &Pod, container: Option<&str>) -> Result<Place, PlaceError> {
    let by_annotation = pod.annotations().get(DEFAULT_CONTAINER).map(String::as_str);
    let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let wanted = container.filter(|name| !name.is_empty());
    let named = |name: &str| containers.iter().find(|container| container.name == name);
    let container = match wanted {
        Some(name) => named(name),
        None => by_annotation.and_then(named).or_else(|| containers.first()),
    };
    let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).unwrap_or_default();
    let missing = || PlaceError::NoContainer { pod: pod.name_any(), container: wanted.unwrap_or_default().to_owned() };
    Ok(Place { pod: pod.name_any(), address, container: container.cloned().ok_or_else(missing)? })
}

/// A port's number. Names are those of the container's ports.
pub(crate) fn number(port: &IntOrString, container: Option<&Container>) -> Result<u16, PlaceError> {
    let (number, text) = match port {
        IntOrString::Int(number) => (u16::try_from(*number).ok(), number.to_string()),
        IntOrString::String(text) => {
            let ports = container.and_then(|container| container.ports.as_deref()).unwrap_or_default();
            let named = ports.iter().find(|port| port.name.as_ref() == Some(text));
            let named = named.and_then(|port| u16::try_from(port.container_port).ok());
            (named.or_else(|| text.parse().ok()), text.clone())
        }
    };
    number.filter(|number| *number > 0).ok_or(PlaceError::NoPort { port: text })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_that_is_ready_comes_first() {
        let endpoints = |conditions: [(Option<bool>, &str); 3]| {
            let endpoint = |(ready, kind)| {
                json!({ "addresses": ["10.0.0.1"], "conditions": { "ready": ready },
                    "targetRef": { "kind": kind, "name": format!("{kind}-{ready:?}") } })
            };
            serde_json::from_value(json!(conditions.map(endpoint))).expect("endpoints")
        };
        let cases = [
            ([(Some(false), "Pod"), (Some(true), "Node"), (Some(true), "Pod")], Some("Pod-Some(true)")),
            ([(Some(false), "Pod"), (Some(true), "Node"), (Some(false), "Node")], Some("Pod-Some(false)")),
            ([(None, "Pod"), (Some(false), "Pod"), (Some(false), "Pod")], Some("Pod-None")),
            ([(None, "Node"), (None, "Node"), (None, "Node")], None),
        ];
        for (conditions, want) in cases {
            assert_eq!(chosen(endpoints(conditions)).as_deref(), want);
        }
    }

    #[test]
    fn container_and_port_are_those_that_are_named() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "es-0" }, "status": { "podIP": "10.0.0.7" },
            "spec": { "containers": [
                { "name": "sidecar" },
                { "name": "es", "ports": [{ "name": "http", "containerPort": 9200 }] },
            ] },
        }))
        .expect("a pod");
        assert_eq!(in_pod(&pod, None).expect("the first").container.name, "sidecar");
        let place = in_pod(&pod, Some("es")).expect("the named one");
        assert_eq!((place.pod.as_str(), place.address.as_str()), ("es-0", "10.0.0.7"));
        let error = in_pod(&pod, Some("x")).expect_err("no such").to_string();
        assert_eq!(error, "containerName: pod es-0 has no container \"x\"");

        let port = |port: IntOrString| number(&port, Some(&place.container)).map_err(|error| error.to_string());
        assert_eq!(port(IntOrString::Int(80)), Ok(80));
        assert_eq!(port(IntOrString::String("http".into())), Ok(9200));
        assert_eq!(port(IntOrString::String("8080".into())), Ok(8080));
        for wrong in [IntOrString::Int(0), IntOrString::Int(70_000), IntOrString::String("transport".into())] {
            assert!(port(wrong).is_err());
        }
    }
}
