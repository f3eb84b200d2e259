//! Data streams: the backing indices one after the other, each made by a rollover and filled through the stream, because servers
//! take documents in no other way. What is whole at the end is a data stream; what is not is deleted with all that is in it.

mod generations;

use elasticsearch::{
    DataStream,
    load::{CreatedIndex, Generation, LoadError, Loader, OnConflict, stream_template},
};
use serde_json::value::RawValue;

use super::{IndexOutcome, IndexPlan, IndexReport, Restoring, StreamPlan, StreamReport, index};
use crate::{
    dump::{IndexDefinitions, nothing},
    error::{Doing as _, Error, Result},
};

/// Empty backing indices that there may be before they are deleted together: each is a shard.
const PASSED_AT_ONCE: usize = 20;

/// A backing index that is made and filled.
struct Made {
    plan: IndexPlan,
    created: CreatedIndex,
    report: IndexReport,
}

/// Looks which of the streams are there already, and says so in words.
///
/// # Errors
/// [`Error::NoDataStreams`]; where the server cannot be asked.
pub(super) async fn conflicts(loader: &Loader, plans: &mut [StreamPlan]) -> Result<Vec<String>> {
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    if !loader.has_data_streams().await.doing(|| "cannot see whether the server has data streams".into())? {
        return Err(Error::NoDataStreams { names: plans.iter().map(|plan| plan.stream.name.clone()).collect() });
    }
    let targets: Vec<String> = plans.iter().map(|plan| plan.target.clone()).collect();
    let indices = loader.existing(&targets).await.doing(|| "cannot see which indices are there".into())?;
    let mut conflicts = Vec::new();
    for plan in plans {
        let target = &plan.target;
        let stream =
            loader.stream(target).await.doing(|| format!("cannot see whether data stream {target} is there"))?;
        plan.exists = stream.is_some() || indices.contains(target);
        if stream.is_some() {
            conflicts.push(format!("data stream {target}"));
        } else if plan.exists {
            conflicts.push(format!("index {target}"));
        }
    }
    Ok(conflicts)
}

/// Restores one data stream. What goes wrong with it is in the reports.
///
/// # Errors
/// [`Error::Interrupted`] only.
pub(super) async fn restore(restoring: &Restoring, plan: StreamPlan) -> Result<(Vec<IndexReport>, StreamReport)> {
    let mut report = StreamReport {
        name: plan.stream.name.clone(),
        target: plan.target.clone(),
        generation: None,
        changes: Vec::new(),
        outcome: IndexOutcome::Restored,
        template_stays: false,
    };
    if plan.exists && restoring.on_conflict.of_indices() == OnConflict::Skip {
        report.outcome = IndexOutcome::Skipped;
        return Ok((all_of(&plan, &IndexOutcome::Skipped), report));
    }
    match steps(restoring, &plan, &mut report).await {
        Ok(indices) => Ok((indices, report)),
        Err(Error::Interrupted) => Err(Error::Interrupted),
        Err(error) => {
            report.outcome = IndexOutcome::Failed(error.chain());
            let why = format!("data stream {} is not there as a whole", plan.target);
            Ok((all_of(&plan, &IndexOutcome::Failed(why)), report))
        }
    }
}

/// Takes away the templates that had to wait for those of the dump; says where one has to stay.
pub(super) async fn release(restoring: &Restoring, reports: &mut [StreamReport]) {
    for report in reports.iter_mut().filter(|report| report.template_stays) {
        let stream = &report.target;
        let why = match restoring.loader.remove_stream_template(stream).await {
            Ok(true) => {
                report.template_stays = false;
                continue;
            }
            Ok(false) => "no other index template is for it; one with a higher priority takes its place".to_owned(),
            Err(error) => Error::Load { doing: "it could not be deleted".into(), source: error }.chain(),
        };
        report.changes.push(format!("index template {} stays: {why}", stream_template(stream)));
    }
}

fn all_of(plan: &StreamPlan, outcome: &IndexOutcome) -> Vec<IndexReport> {
    let report =
        |index: &IndexPlan| IndexReport { outcome: outcome.clone(), ..IndexReport::begin(index, Some(&plan.target)) };
    plan.indices.iter().map(report).collect()
}

