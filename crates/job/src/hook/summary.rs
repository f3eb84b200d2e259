//! What a hook's templates may say about a session. Pure.

use std::collections::HashMap;

use gtmpl_ng::Value;

/// A session so far, under the names that Stash's templates use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whose session it is: API group, kind, name.
    pub invoker: [String; 3],
    /// The target: API version, kind, name.
    pub target: [String; 3],
    /// `Running`, `Succeeded` or `Failed`.
    pub phase: String,
    /// How long it takes so far, such as `1m30s`.
    pub duration: String,
    /// Why it failed; empty if it did not.
    pub error: String,
}

/// Why a template says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: the template {template:?} cannot be filled in: {why}")]
pub struct TemplateError {
    field: String,
    template: String,
    why: String,
}

impl Summary {
    /// Fills in one text of a hook. `field`: where it stands.
    ///
    /// # Errors
    /// [`TemplateError`], where it is no template of Go's.
    pub fn fill(&self, field: &str, text: &str) -> Result<String, TemplateError> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        gtmpl_ng::template(text, self.value()).map_err(|error| TemplateError {
            field: field.to_owned(),
            template: text.to_owned(),
            why: error.to_string(),
        })
    }

    fn value(&self) -> Value {
        let Self { name, namespace, invoker, target, phase, duration, error } = self;
        let [group, invoker_kind, invoker_name] = invoker;
        let [version, target_kind, target_name] = target;
        object([
            ("Name", text(name)),
            ("Namespace", text(namespace)),
            (
                "Invoker",
                object([("APIGroup", text(group)), ("Kind", text(invoker_kind)), ("Name", text(invoker_name))]),
            ),
            (
                "Target",
                object([("APIVersion", text(version)), ("Kind", text(target_kind)), ("Name", text(target_name))]),
            ),
            ("Status", object([("Phase", text(phase)), ("Duration", text(duration)), ("Error", text(error))])),
        ])
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<HashMap<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        Summary {
            name: "es-1".into(),
            namespace: "logs".into(),
            invoker: ["stash.appscode.com".into(), "BackupConfiguration".into(), "es".into()],
            target: ["appcatalog.appscode.com/v1alpha1".into(), "AppBinding".into(), "alpha".into()],
            phase: "Failed".into(),
            duration: "1m30s".into(),
            error: "it said \"no\"".into(),
        }
    }

    #[test]
    fn templates_are_gos() {
        let cases = [
            ("no template", "no template"),
            ("{{ .Namespace }}/{{.Name}}", "logs/es-1"),
            ("{{ .Invoker.Kind }} {{ .Target.APIVersion }}", "BackupConfiguration appcatalog.appscode.com/v1alpha1"),
            ("{{ if eq .Status.Phase `Succeeded`}}good{{else}}bad: {{.Status.Error}}{{end}}", "bad: it said \"no\""),
            (r#"{"text": {{ printf "%q" .Status.Error }}}"#, r#"{"text": "it said \"no\""}"#),
            ("{{- with .Status.Error }} {{ . }} after {{ $.Status.Duration }}{{ end }}", " it said \"no\" after 1m30s"),
        ];
        for (template, want) in cases {
            assert_eq!(summary().fill("f", template).as_deref(), Ok(want), "{template}");
        }
    }

    #[test]
    fn what_is_no_template_is_told_with_its_field() {
        for template in ["{{ .Nme }}", "{{ if }}", "{{ .Name", "{{ nosuch .Name }}"] {
            let error = summary().fill("spec.hooks.preBackup.exec.command[0]", template).expect_err(template);
            assert!(error.to_string().starts_with("spec.hooks.preBackup.exec.command[0]: the template"), "{error}");
        }
    }
}
