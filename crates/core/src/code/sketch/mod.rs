//! Sketches: rows seen along their few widest directions, a byte each.
//!
//! What is near in the directions that hold most of the variance is usually near; a walk that compares one or two
//! cache lines a row, not dozens, decides nothing by it, but knows which rows are worth comparing by themselves.
//! (Projection on principal components before comparing: Yang and others, Effective and general distance
//! computation for approximate nearest neighbor search, 2024.)
//!
//! ```text
//!   row 0 | c c c ... c n n n n | row 1 | ...       codes, then the squared norm of the code in 4 bytes
//! ```
//!
//! Queries have zeros in the place of the norm, so that one product over whole lines leaves it out. Directions are a pure
//! function of the rows that they were found from; small updates keep them.
//!
//! ```text
//!   sample   rows that directions are found from and sketches are judged by
//!   frame    the directions, and the step of a code
//!   bound    what sketches say of distances for certain
//!   matrix   products and orthogonal rows
//! ```

mod bound;
mod frame;
mod matrix;
mod sample;

use crate::clusters::Space;
use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use crate::points::aligned::{ALIGN, Aligned};
use crate::points::{Edit, Points, Rows};
use frame::Frame;
use hnsw_kernels::{ByteKernel, Kernels, MatRef};
use sample::Sample;

/// Bytes of the norm.
const NORM: usize = 4;
/// Fewer rows than this fit the caches as they are.
const MIN_ROWS: usize = 4096;
/// Share of a sample's neighbours that sketches must find: for walks, which look at what is near to what they find, and
/// for lists, where all of a row's neighbours must stand among its first candidates.
const FOR_WALKS: f64 = 0.9;
const FOR_LISTS: f64 = 0.99;
/// Bytes that a sketch may have.
const STRIDES: [usize; 3] = [ALIGN, 2 * ALIGN, 4 * ALIGN];
/// Rows coded at a time.
const BLOCK: usize = 256;

/// How rows become sketches, as it is written down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Directions {
    /// Of a sketch.
    pub bytes: usize,
    /// Steps of the codes in a unit of the rows.
    pub scale: f32,
    pub mean: Vec<f32>,
    /// One behind another, each as long as `mean`.
    pub axes: Vec<f32>,
}

/// Sketches of rows, or of queries.
pub(crate) struct Sketch {
    frame: Frame,
    data: Aligned<u8>,
    stride: usize,
}

