//! Indexes in files, as doors of the index object.

use crate::bytes::NativeBytes;
use crate::failure::{Result, throwing, thrown};
use crate::index::NativeIndex;
use crate::job::{Listener, NativeJob, Value, start};
use crate::options::NativeOptions;
use hnsw_core::{Control, Error, Index, Links, Options, SectionState, Verification};
use hnsw_files::{Header, Load, Source, Verify, import_hnswlib, load, save, verify};
use napi::Env;
use napi::bindgen_prelude::BigUint64Array;
use napi_derive::napi;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a file is loaded; `verify` is `used`, `sections` or `full`.
#[napi(object, object_to_js = false)]
pub struct NativeLoad {
    pub mmap: bool,
    pub verify: String,
    pub threads: u32,
}

impl NativeLoad {
    fn resolve(self) -> hnsw_core::Result<Load> {
        let verify = match self.verify.as_str() {
            "used" => Verify::WhenUsed,
            "sections" => Verify::Sections,
            "full" => Verify::Full,
            other => return Err(Error::invalid("verify", format!("{other:?}"), "used, sections, full")),
        };
        Ok(Load { mmap: self.mmap, verify, threads: self.threads as usize })
    }
}

#[napi(object, object_from_js = false)]
pub struct NativeSection {
    pub name: String,
    pub offset: f64,
    pub bytes: f64,
    pub sound: bool,
}

#[napi(object, object_from_js = false)]
pub struct NativeLinks {
    pub degrees: Vec<f64>,
    pub levels: f64,
    pub asymmetric: f64,
    pub out_of_range: f64,
    pub unreachable: f64,
}

/// What a look at everything found.
#[napi(object, object_from_js = false)]
pub struct NativeVerification {
    pub problems: Vec<String>,
    pub rows: Option<f64>,
    pub version: Option<u32>,
    pub digest: Option<bool>,
    pub sections: Vec<NativeSection>,
    pub links: Option<NativeLinks>,
}

impl From<Verification> for NativeVerification {
    fn from(found: Verification) -> Self {
        let section = |SectionState { name, offset, bytes, sound }| NativeSection {
            name,
            offset: offset as f64,
            bytes: bytes as f64,
            sound,
        };
        NativeVerification {
            problems: found.problems,
            rows: found.rows.map(|rows| rows as f64),
            version: found.version,
            digest: found.digest,
            sections: found.sections.into_iter().map(section).collect(),
            links: found.links.map(NativeLinks::from),
        }
    }
}

impl From<Links> for NativeLinks {
    fn from(links: Links) -> Self {
        NativeLinks {
            degrees: links.degrees.into_iter().map(|rows| rows as f64).collect(),
            levels: links.levels as f64,
            asymmetric: links.asymmetric as f64,
            out_of_range: links.out_of_range as f64,
            unreachable: links.unreachable as f64,
        }
    }
}

/// What an index file of hnswlib says of itself.
#[napi(object, object_from_js = false)]
pub struct NativeHnswlibHeader {
    pub rows: f64,
    pub dim: f64,
    pub m: f64,
    pub ef_construction: f64,
}

impl From<Header> for NativeHnswlibHeader {
    fn from(header: Header) -> Self {
        NativeHnswlibHeader {
            rows: header.rows as f64,
            dim: header.dim as f64,
            m: header.m as f64,
            ef_construction: header.ef_construction as f64,
        }
    }
}

/// An index of another engine, and the labels of its rows.
#[napi(object, object_from_js = false)]
pub struct NativeImported {
    pub index: NativeIndex,
    pub labels: BigUint64Array,
}

#[napi]
impl NativeIndex {
    #[napi]
    pub fn save_sync(&self, path: String) -> Result<()> {
        let index = self.open()?;
        throwing(|| save(&index, Path::new(&path), Control::none()).map(|_| ()))
    }

    #[napi]
    pub fn save(&self, path: String, listener: Listener<'_>) -> Result<NativeJob> {
        let index = self.open()?;
        start(listener, move |control| save(&index, Path::new(&path), control).map(|_| Value::Nothing))
    }

    #[napi]
    pub fn load_sync(env: Env, path: String, how: NativeLoad) -> Result<NativeIndex> {
        let how = how.resolve().map_err(thrown)?;
        throwing(|| loaded(&path, how, Control::none())).map(|index| NativeIndex::new(env, index))
    }

