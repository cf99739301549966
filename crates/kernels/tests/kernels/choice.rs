use std::process::Command;

use hnsw_kernels::{Isa, Kernels};

/// Set in the child processes of `environment_lowers_the_choice`.
const EXPECTED: &str = "HNSW_KERNELS_EXPECTED_ISA";

#[test]
fn scalar_is_always_available_and_the_last_set_is_the_best() {
    let sets = Kernels::available();
    assert_eq!(sets[0].isa, Isa::Scalar);
    assert!(sets.is_sorted_by_key(|k| (k.isa, k.vnni)));
}

#[test]
fn required_instruction_set_is_present() {
    if let Ok(name) = std::env::var("HNSW_BRIDGE_REQUIRE_ISA") {
        let names: Vec<_> = Kernels::available().iter().map(|k| k.label()).collect();
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}

#[test]
fn environment_lowers_the_choice() {
    if let Ok(expected) = std::env::var(EXPECTED) {
        assert_eq!(Kernels::detect().label(), expected);
        assert!(Kernels::features().starts_with(&expected));
        return;
    }
    let sets = Kernels::available();
    let best = sets.last().unwrap().label();
    let mut cases = vec![("no-such-set".to_string(), best.clone()), (String::new(), best)];
    for k in &sets {
        let best_of_name = sets.iter().rfind(|other| other.isa == k.isa).unwrap();
        cases.push((k.isa.name().to_string(), best_of_name.label()));
    }
    for (asked, expected) in cases {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "choice::environment_lowers_the_choice"])
            .env("HNSW_BRIDGE_ISA", &asked)
            .env(EXPECTED, &expected)
            .output()
            .unwrap();
        assert!(status.status.success(), "HNSW_BRIDGE_ISA={asked}: {status:?}");
    }
}