impl Sketch {
    /// Sketches that walks may run on, of `rows`, whose proxies must be squared euclidean distances; `None` where rows
    /// are so few or so narrow that sketches gain nothing, or where few directions do not tell near from far.
    /// O(n·dim·directions).
    pub fn of(rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<Sketch>> {
        Sketch::that_tell(FOR_WALKS, rows, threads, control)
    }

    /// As [`Sketch::of`], for lists of near rows.
    pub fn for_lists(rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<Sketch>> {
        Sketch::that_tell(FOR_LISTS, rows, threads, control)
    }

    /// Sketches in a frame that is known; `None` where it is none of such rows.
    pub fn by(known: &Directions, rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<Sketch>> {
        let Directions { bytes, scale, mean, axes } = known;
        let dims = bytes.saturating_sub(NORM).min(rows.dim());
        let finite = axes.iter().chain(mean).chain([scale]).all(|value| value.is_finite());
        let fits = STRIDES.contains(bytes) && *bytes <= widest(rows) && mean.len() == rows.dim();
        if !fits || !finite || *scale <= 0.0 || axes.len() != dims * rows.dim() {
            return Ok(None);
        }
        let frame = Frame::by(mean.clone(), axes.clone(), *scale, dims);
        encode(&frame, rows, true, *bytes, threads, control).map(Some)
    }

    /// What other sketches of the same kind can be made by.
    pub fn directions(&self) -> Directions {
        let Frame { mean, values, scale, .. } = &self.frame;
        Directions { bytes: self.stride, scale: *scale, mean: mean.clone(), axes: values.to_vec() }
    }

    /// The shortest sketches that find at least `share` of a sample's neighbours.
    fn that_tell(share: f64, rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<Sketch>> {
        if rows.len() < MIN_ROWS {
            return Ok(None);
        }
        let mut sample = None;
        for stride in STRIDES {
            let dims = (stride - NORM).min(rows.dim());
            if stride > widest(rows) {
                break;
            }
            control.check()?;
            if sample.is_none() {
                sample = Some(Sample::of(rows)?);
            }
            let Some(sample) = &sample else { break };
            let frame = Frame::of(sample, dims, threads)?;
            if frame.scale == 0.0 {
                break;
            }
            let coded = encode(&frame, &sample.rows, true, stride, threads, control)?;
            if sample.share_found(&coded, threads)? >= share {
                return encode(&frame, rows, true, stride, threads, control).map(Some);
            }
        }
        Ok(None)
    }

    /// Sketches of other rows with their norms, as these have.
    pub fn beside(&self, rows: &Rows, threads: usize, control: Control<'_>) -> Result<Sketch> {
        encode(&self.frame, rows, true, self.stride, threads, control)
    }

    /// Sketches of the rows that `edit` makes of dense rows, along the same directions.
    pub fn edited(&self, edit: &Edit<'_>, threads: usize, control: Control<'_>) -> Result<Sketch> {
        let mut data = Aligned::<u8>::zeroed(edit.len() * self.stride)?;
        let stride = self.stride;
        let cells = data.as_mut_slice();
        let kept = &mut cells[..edit.kept.len() * stride];
        parallel::gather(threads, kept, stride, edit.kept, |row| self.code(row as usize));
        if let Some((places, others)) = edit.replaced
            && let Some(others) = others.dense()
        {
            let others = self.beside(others, threads, control)?;
            for (from, &place) in places.iter().enumerate() {
                cells[place as usize * stride..][..stride].copy_from_slice(others.code(from));
            }
        }
        if let Some(fresh) = edit.fresh.and_then(Points::dense) {
            let fresh = self.beside(fresh, threads, control)?;
            cells[edit.kept.len() * stride..].copy_from_slice(fresh.data.as_slice());
        }
        Ok(Sketch { frame: self.frame.clone(), data, stride })
    }

    /// A sketch as those of queries are: with nothing in the place of its norm. `room` holds it.
    pub fn as_query<'a>(&self, id: usize, room: &'a mut Vec<u8>) -> &'a [u8] {
        room.clear();
        room.extend_from_slice(self.code(id));
        let norm = room.len() - NORM;
        room[norm..].fill(0);
        room
    }

    /// Sketches of queries, to be compared with these.
    pub fn of_queries(&self, queries: &Rows, threads: usize, control: Control<'_>) -> Result<Sketch> {
        encode(&self.frame, queries, false, self.stride, threads, control)
    }

    /// Bytes of a sketch.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// One sketch.
    #[inline]
    pub fn code(&self, id: usize) -> &[u8] {
        &self.data.as_slice()[id * self.stride..(id + 1) * self.stride]
    }

    /// What orders rows by their distance from `query`, one of [`Sketch::of_queries`]: |row - query|² less |query|²,
    /// in codes.
    #[inline]
    pub fn proxy(&self, dot: ByteKernel<u32>, query: &[u8], id: usize) -> f32 {
        let code = self.code(id);
        proxy(code, dot.one(query, code))
    }

    /// As [`Sketch::proxy`], of four rows.
    #[inline]
    pub fn four(&self, dot: ByteKernel<u32>, query: &[u8], ids: [u32; 4]) -> [f32; 4] {
        let codes = ids.map(|id| self.code(id as usize));
        let dots = dot.four(query, codes);
        std::array::from_fn(|i| proxy(codes[i], dots[i]))
    }

    /// Squared distance of the codes of two rows.
    #[inline]
    pub fn between(&self, dot: ByteKernel<u32>, a: usize, b: usize) -> f32 {
        let (a, b) = (self.code(a), self.code(b));
        apart(a, b, dot.one(a, b))
    }

    /// As [`Sketch::between`], of `a` and four others.
    #[inline]
    pub fn four_between(&self, dot: ByteKernel<u32>, a: usize, others: [u32; 4]) -> [f32; 4] {
        let (own, codes) = (self.code(a), others.map(|id| self.code(id as usize)));
        let dots = dot.four(own, codes);
        std::array::from_fn(|i| apart(own, codes[i], dots[i]))
    }

    /// Squared norm of a row's code.
    pub fn norm(&self, id: usize) -> i32 {
        norm(self.code(id))
    }

    /// Squared norm of a code, which it has behind it.
    #[inline]
    pub fn norm_of(code: &[u8]) -> i32 {
        norm(code)
    }

    /// The sketches of some rows, one behind another.
    pub fn gathered(&self, ids: &[u32]) -> Vec<u8> {
        ids.iter().flat_map(|&id| self.code(id as usize)).copied().collect()
    }

    /// Sketches one behind another, without their norms, as a matrix for tiles.
    pub fn matrix<'a>(&self, codes: &'a [u8]) -> MatRef<'a, u8> {
        MatRef::new(codes, codes.len() / self.stride, self.stride - NORM, self.stride)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let floats = self.frame.mean.capacity() + self.frame.values.capacity();
        self.data.bytes() + self.frame.axes.bytes() + floats * size_of::<f32>()
    }
}