    #[napi]
    pub fn load(path: String, how: NativeLoad, listener: Listener<'_>) -> Result<NativeJob> {
        let how = how.resolve().map_err(thrown)?;
        start(listener, move |control| loaded(&path, how, control).map(Value::Index))
    }

    #[napi]
    pub fn verify_sync(&self) -> Result<NativeVerification> {
        let index = self.open()?;
        throwing(|| index.verify(Control::none())).map(NativeVerification::from)
    }

    #[napi]
    pub fn verify(&self, listener: Listener<'_>) -> Result<NativeJob> {
        let index = self.open()?;
        start(listener, move |control| index.verify(control).map(Box::new).map(Value::Verification))
    }

    #[napi]
    pub fn verify_file_sync(path: String) -> Result<NativeVerification> {
        throwing(|| verify(Path::new(&path), Control::none())).map(NativeVerification::from)
    }

    #[napi]
    pub fn verify_file(path: String, listener: Listener<'_>) -> Result<NativeJob> {
        start(listener, move |control| verify(Path::new(&path), control).map(Box::new).map(Value::Verification))
    }

    #[napi]
    pub fn hnswlib_header(path: String) -> Result<NativeHnswlibHeader> {
        throwing(|| Header::read(Path::new(&path))).map(NativeHnswlibHeader::from)
    }

    #[napi]
    pub fn hnswlib_header_of(bytes: &[u8]) -> Result<NativeHnswlibHeader> {
        throwing(|| Header::read(bytes)).map(NativeHnswlibHeader::from)
    }

    #[napi]
    pub fn import_hnswlib_sync(env: Env, path: String, dim: u32, options: NativeOptions) -> Result<NativeImported> {
        let options = options.resolve(dim as usize).map_err(thrown)?;
        let (index, labels) = throwing(|| imported(Path::new(&path).into(), dim, options, Control::none()))?;
        Ok(NativeImported { index: NativeIndex::new(env, index), labels: labels.into() })
    }

    #[napi]
    pub fn import_hnswlib(path: String, dim: u32, options: NativeOptions, listener: Listener<'_>) -> Result<NativeJob> {
        let options = options.resolve(dim as usize).map_err(thrown)?;
        start(listener, move |control| {
            let (index, labels) = imported(Path::new(&path).into(), dim, options, control)?;
            Ok(Value::Imported(index, labels))
        })
    }

    #[napi]
    pub fn import_hnswlib_bytes_sync(
        env: Env,
        bytes: &mut NativeBytes,
        dim: u32,
        options: NativeOptions,
    ) -> Result<NativeImported> {
        let (bytes, options) = (bytes.take(env)?, options.resolve(dim as usize).map_err(thrown)?);
        let (index, labels) = throwing(|| imported(bytes[..].into(), dim, options, Control::none()))?;
        Ok(NativeImported { index: NativeIndex::new(env, index), labels: labels.into() })
    }

    #[napi]
    pub fn import_hnswlib_bytes(
        env: Env,
        bytes: &mut NativeBytes,
        dim: u32,
        options: NativeOptions,
        listener: Listener<'_>,
    ) -> Result<NativeJob> {
        let (bytes, options) = (bytes.take(env)?, options.resolve(dim as usize).map_err(thrown)?);
        start(listener, move |control| {
            let (index, labels) = imported(bytes[..].into(), dim, options, control)?;
            Ok(Value::Imported(index, labels))
        })
    }
}

fn loaded(path: &str, how: Load, control: Control<'_>) -> hnsw_core::Result<Arc<Index>> {
    load(&PathBuf::from(path), how, control).map(Arc::new)
}

/// `options` are those of rows of `dim` columns, as the file's header said a moment ago.
fn imported(
    source: Source<'_>,
    dim: u32,
    options: Options,
    control: Control<'_>,
) -> hnsw_core::Result<(Arc<Index>, Vec<u64>)> {
    let options = |header: &Header| match header.dim == dim as usize {
        true => Ok(options),
        false => Err(Error::DimensionMismatch { seen: header.dim, expected: dim as usize }),
    };
    import_hnswlib(source, options, control).map(|(index, labels)| (Arc::new(index), labels))
}
