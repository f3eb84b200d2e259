//! One index: created, filled, its settings put back, counted, its aliases last. One whose documents did not all come is
//! deleted again.

use std::sync::Arc;

use elasticsearch::load::{CreatedIndex, Loaded, OnConflict};

use super::{IndexOutcome, IndexPlan, IndexReport, Restoring, documents};
use crate::{
    blocking::blocking,
    dump::{IndexDefinitions, nothing},
    error::{Doing as _, Error, Result},
    parts::Part,
};

/// Restores one index. What goes wrong with it is in the report.
///
/// # Errors
/// [`Error::Interrupted`] only.
pub(super) async fn restore(restoring: &Restoring, plan: IndexPlan) -> Result<IndexReport> {
    let mut report = IndexReport::begin(&plan, None);
    if plan.exists && restoring.on_conflict.of_indices() == OnConflict::Skip {
        report.outcome = IndexOutcome::Skipped;
        return Ok(report);
    }
    restoring.progress.begin(&plan.target, plan.documents.unwrap_or(0));
    let result = steps(restoring, &plan, &mut report).await;
    restoring.progress.end(&plan.target);
    match result {
        Ok(()) => {}
        Err(Error::Interrupted) => return Err(Error::Interrupted),
        Err(error) => report.outcome = IndexOutcome::Failed(error.chain()),
    }
    Ok(report)
}

async fn steps(restoring: &Restoring, plan: &IndexPlan, report: &mut IndexReport) -> Result<()> {
    let definitions = read_definitions(restoring, plan).await?;
    let lacks_documents = lacks_documents(restoring, plan);
    if plan.exists {
        if lacks_documents {
            return Err(Error::NothingInstead { index: plan.target.clone() });
        }
        let deleted = restoring.loader.delete_index(&plan.target).await;
        deleted.doing(|| format!("cannot delete index {} to overwrite it", plan.target))?;
    }
    let created = create(restoring, plan, &definitions).await?;
    report.changes.extend(created.changes.iter().cloned());
    report.changes.extend(said_lack(restoring, lacks_documents));
    let filled = fill(restoring, plan, &created, report).await;
    if restoring.cancel.is_cancelled() {
        delete_half(restoring, plan).await;
        return Err(Error::Interrupted);
    }
    if let Err(error) = filled {
        tracing::warn!(index = plan.target, "its documents did not all come: the index is deleted again");
        delete_half(restoring, plan).await;
        return Err(error);
    }
    let put_back = restoring.loader.put_back_settings(&created).await;
    report.changes.extend(put_back.doing(|| format!("cannot put the settings of index {} back", plan.target))?);
    count(restoring, plan, report).await?;
    if let Some(aliases) = &definitions.aliases {
        let put = restoring.loader.put_aliases(&plan.target, aliases).await;
        report.changes.extend(put.doing(|| format!("cannot put the aliases of index {} back", plan.target))?);
    }
    let blocked = restoring.loader.put_back_blocks(&created).await;
    report.changes.extend(blocked.doing(|| format!("cannot put the blocks of index {} back", plan.target))?);
    Ok(())
}

/// An index that lacks documents would be taken for whole by whoever finds it.
async fn delete_half(restoring: &Restoring, plan: &IndexPlan) {
    if let Err(error) = restoring.loader.delete_index(&plan.target).await {
        tracing::error!(index = plan.target, %error, "the index is incomplete and could not be deleted: delete it");
    }
}

/// Whether documents are wanted that the snapshot does not have.
pub(super) fn lacks_documents(restoring: &Restoring, plan: &IndexPlan) -> bool {
    restoring.wanted.has(Part::Documents) && !restoring.dump.has_documents(&plan.name)
}

pub(super) async fn read_definitions(restoring: &Restoring, plan: &IndexPlan) -> Result<IndexDefinitions> {
    let (dump, name, parts) = (Arc::clone(&restoring.dump), plan.name.clone(), restoring.wanted.parts.clone());
    // The documents must be complete before anything that is there is deleted for them.
    blocking(move || dump.documents(&name).and_then(|_| dump.definitions(&name, &parts))).await
}

async fn create(restoring: &Restoring, plan: &IndexPlan, definitions: &IndexDefinitions) -> Result<CreatedIndex> {
    let empty = nothing();
    let settings = definitions.settings.as_ref().unwrap_or(&empty);
    let mappings = definitions.mappings.as_ref().unwrap_or(&empty);
    let created = restoring.loader.create_index(&plan.target, settings, mappings).await;
    created.doing(|| format!("cannot create index {}", plan.target))
}

/// A snapshot without any documents says so by itself.
pub(super) fn said_lack(restoring: &Restoring, lacks_documents: bool) -> Option<String> {
    let said = lacks_documents && restoring.dump.parts().has(Part::Documents);
    said.then(|| "its documents are not in the snapshot".to_owned())
}

pub(super) async fn fill(
    restoring: &Restoring,
    plan: &IndexPlan,
    created: &CreatedIndex,
    report: &mut IndexReport,
) -> Result<()> {
    if !restoring.wanted.has(Part::Documents) {
        return Ok(());
    }
    let (read, loaded) = documents::load(restoring, plan, created.target()).await?;
    let Loaded { indexed, rejected_count, unversioned, rejected } = loaded;
    (report.read, report.indexed, report.rejected, report.rejections) = (read, indexed, rejected_count, rejected);
    if unversioned > 0 {
        report.changes.push(format!("a data stream takes no versions: {unversioned} begin at 1 again"));
    }
    Ok(())
}

/// Dump, account and cluster must agree.
pub(super) async fn count(restoring: &Restoring, plan: &IndexPlan, report: &mut IndexReport) -> Result<()> {
    if !restoring.wanted.has(Part::Documents) {
        return Ok(());
    }
    let counted = restoring.loader.refresh_and_count(&plan.target).await;
    let counted = counted.doing(|| format!("cannot count index {}", plan.target))?;
    report.counted = Some(counted);
    let differ = |expected, found| Err(Error::Restored { index: plan.target.clone(), expected, found });
    if let Some(expected) = report.expected.filter(|expected| *expected != report.read) {
        return differ(expected, report.read);
    }
    if report.indexed + report.rejected != report.read {
        return differ(report.read, report.indexed + report.rejected);
    }
    if counted != report.indexed {
        return differ(report.indexed, counted);
    }
    Ok(())
}