async fn steps(restoring: &Restoring, plan: &StreamPlan, report: &mut StreamReport) -> Result<Vec<IndexReport>> {
    check(restoring, plan).await?;
    if plan.exists {
        let doing = || format!("cannot delete data stream {} to overwrite it", plan.target);
        restoring.loader.delete_stream(&plan.target).await.doing(doing)?;
        restoring.loader.delete_index(&plan.target).await.doing(doing)?;
    }
    let stream = DataStream { name: plan.target.clone(), ..plan.stream.clone() };
    let made = match make(restoring, plan, &stream, report).await {
        Ok(made) => made,
        // Somebody was faster; it is not ours.
        Err(error @ Error::Load { source: LoadError::Exists { .. }, .. }) => return Err(error),
        Err(_) if restoring.cancel.is_cancelled() => {
            delete_half(restoring, &stream).await;
            return Err(Error::Interrupted);
        }
        Err(error) => {
            tracing::warn!(stream = stream.name, "the data stream did not come about as a whole: it is deleted again");
            delete_half(restoring, &stream).await;
            return Err(error);
        }
    };
    report.changes.extend(stream.beyond.iter().map(|what| format!("its {what} is not put back")));
    Ok(made.into_iter().map(|made| made.report).collect())
}

/// Everything must be there, and readable, before anything that is there is deleted for it.
async fn check(restoring: &Restoring, plan: &StreamPlan) -> Result<()> {
    restoring.loader.check_stream(&plan.stream).doing(|| format!("cannot restore data stream {}", plan.target))?;
    for index in &plan.indices {
        index::read_definitions(restoring, index).await?;
        if plan.exists && index::lacks_documents(restoring, index) {
            return Err(Error::NothingInstead { index: index.name.clone() });
        }
    }
    Ok(())
}

async fn make(
    restoring: &Restoring,
    plan: &StreamPlan,
    stream: &DataStream,
    report: &mut StreamReport,
) -> Result<Vec<Made>> {
    let gaps = generations::gaps(&plan.stream.indices);
    report.changes.extend(gaps.change);
    let mut made = Vec::with_capacity(plan.indices.len());
    let mut passed = Vec::new();
    let mut newest = None;
    for (index, gap) in plan.indices.iter().zip(gaps.before) {
        for _ in 0..gap {
            newest = Some(pass(restoring, stream, newest.as_deref(), &mut passed).await?);
        }
        let generation = generation(restoring, stream, newest.as_deref(), index.clone(), &mut passed).await?;
        newest = Some(generation.plan.target.clone());
        made.push(generation);
    }
    for made in &mut made {
        finish(restoring, made).await?;
    }
    report.generation = Some(compare(restoring, stream, &made, report).await?);
    for Made { plan, created, report } in &mut made {
        let blocked = restoring.loader.put_back_blocks(created).await;
        report.changes.extend(blocked.doing(|| format!("cannot put the blocks of index {} back", plan.target))?);
    }
    report.template_stays = !take_template_away(restoring, plan, stream).await?;
    Ok(made)
}

/// Lets one generation pass that the saved stream did not have any more. Gives its name.
async fn pass(
    restoring: &Restoring,
    stream: &DataStream,
    newest: Option<&str>,
    passed: &mut Vec<String>,
) -> Result<String> {
    stop_if_wanted(restoring)?;
    let doing = || format!("cannot bring data stream {} to its generation", stream.name);
    // The last one is written to until there is another.
    if passed.len() > PASSED_AT_ONCE {
        let old: Vec<String> = passed.drain(..passed.len() - 1).collect();
        restoring.loader.delete_passed(&old).await.doing(doing)?;
    }
    let name = restoring.loader.pass_generation(stream, newest).await.doing(doing)?;
    passed.push(name.clone());
    Ok(name)
}

