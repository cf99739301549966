//! What the timing examples share.

use hnsw_core::{Progress, Rows};
use std::sync::Mutex;
use std::time::Instant;

/// The rows once more.
#[allow(dead_code, reason = "not every example copies rows")]
pub fn copy(rows: &Rows) -> Rows {
    let values: Vec<f32> = (0..rows.len()).flat_map(|i| rows.row(i)[..rows.dim()].to_vec()).collect();
    Rows::from_slice(&values, rows.dim()).unwrap()
}

/// Results within the true k-th distance.
#[allow(dead_code, reason = "not every example judges results")]
pub fn hits(found: &[f32], truth: &[f32]) -> usize {
    let worst = truth[truth.len() - 1];
    found.iter().filter(|&&d| d <= worst * (1.0 + 1e-6)).count()
}

/// Prints what each phase took when the next one begins; holds the present one and its start.
pub struct Phases(pub Mutex<(String, Instant)>);

impl Phases {
    pub fn start() -> Phases {
        Phases(Mutex::new((String::new(), Instant::now())))
    }

    pub fn report(&self, progress: Progress) {
        let mut last = self.0.lock().unwrap();
        if last.0 != progress.phase {
            println!("    until {:<16} {:8.3} s", progress.phase, last.1.elapsed().as_secs_f64());
            *last = (progress.phase.to_string(), Instant::now());
        }
    }
}

/// Seconds that all threads of this process have spent on cores: what other processes take does not count. 0 where
/// the system does not tell.
#[allow(dead_code, reason = "not every example times itself so")]
pub fn cpu_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = told.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