impl Space<u8> for Sketch {
    fn len(&self) -> usize {
        self.data.as_slice().len() / self.stride
    }
    fn width(&self) -> usize {
        self.frame.dims
    }
    fn extend(&self, id: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.code(id)[..self.frame.dims]);
    }
    fn norm(&self, id: usize) -> i32 {
        Sketch::norm(self, id)
    }
}

/// Most bytes of a sketch that is worth its making.
fn widest(rows: &Rows) -> usize {
    rows.width() * size_of::<f32>() / 2
}

/// Norms are below 2²⁵ (252 columns), so that f32 holds them, or all but their last bit.
#[inline]
fn proxy(code: &[u8], dot: u32) -> f32 {
    (norm(code) - 2 * dot.cast_signed()) as f32
}

/// Squared distance of two codes, whose product over whole lines is `dot`.
#[inline]
fn apart(a: &[u8], b: &[u8], dot: u32) -> f32 {
    // The norms lie where codes would: their own products count too, and are taken off.
    let [x, y]: [&[u8; NORM]; 2] = [a, b].map(|code| code.last_chunk().unwrap_or(&[0; NORM]));
    let norms: u32 = x.iter().zip(y).map(|(&x, &y)| u32::from(x) * u32::from(y)).sum();
    (norm(a) + norm(b) - 2 * (dot - norms).cast_signed()) as f32
}

#[inline]
fn norm(code: &[u8]) -> i32 {
    code.last_chunk::<NORM>().map_or(0, |&bytes| i32::from_le_bytes(bytes))
}

