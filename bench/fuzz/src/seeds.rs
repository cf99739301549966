//! Writes what the fuzzer begins with: small sound files of every form, and the known crashers. `seeds <folder>`

#[path = "../../../crates/files/tests/support/mod.rs"]
mod support;

use support::fuzz::seeds;
use support::liars::liars;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("which folder?");
    std::fs::create_dir_all(&folder)?;
    let all = seeds().into_iter().chain(liars().into_iter().map(|(_, bytes)| bytes));
    for (i, bytes) in all.enumerate() {
        std::fs::write(format!("{folder}/seed-{i:03}"), bytes)?;
    }
    Ok(())
}
