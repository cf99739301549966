//! What of the binding needs no Node: taken in as source, because the crate itself only links inside Node.

#[path = "../src/guard.rs"]
mod guard;

use guard::guarded;
use hnsw_core::Error;

fn panicking(message: Option<&'static str>) -> hnsw_core::Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    let result = guarded(|| match message {
        Some(text) => panic!("{text} {}", 7),
        None => std::panic::panic_any(5),
    });
    let _ = std::panic::take_hook();
    result
}

#[test]
fn a_panic_becomes_an_internal_error_with_its_text() {
    let error = panicking(Some("index out of bounds")).unwrap_err();
    assert_eq!(error, Error::Internal { message: "index out of bounds 7".into() });
    assert_eq!(error.code(), "ERR_INTERNAL");
}

#[test]
fn a_panic_without_text_becomes_an_internal_error() {
    assert_eq!(panicking(None).unwrap_err().code(), "ERR_INTERNAL");
}

#[test]
fn results_and_errors_pass() {
    assert_eq!(guarded(|| Ok(5)), Ok(5));
    assert_eq!(guarded(|| Err::<(), _>(Error::Cancelled)), Err(Error::Cancelled));
}
