//! Writes what is generated from the table of metrics: docs/metrics.md and src/metric-names.ts.
//!
//! `cargo run -p hnsw-core --example metrics-doc`

mod text;

fn main() -> std::io::Result<()> {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    for (path, text) in text::files() {
        std::fs::write(root.join(path), text)?;
        println!("{path}");
    }
    Ok(())
}