fn encode(
    frame: &Frame,
    rows: &Rows,
    norms: bool,
    stride: usize,
    threads: usize,
    control: Control<'_>,
) -> Result<Sketch> {
    let kernels = Kernels::detect();
    let (dim, ld) = (frame.mean.len(), frame.dims.next_multiple_of(16));
    let mut data = Aligned::<u8>::zeroed(rows.len() * stride)?;
    parallel::chunks_mut(
        threads,
        data.as_mut_slice(),
        BLOCK * stride,
        || (vec![0.0f32; BLOCK.min(rows.len()) * dim], vec![0.0f32; BLOCK.min(rows.len()) * ld]),
        |(centred, along), start, part| {
            let first = start / stride;
            let count = part.len() / stride;
            for (i, to) in centred.chunks_exact_mut(dim).enumerate().take(count) {
                let from = rows.row(first + i)[..dim].iter().zip(&frame.mean);
                to.iter_mut().zip(from).for_each(|(to, (value, mean))| *to = value - mean);
            }
            kernels.dot_tile_f32(MatRef::new(centred, count, dim, dim), &frame.axes, along, ld);
            for (code, along) in part.chunks_exact_mut(stride).zip(along.chunks_exact(ld)) {
                // Casts saturate: what lies beyond the range gets its last step.
                let byte = |value: f32| (value * frame.scale + 128.5) as u8;
                code.iter_mut().zip(&along[..frame.dims]).for_each(|(code, &value)| *code = byte(value));
                if norms {
                    let norm: u32 = code[..frame.dims].iter().map(|&c| u32::from(c) * u32::from(c)).sum();
                    code[stride - NORM..].copy_from_slice(&norm.to_le_bytes());
                }
            }
            !control.is_cancelled()
        },
    );
    control.check()?;
    Ok(Sketch { frame: frame.clone(), data, stride })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rng, uniform};

    /// Rows spread over `rank` directions of `dim`, far from zero, and a little noise.
    fn flat(n: usize, dim: usize, rank: usize, seed: u64) -> Rows {
        let mut rng = Rng::new(7);
        let axes: Vec<f32> = (0..rank * dim).map(|_| rng.normal()).collect();
        let mut rng = Rng::new(seed);
        let values: Vec<f32> = (0..n)
            .flat_map(|_| {
                let along: Vec<f32> = (0..rank).map(|_| rng.normal()).collect();
                let at = |j: usize| along.iter().enumerate().map(|(i, a)| a * axes[i * dim + j]).sum::<f32>();
                (0..dim).map(|j| 300.0 + at(j) + 0.05 * rng.normal()).collect::<Vec<_>>()
            })
            .collect();
        Rows::from_slice(&values, dim).unwrap()
    }

    #[test]
    fn near_rows_are_near_by_sketch_and_threads_change_nothing() {
        let (rows, queries) = (flat(5000, 150, 12, 1), flat(20, 150, 12, 2));
        let [sketch, again] = [1, 3].map(|threads| Sketch::of(&rows, threads, Control::none()).unwrap().unwrap());
        assert_eq!(sketch.stride(), ALIGN);
        assert!((0..5000).all(|id| sketch.code(id) == again.code(id)));
        let coded = sketch.of_queries(&queries, 1, Control::none()).unwrap();
        let (dot, l2sq) = (Kernels::detect().u8_dot, Kernels::detect().l2sq);
        let mut found = 0;
        for q in 0..20 {
            let ranked = |proxy: &dyn Fn(usize) -> f32| {
                let mut all: Vec<usize> = (0..5000).collect();
                all.sort_by(|&a, &b| proxy(a).total_cmp(&proxy(b)));
                all
            };
            let truth = ranked(&|id| l2sq.one(queries.row(q), rows.row(id)));
            let near = ranked(&|id| sketch.proxy(dot, coded.code(q), id));
            found += truth[..10].iter().filter(|id| near[..20].contains(id)).count();
        }
        assert!(found >= 190, "{found} of 200");
    }

    #[test]
    fn known_directions_make_the_same_sketches_and_others_none() {
        let rows = flat(5000, 150, 12, 1);
        let sketch = Sketch::of(&rows, 2, Control::none()).unwrap().unwrap();
        let known = sketch.directions();
        let by = |known: &Directions| Sketch::by(known, &rows, 2, Control::none()).unwrap();
        let again = by(&known).unwrap();
        assert!((0..5000).all(|id| sketch.code(id) == again.code(id)));
        let wrong = [
            Directions { bytes: 3, ..known.clone() },
            Directions { bytes: 256, ..known.clone() },
            Directions { scale: f32::NAN, ..known.clone() },
            Directions { mean: vec![0.0; 7], ..known.clone() },
            Directions { axes: vec![f32::INFINITY; known.axes.len()], ..known },
        ];
        assert!(wrong.iter().all(|wrong| by(wrong).is_none()));
    }

    #[test]
    fn proxies_are_squared_distances_of_codes() {
        let rows = flat(4200, 70, 5, 3);
        let sketch = Sketch::of(&rows, 2, Control::none()).unwrap().unwrap();
        let coded = sketch.of_queries(&rows, 2, Control::none()).unwrap();
        let dot = Kernels::detect().u8_dot;
        for id in [0, 1, 77, 4199] {
            let plain = |a: usize, b: usize| {
                let columns = sketch.code(a).iter().zip(sketch.code(b)).take(ALIGN - NORM);
                columns.map(|(&x, &y)| (i32::from(x) - i32::from(y)).pow(2)).sum::<i32>() as f32
            };
            assert_eq!(sketch.between(dot, 5, id), plain(5, id));
            assert_eq!(sketch.four_between(dot, 5, [id as u32; 4]), [plain(5, id); 4]);
            assert_eq!(sketch.proxy(dot, coded.code(5), id) + sketch.norm(5) as f32, plain(5, id));
            assert_eq!(sketch.four(dot, coded.code(5), [id as u32; 4]), [sketch.proxy(dot, coded.code(5), id); 4]);
        }
    }

    #[test]
    fn none_where_they_gain_nothing_or_tell_nothing_apart() {
        let of = |rows: &Rows| Sketch::of(rows, 2, Control::none()).unwrap();
        assert!(of(&flat(4000, 150, 12, 1)).is_none(), "few rows");
        assert!(of(&flat(5000, 16, 3, 1)).is_none(), "narrow rows");
        assert!(of(uniform(5000, 600, 1).dense().unwrap()).is_none(), "no direction is wider than another");
        assert!(of(&Rows::zeroed(5000, 100).unwrap()).is_none(), "all rows are equal");
    }
}
