//! What an index was made with, and the shape of its rows.

use super::Kind;
use super::container::{Container, corrupt};
use super::fields::{Reader, Writer};
use super::write::{Content, Section};
use crate::error::Result;
use crate::metric::{Metric, MetricParams};
use crate::options::{Algorithm, DEFAULT_GRAPH_RECALL, Options, Quantization};
use crate::points::Form;

/// Rows by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub form: Form,
    pub len: usize,
    pub dim: usize,
    /// Dense rows show their spare column.
    pub spare: bool,
}

/// All options but the threads, which change nothing about an index.
pub(crate) fn section(options: &Options, shape: Shape) -> Section<'static> {
    let params = options.metric.params();
    let mut fields = Writer::default();
    fields.text(shape.form.name()).size(shape.len).size(shape.dim).u64(u64::from(shape.spare));
    fields.text(options.metric.info().name).number(params.p);
    for values in [&params.w, &params.sigma, &params.vinv, &params.cost] {
        fields.values(values.as_deref());
    }
    fields.size(options.n_neighbors).text(options.algorithm.name());
    for number in [options.m, options.ef_construction, options.max_candidates, options.n_iters] {
        fields.size(number);
    }
    fields.u64(options.seed).text(options.quantization.map_or("", Quantization::name));
    fields.number(Some(options.graph_recall));
    Section::new(Kind::Options, Content::Own(fields.0))
}

/// The options and the shape of a container.
pub(crate) fn read(container: &Container<'_>, threads: usize) -> Result<(Options, Shape)> {
    let mut fields = Reader::new(container.need(Kind::Options)?);
    let form = match fields.text()? {
        "dense" => Form::Dense,
        "sparse" => Form::Sparse,
        "bits" => Form::Bits,
        other => return Err(corrupt(format!("rows of form {other:?}"))),
    };
    let shape = Shape { form, len: fields.size()?, dim: fields.size()?, spare: fields.u64()? == 1 };
    let name = fields.text()?;
    let params = MetricParams {
        p: fields.number()?,
        w: fields.values()?,
        sigma: fields.values()?,
        vinv: fields.values()?,
        cost: fields.values()?,
    };
    let refused = |error: crate::Error| corrupt(format!("options: {error}"));
    let metric = Metric::resolve(name, params, shape.dim).map_err(refused)?;
    let options = Options {
        n_neighbors: fields.size()?,
        algorithm: Algorithm::parse(fields.text()?).map_err(refused)?,
        m: fields.size()?,
        ef_construction: fields.size()?,
        max_candidates: fields.size()?,
        n_iters: fields.size()?,
        seed: fields.u64()?,
        quantization: match fields.text()? {
            "" => None,
            name => Some(Quantization::parse(name).map_err(refused)?),
        },
        // Dumps made before the option existed end here.
        graph_recall: if fields.is_empty() { None } else { fields.number()? }.unwrap_or(DEFAULT_GRAPH_RECALL),
        threads,
        caller: container.get(Kind::Caller)?.unwrap_or_default().to_vec(),
        ..Options::new(metric)
    };
    fields.end()?;
    options.check().map_err(refused)?;
    Ok((options, shape))
}
