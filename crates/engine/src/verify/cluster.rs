//! Reads the indices of a living cluster and compares them with what a snapshot holds. Stores nothing.

use elasticsearch::{Client, Index, Query, Selection, scan};
use tokio_util::sync::CancellationToken;

use super::{Content, IndexVerification, differences};
use crate::{
    backup::{PageSink, READERS, Reading, read_shards},
    error::{Doing as _, Error, Result},
    fingerprint::DocumentDigest,
    progress::Progress,
};

/// Compares each index with the one of the same name in the cluster, or with what a query chooses of it.
pub(super) async fn compare(
    client: &Client,
    indices: &mut [IndexVerification],
    query: Option<Query>,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<()> {
    let everything = Selection { include_system: true, ..Selection::default() };
    let there = client.list(&everything).await.doing(|| "cannot list the cluster's indices".into())?;
    let (present, absent): (Vec<_>, Vec<_>) = indices.iter_mut().partition(|index| there.contains(&index.index));
    for index in absent {
        index.problems.push("the cluster has no such index".into());
    }
    if present.is_empty() {
        return Ok(());
    }
    let include = present.iter().map(|index| index.index.clone()).collect();
    let selection = Selection { include, include_system: true, ..Selection::default() };
    let catalog = client.catalog(&selection).await.doing(|| "cannot look at the cluster's indices".into())?;
    let names = catalog.indices.iter().map(|index| index.name.as_str());
    client.refresh(names).await.doing(|| "cannot refresh before reading".into())?;
    let (client, progress, cancel) = (client.clone(), progress.clone(), cancel.clone());
    let reading = Reading { client, progress, cancel, readers: READERS, query };
    let make = |index: &Index, shard: u32| {
        let what = format!("index {}, shard {shard}", index.name);
        PageDigest { what, content: Content::default() }
    };
    let contents = read_shards(reading, &catalog.indices, make).await?;
    for index in present {
        let Some(at) = catalog.indices.iter().position(|found| found.name == index.index) else { continue };
        let mut content = Content::default();
        for shard in &contents[at] {
            content.documents += shard.documents;
            content.fingerprint.merge(shard.fingerprint);
        }
        index.cluster = Some(content);
        index.problems.extend(differences(index.snapshot, content, "the snapshot", "the cluster"));
    }
    Ok(())
}

/// Takes pages and keeps only what they add up to.
struct PageDigest {
    what: String,
    content: Content,
}

impl PageSink for PageDigest {
    type Output = Content;

    fn page(&mut self, body: &[u8]) -> Result<(u64, u64)> {
        let damaged = |source| Error::Page { what: self.what.clone(), source };
        let (mut documents, mut bytes) = (0, 0);
        for hit in scan::hits(body).map_err(damaged)? {
            let hit = hit.map_err(|source| Error::Page { what: self.what.clone(), source })?;
            let digest = DocumentDigest::of_hit(&hit).ok_or_else(|| Error::Lacking {
                index: self.what.clone(),
                id: String::from_utf8_lossy(hit.id.unwrap_or(b"(none)")).into_owned(),
                part: "readable _id and _source",
            })?;
            self.content.documents += 1;
            self.content.fingerprint.add(digest);
            documents += 1;
            bytes += hit.source.map_or(0, <[u8]>::len) as u64;
        }
        Ok((documents, bytes))
    }

    fn finish(self) -> Result<Content> {
        Ok(self.content)
    }
}