/// Makes the next backing index, and fills it.
async fn generation(
    restoring: &Restoring,
    stream: &DataStream,
    newest: Option<&str>,
    mut plan: IndexPlan,
    passed: &mut Vec<String>,
) -> Result<Made> {
    stop_if_wanted(restoring)?;
    let definitions = index::read_definitions(restoring, &plan).await?;
    let doing = || format!("cannot make {} in data stream {} again", plan.name, stream.name);
    let empty = nothing();
    let created = restoring.loader.add_generation(stream, newest, of(&definitions, &empty)).await.doing(doing)?;
    restoring.loader.delete_passed(passed).await.doing(doing)?;
    passed.clear();
    created.name().clone_into(&mut plan.target);
    let mut report = IndexReport::begin(&plan, Some(&stream.name));
    report.changes.extend(created.changes.iter().cloned());
    report.changes.extend(index::said_lack(restoring, index::lacks_documents(restoring, &plan)));
    restoring.progress.begin(&plan.target, plan.documents.unwrap_or(0));
    let filled = index::fill(restoring, &plan, &created, &mut report).await;
    restoring.progress.end(&plan.target);
    filled.map(|()| Made { plan, created, report })
}

/// Policies of life cycles come back with the settings: not before all documents are there.
async fn finish(restoring: &Restoring, made: &mut Made) -> Result<()> {
    stop_if_wanted(restoring)?;
    let Made { plan, created, report } = made;
    let put_back = restoring.loader.put_back_settings(created).await;
    report.changes.extend(put_back.doing(|| format!("cannot put the settings of index {} back", plan.target))?);
    index::count(restoring, plan, report).await
}

/// Nobody rolled over or took anything away meanwhile. Gives the generation.
async fn compare(restoring: &Restoring, stream: &DataStream, made: &[Made], report: &mut StreamReport) -> Result<u64> {
    let shown = restoring.loader.stream(&stream.name).await;
    let shown = shown.doing(|| format!("cannot look at data stream {}", stream.name))?;
    let found = shown.iter().flat_map(|shown| shown.indices()).map(str::to_owned).collect::<Vec<_>>();
    let expected: Vec<String> = made.iter().map(|made| made.created.name().to_owned()).collect();
    let Some(shown) = shown.filter(|_| found == expected) else {
        return Err(Error::StreamChanged { stream: stream.name.clone(), expected, found });
    };
    if shown.generation != stream.generation {
        report.changes.push(format!("its generation is {}, it was {}", shown.generation, stream.generation));
    }
    Ok(shown.generation)
}

/// Takes the template away; where the server has no other for the stream yet, it stays, made for everyday use.
async fn take_template_away(restoring: &Restoring, plan: &StreamPlan, stream: &DataStream) -> Result<bool> {
    let doing = || format!("cannot take the template of data stream {} away", stream.name);
    if restoring.loader.remove_stream_template(&stream.name).await.doing(doing)? {
        return Ok(true);
    }
    if let Some(newest) = plan.indices.last() {
        let definitions = index::read_definitions(restoring, newest).await?;
        let empty = nothing();
        restoring.loader.leave_template(stream, of(&definitions, &empty)).await.doing(doing)?;
    }
    Ok(false)
}

/// What there is of the definitions, and nothing in place of what there is not.
fn of<'a>(definitions: &'a IndexDefinitions, empty: &'a RawValue) -> Generation<'a> {
    let IndexDefinitions { settings, mappings, aliases } = definitions;
    Generation {
        settings: settings.as_deref().unwrap_or(empty),
        mappings: mappings.as_deref().unwrap_or(empty),
        aliases: aliases.as_deref(),
    }
}

fn stop_if_wanted(restoring: &Restoring) -> Result<()> {
    if restoring.cancel.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
}

/// A stream that lacks documents would be taken for whole by whoever finds it.
async fn delete_half(restoring: &Restoring, stream: &DataStream) {
    let name = &stream.name;
    if let Err(error) = restoring.loader.delete_stream(name).await {
        tracing::error!(stream = name, %error, "the data stream is incomplete and could not be deleted: delete it");
        return;
    }
    if let Err(error) = restoring.loader.remove_stream_template(name).await {
        let template = stream_template(name);
        tracing::error!(template, %error, "an index template that a restore made could not be deleted: delete it");
    }
}
