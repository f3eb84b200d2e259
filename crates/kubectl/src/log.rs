//! A container's log, read while it is written.

use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::LogParams};

/// A log that is read, perhaps in several attempts: a connection that breaks is made again.
pub(crate) struct Listener<'a> {
    api: &'a Api<Pod>,
    pod: &'a str,
    container: &'a str,
    heard: usize,
}

impl<'a> Listener<'a> {
    pub(crate) fn new(api: &'a Api<Pod>, pod: &'a str, container: &'a str) -> Self {
        Self { api, pod, container, heard: 0 }
    }

    /// Passes over all that is there but the last lines.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) async fn skip_to_last(&mut self, lines: usize) -> Result<(), kube::Error> {
        self.hear(false, &mut |_| {}).await?;
        self.heard = self.heard.saturating_sub(lines);
        Ok(())
    }

    /// Tells each line that was not told before, with `follow` until the container has ended.
    ///
    /// # Errors
    /// Where it cannot be read, or not to its end.
    pub(crate) async fn hear(&mut self, follow: bool, tell: &mut (dyn FnMut(&str) + Send)) -> Result<(), kube::Error> {
        let params = LogParams { container: Some(self.container.to_owned()), follow, ..LogParams::default() };
        let mut lines = self.api.log_stream(self.pod, &params).await?.lines();
        let mut at = 0;
        while let Some(line) = lines.try_next().await.map_err(kube::Error::ReadEvents)? {
            at += 1;
            if at > self.heard {
                self.heard = at;
                tell(&line);
            }
        }
        Ok(())
    }
}
